"""Questions about nodes that many ask."""

from collections.abc import Iterator

from tree_sitter import Node

from .parser import ParsedFile
from .query import query

_NAMES = frozenset({"identifier", "field_identifier", "type_identifier"})


def text(node: Node, source: bytes) -> bytes:
    """The node's bytes in `source`, the file before masking."""
    return source[node.start_byte : node.end_byte]


def name_of(node: Node) -> str:
    """The text of a name node."""
    return (node.text or b"").decode("utf-8", "surrogateescape")


def line_of(node: Node) -> int:
    """1-based line of the node's first byte."""
    return node.start_point.row + 1


def descend(node: Node) -> Iterator[Node]:
    """`node` and all named nodes below it, parents first, in file order."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.named_children))


def ancestors(node: Node) -> Iterator[Node]:
    """The parents of `node`, innermost first."""
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def declared_name(declarator: Node | None) -> Node | None:
    """The name inside a declarator such as `*(*name[3])(int)`; None for an abstract one."""
    while declarator is not None and declarator.type not in _NAMES:
        inner = declarator.child_by_field_name("declarator")
        if inner is None and declarator.type in ("parenthesized_declarator", "attributed_declarator"):
            inner = next(iter(declarator.named_children), None)
        declarator = inner
    return declarator


def function_name(definition: Node) -> str | None:
    """The name of a `function_definition`; None where the grammar found none."""
    name = declared_name(definition.child_by_field_name("declarator"))
    return name_of(name) if name is not None else None


def enclosing_function_node(node: Node) -> Node | None:
    """The `function_definition` around `node` (or `node` itself)."""
    current: Node | None = node
    while current is not None and current.type != "function_definition":
        current = current.parent
    return current


def enclosing_function(node: Node) -> str | None:
    """The name of the function whose definition `node` is part of; None at file level."""
    definition = enclosing_function_node(node)
    return function_name(definition) if definition is not None else None


def functions(parsed: ParsedFile) -> Iterator[Node]:
    """Every `function_definition`, in file order, under conditionals too."""
    yield from _top_level(parsed.root, "function_definition")


def declarations(parsed: ParsedFile) -> Iterator[Node]:
    """Every file-level `declaration` (variables and prototypes), in file order, under conditionals too."""
    yield from _top_level(parsed.root, "declaration")


def find_function(parsed: ParsedFile, name: str) -> Node | None:
    """The first definition of the function `name`."""
    return next((node for node in functions(parsed) if function_name(node) == name), None)


def find_functions(parsed: ParsedFile, name: str) -> tuple[Node, ...]:
    """All of them: `#ifdef` branches often hold one each."""
    return tuple(node for node in functions(parsed) if function_name(node) == name)


def find_struct(parsed: ParsedFile, tag: str, *, kind: str = "struct") -> Node | None:
    """The specifier that defines `struct tag` (or `union`, `enum`) with a body."""
    for node in structs(parsed, kind=kind):
        name = node.child_by_field_name("name")
        if name is not None and name_of(name) == tag:
            return node
    return None


def structs(parsed: ParsedFile, *, kind: str = "struct") -> Iterator[Node]:
    """Every `struct` (or `union`, `enum`) specifier with a body, in file order, nested and unnamed ones too."""
    yield from query("records", parsed.root).get(kind, ())


def find_initialiser(parsed: ParsedFile, variable: str) -> Node | None:
    """The file-level `init_declarator` of `variable`."""
    for declaration in declarations(parsed):
        for declarator in declaration.children_by_field_name("declarator"):
            name = declared_name(declarator) if declarator.type == "init_declarator" else None
            if name is not None and name_of(name) == variable:
                return declarator
    return None


def _top_level(node: Node, wanted: str) -> Iterator[Node]:
    """Nodes of one type outside of any function, also inside conditionals, `extern "C"` and errors."""
    for child in node.named_children:
        if child.type == wanted:
            yield child
        elif child.type.startswith("preproc_") or child.type in ("ERROR", "linkage_specification", "declaration_list"):
            yield from _top_level(child, wanted)
