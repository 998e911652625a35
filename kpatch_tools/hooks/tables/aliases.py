"""Follows a table through one file: which part of it an expression stands for, also through local pointers.

Flow is followed as far as text order and nesting show it: a use sees the last assignment that surely came before it,
and every one that may have come in between. A loop's back edge is not followed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.syntax import Node, ParsedFile, ancestors, declaring_scope, name_of

from .search import word_pattern

_DECLARATORS = ("pointer_declarator", "array_declarator", "parenthesized_declarator", "attributed_declarator")
SAME_OBJECT = frozenset({"ACCESS_ONCE", "READ_ONCE", "rcu_dereference", "rcu_dereference_raw"})
"""Macros whose result stands for their only argument."""

_BRANCHES = ("preproc_if", "preproc_ifdef", "preproc_else", "preproc_elif", "preproc_elifdef")
_BLOCKS = ("compound_statement", "for_statement", "translation_unit")


@dataclass(frozen=True, slots=True)
class Target:
    """A part of the table: the lvalue at `path` ("" is the table), or with `pointer` its address."""

    path: str
    pointer: bool = False

    def member(self, name: str) -> "Target":
        return Target(f"{self.path}.{name}" if self.path else name)


@dataclass(frozen=True, slots=True)
class Variable:
    """A local or file-level variable: the node that its scope is, and its name."""

    scope: Node
    name: str


@dataclass(frozen=True, slots=True)
class _Binding:
    """`value` is stored in a variable at `offset`; `region` is the part of the text that surely comes after it."""

    offset: int
    region: Node
    value: Node


class Aliases:
    """Evaluates expressions of `parsed` to parts of the variable `table` (`pointer`: the variable is a pointer)."""

    def __init__(self, parsed: ParsedFile, table: str, *, pointer: bool) -> None:
        self.parsed = parsed
        self.table = table
        self.root_target = Target("", pointer)
        self.arguments: dict[Variable, list[Node]] = {}
        """What callers in this file pass for a parameter."""
        self._bindings: dict[Variable, tuple[_Binding, ...]] = {}
        self._active: set[Variable] = set()

    def mentions(self, name: str, within: Node) -> Iterator[Node]:
        """The identifiers called `name` below `within`."""
        for match in word_pattern(name).finditer(self.parsed.masked, within.start_byte, within.end_byte):
            node = self.parsed.root.descendant_for_byte_range(match.start(), match.end())
            if node is not None and node.type == "identifier" and not _in_directive(node):
                yield node

    def uses(self, variable: Variable) -> Iterator[Node]:
        """The identifiers in expressions that refer to `variable`."""
        for node in self.mentions(variable.name, variable.scope):
            if declarator_of(node) is None and declaring_scope(node) == variable.scope:
                yield node

    def evaluate(self, expression: Node) -> frozenset[Target]:
        """The parts of the table that `expression` may stand for; empty where it is none of them."""
        match expression.type:
            case "identifier":
                return self._evaluate_name(expression)
            case "parenthesized_expression" | "comma_expression":
                return self.evaluate(expression.named_children[-1]) if expression.named_children else frozenset()
            case "cast_expression":
                return self._evaluate_field(expression, "value")
            case "assignment_expression":
                return self._evaluate_field(expression, "right")
            case "conditional_expression":
                # `a ?: b` has its condition for a value.
                first = "condition" if expression.child_by_field_name("consequence") is None else "consequence"
                return self._evaluate_field(expression, first) | self._evaluate_field(expression, "alternative")
            case "subscript_expression":
                base = self._evaluate_field(expression, "argument")
                return frozenset(Target(target.path) for target in base)
            case "field_expression":
                arrow = operator_of(expression) == b"->"
                field = expression.child_by_field_name("field")
                base = self._evaluate_field(expression, "argument")
                return frozenset(
                    target.member(name_of(field)) for target in base if field is not None and target.pointer == arrow
                )
            case "pointer_expression":
                address = operator_of(expression) == b"&"
                base = self._evaluate_field(expression, "argument")
                # Applying `*` to a slot itself only spells the call in the old way.
                return frozenset(Target(target.path, address) for target in base if not (address and target.pointer))
            case "call_expression" if called_name(expression) in SAME_OBJECT:
                arguments = expression.child_by_field_name("arguments")
                return self.evaluate(arguments.named_children[0]) if arguments is not None else frozenset()
            case _:
                return frozenset()

    def _evaluate_field(self, node: Node, name: str) -> frozenset[Target]:
        child = node.child_by_field_name(name)
        return self.evaluate(child) if child is not None else frozenset()

    def _evaluate_name(self, identifier: Node) -> frozenset[Target]:
        scope = declaring_scope(identifier)
        name = name_of(identifier)
        if name == self.table and scope == self.parsed.root:
            return frozenset({self.root_target})
        variable = Variable(scope, name)
        if variable in self._active:
            return frozenset()
        self._active.add(variable)
        try:
            return frozenset(target for value in self._values(variable, identifier) for target in self.evaluate(value))
        finally:
            self._active.discard(variable)

    def _values(self, variable: Variable, use: Node) -> Iterator[Node]:
        """What `variable` may hold at `use`."""
        bindings = self.bindings(variable)
        if variable.scope.parent is None:
            yield from (binding.value for binding in bindings)
            return
        around = {node.id for node in ancestors(use)}
        for binding in reversed(bindings):
            if binding.offset >= use.start_byte:
                continue
            yield binding.value
            if binding.region.id in around:
                return
        yield from self.arguments.get(variable, ())

    def bindings(self, variable: Variable) -> tuple[_Binding, ...]:
        """Every initialiser of and assignment to `variable`, in text order."""
        known = self._bindings.get(variable)
        if known is None:
            known = tuple(self._find_bindings(variable))
            self._bindings[variable] = known
        return known

    def _find_bindings(self, variable: Variable) -> Iterator[_Binding]:
        for node in self.mentions(variable.name, variable.scope):
            declarator = declarator_of(node)
            if declarator is not None:
                value = initial_value(declarator)
                if value is not None and declared_variable(node) == variable:
                    yield _Binding(value.end_byte, region_after(node), value)
                continue
            holder = outermost_parentheses(node)
            value = assigned_value(holder)
            if value is not None and declaring_scope(node) == variable.scope:
                yield _Binding(value.end_byte, region_after(node), value)


def _in_directive(identifier: Node) -> bool:
    """Whether a name stands in an `#ifdef` or is being defined, which says nothing about a variable."""
    parent = identifier.parent
    return (parent is not None and parent.type.startswith("preproc_") and parent.type not in _BRANCHES) or (
        parent is not None and parent.type in _BRANCHES and identifier in _conditions(parent)
    )


def _conditions(branch: Node) -> tuple[Node | None, ...]:
    return (branch.child_by_field_name("name"), branch.child_by_field_name("condition"))


def called_name(call: Node) -> str:
    """The name of the function or macro that a `call_expression` calls; "" if it is called otherwise."""
    callee = call.child_by_field_name("function")
    return name_of(callee) if callee is not None and callee.type == "identifier" else ""


def operator_of(node: Node) -> bytes:
    """The operator of an expression, as written."""
    operator = node.child_by_field_name("operator")
    return (operator.text or b"") if operator is not None else b""


def outermost_parentheses(node: Node) -> Node:
    """`node` with the parentheses around it."""
    while node.parent is not None and node.parent.type == "parenthesized_expression":
        node = node.parent
    return node


def assigned_value(left: Node) -> Node | None:
    """The right side, if `left` is the left side of a plain assignment."""
    parent = left.parent
    if parent is None or parent.type != "assignment_expression" or operator_of(parent) != b"=":
        return None
    return parent.child_by_field_name("right") if parent.child_by_field_name("left") == left else None


def declarator_of(identifier: Node) -> Node | None:
    """The outermost declarator if `identifier` is being declared, None if it is used."""
    node = identifier
    parent = node.parent
    while parent is not None and (parent.type in _DECLARATORS or parent.type == "function_declarator"):
        if parent.child_by_field_name("declarator") != node and parent.type not in _DECLARATORS[2:]:
            return None
        node, parent = parent, parent.parent
    if parent is None:
        return None
    if parent.type in ("init_declarator", "declaration", "parameter_declaration", "function_definition"):
        return node if node in parent.children_by_field_name("declarator") else None
    return None


def initial_value(declarator: Node) -> Node | None:
    """The initialiser of the variable that `declarator` declares."""
    parent = declarator.parent
    return parent.child_by_field_name("value") if parent is not None and parent.type == "init_declarator" else None


def declared_variable(identifier: Node) -> Variable:
    """The variable that `identifier`, inside a declarator, introduces."""
    scope = next(node for node in ancestors(identifier) if node.type in _BLOCKS or node.parent is None)
    return Variable(scope, name_of(identifier))


def referred_variable(identifier: Node) -> Variable:
    """The variable that `identifier`, in an expression, refers to."""
    return Variable(declaring_scope(identifier), name_of(identifier))


def region_after(node: Node) -> Node:
    """The block whose later statements surely run after the one that `node` is in; a lone branch is its own region."""
    child = node
    for parent in ancestors(node):
        if parent.type in ("compound_statement", "translation_unit"):
            return parent
        if parent.type in ("else_clause", "while_statement", "do_statement") and child.type.endswith("_statement"):
            return child
        if parent.type == "if_statement" and parent.child_by_field_name("condition") != child:
            return child
        if parent.type == "for_statement" and parent.child_by_field_name("body") == child:
            return child
        child = parent
    return child
