"""Small questions about the shape of C code."""

from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.syntax import Node, ParsedFile, declarations, declared_name, descend, name_of


@dataclass(frozen=True, slots=True)
class Assignment:
    """`left = right`; a declaration with an initialiser counts, its `left` being the declared name."""

    left: Node
    right: Node
    node: Node


def assignments(node: Node) -> Iterator[Assignment]:
    """The plain assignments (and initialised declarations) at or below `node`, in file order."""
    for one in descend(node):
        if one.type == "assignment_expression":
            left, right = one.child_by_field_name("left"), one.child_by_field_name("right")
            operator = one.child_by_field_name("operator")
            if left is not None and right is not None and operator is not None and operator.type == "=":
                yield Assignment(left, right, one)
        elif one.type == "init_declarator":
            name, value = declared_name(one), one.child_by_field_name("value")
            if name is not None and value is not None:
                yield Assignment(name, value, one)


def calls(node: Node, name: str | None = None) -> Iterator[Node]:
    """The calls at or below `node`; only those of the function (or path of members) `name`, if given."""
    for one in descend(node):
        if one.type == "call_expression" and (name is None or callee(one) == name):
            yield one


def callee(call: Node) -> str | None:
    """What is called: a name or a path such as `x86_init.mapping.pagetable_reserve`; None for anything else."""
    function = call.child_by_field_name("function")
    return path_of(function) if function is not None else None


def arguments(call: Node) -> tuple[Node, ...]:
    """The arguments of a call, comments left out."""
    inside = call.child_by_field_name("arguments")
    return tuple(one for one in inside.named_children if one.type != "comment") if inside is not None else ()


def path_of(node: Node) -> str | None:
    """`a` or `a.b.c` for a name or nested members, also behind `&`, `*` or parentheses; None for another expression."""
    if node.type == "identifier":
        return name_of(node)
    if node.type in ("pointer_expression", "parenthesized_expression"):
        inner = node.child_by_field_name("argument") or (node.named_children[0] if node.named_children else None)
        return path_of(inner) if inner is not None else None
    if node.type == "field_expression":
        base, field = node.child_by_field_name("argument"), node.child_by_field_name("field")
        root = path_of(base) if base is not None else None
        return f"{root}.{name_of(field)}" if root is not None and field is not None else None
    return None


def names_in(node: Node) -> tuple[str, ...]:
    """The plain names used at or below `node`, each once, in order of first use."""
    return tuple(dict.fromkeys(name_of(one) for one in descend(node) if one.type == "identifier"))


def unwrapped(node: Node) -> Node:
    """`node` without parentheses and casts around it."""
    while True:
        if node.type == "parenthesized_expression" and len(node.named_children) == 1:
            node = node.named_children[0]
        elif node.type == "cast_expression" and (value := node.child_by_field_name("value")) is not None:
            node = value
        else:
            return node


def binary(node: Node) -> tuple[str, Node, Node] | None:
    """Operator and operands of a binary expression; None for another one."""
    if node.type != "binary_expression":
        return None
    operator = node.child_by_field_name("operator")
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if operator is None or left is None or right is None:
        return None
    return operator.type, left, right


def statements(body: Node | None) -> tuple[Node, ...]:
    """The statements of a compound statement, or the one statement that stands in place of it; no comments."""
    if body is None:
        return ()
    if body.type != "compound_statement":
        return (body,)
    return tuple(one for one in body.named_children if one.type != "comment")


def file_variables(parsed: ParsedFile) -> dict[str, Node]:
    """The file-level variables (not prototypes) that a file defines or declares, with the declaration of each."""
    found: dict[str, Node] = {}
    for declaration in declarations(parsed):
        for declarator in declaration.children_by_field_name("declarator"):
            if any(one.type == "function_declarator" for one in descend(declarator)):
                continue
            if (name := declared_name(declarator)) is not None:
                found.setdefault(name_of(name), declaration)
    return found


def prototype(parsed: ParsedFile, function: str) -> Node | None:
    """The file-level declaration of `function`, not its definition."""
    for declaration in declarations(parsed):
        for declarator in declaration.children_by_field_name("declarator"):
            name = declared_name(declarator)
            if name is not None and name_of(name) == function and is_function(declarator):
                return declaration
    return None


def is_function(declarator: Node) -> bool:
    """Whether the declarator declares a function (and no pointer to one)."""
    while declarator.type in ("pointer_declarator", "init_declarator"):
        inner = declarator.child_by_field_name("declarator")
        if inner is None:
            return False
        declarator = inner
    if declarator.type != "function_declarator":
        return False
    inner = declarator.child_by_field_name("declarator")
    return inner is not None and inner.type == "identifier"


def parameter_names(declaration: Node) -> tuple[str, ...]:
    """The names of a function's parameters, from its prototype or definition; "" for an unnamed one."""
    declarator = next((one for one in descend(declaration) if one.type == "function_declarator"), None)
    inside = declarator.child_by_field_name("parameters") if declarator is not None else None
    if inside is None:
        return ()
    names = []
    for one in inside.named_children:
        if one.type == "parameter_declaration":
            name = declared_name(one.child_by_field_name("declarator"))
            names.append(name_of(name) if name is not None else "")
    return tuple(names)
