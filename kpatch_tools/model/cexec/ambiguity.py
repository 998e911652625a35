"""Expressions that the grammar misreads because it does not know which names are types.

`(T) - x` may be a subtraction or a cast, `(f()) + x` is read as a cast, `(T)(x)->m` as a member of a call. The
operands and operators are laid out in a row again here, and combined by C's precedence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpatch_tools.syntax import Node
from kpatch_tools.syntax.translation_unit import parse_expression

from .index import child_of, text_of, without_comments
from .types import CType
from .values import Operand

if TYPE_CHECKING:
    from .expressions import Expressions

PRECEDENCE = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip

_UNARY = ("-", "+", "*", "&")
"""Operators that `(T)` before them makes the operators of a cast's operand."""
_PREFIXES = ("unary_expression", "pointer_expression")

Thunk = Callable[[], Operand]


@dataclass(frozen=True, slots=True)
class Pending:
    """A cast that still lacks its operand: the grammar took `(T)` in `(T) - x` for a variable.

    `wrap` applies it (and the prefixes in front of it) to the operand; `alone` is what it is if none follows.
    """

    wrap: Callable[[Thunk], Thunk]
    alone: Thunk


@dataclass(frozen=True, slots=True)
class Row:
    """Operands and the operators between them; `repaired` if the grammar's own tree says something else."""

    operands: tuple[Thunk | Pending, ...]
    operators: tuple[str, ...]
    repaired: bool

    @property
    def needs_care(self) -> bool:
        """Whether what stands in front of the row belongs to its first operand only."""
        return self.repaired or len(self.operands) > 1 or isinstance(self.operands[0], Pending)

    def map_first(self, change: Callable[[Thunk], Thunk]) -> "Row":
        first = self.operands[0]
        changed = _change_pending(first, change) if isinstance(first, Pending) else change(first)
        return Row((changed, *self.operands[1:]), self.operators, self.repaired)

    def join(self, operator: str, other: "Row") -> "Row":
        operators = (*self.operators, operator, *other.operators)
        return Row(self.operands + other.operands, operators, self.repaired or other.repaired)


def _change_pending(pending: Pending, change: Callable[[Thunk], Thunk]) -> Pending:
    return Pending(lambda operand: change(pending.wrap(operand)), pending.alone)


def type_in_parentheses(node: Node, expressions: "Expressions") -> CType | None:
    """The type if `node` is a parenthesised type name that the grammar took for a variable."""
    if node.type != "parenthesized_expression":
        return None
    inside = without_comments(node)
    if len(inside) != 1 or inside[0].type != "identifier":
        return None
    return expressions.type_named(text_of(inside[0]))


def misread_cast(node: Node, expressions: "Expressions") -> Node | None:
    """For a cast whose "type" is no type: the tree of what stands in its parentheses."""
    if node.type != "cast_expression":
        return None
    descriptor = node.child_by_field_name("type")
    base = descriptor.child_by_field_name("type") if descriptor is not None else None
    if descriptor is None or base is None or base.type not in ("type_identifier", "macro_type_specifier"):
        return None
    if base.type == "type_identifier" and expressions.is_type(text_of(base)):
        return None
    return parse_expression(text_of(descriptor))


def row_of(node: Node, expressions: "Expressions") -> Row:
    """`node` as a row of operands, each of them complete."""
    row = _raw_row(node, expressions)
    if not any(isinstance(operand, Pending) for operand in row.operands):
        return row
    operands, operators = list(row.operands), list(row.operators)
    repaired = row.repaired
    # From the right: the operand of one cast may begin with the next.
    for at in range(len(operands) - 1, -1, -1):
        pending = operands[at]
        if not isinstance(pending, Pending):
            continue
        following = operands[at + 1] if at < len(operators) and operators[at] in _UNARY else None
        if following is None or isinstance(following, Pending):
            operands[at] = pending.alone
            continue
        del operands[at + 1]
        operands[at] = pending.wrap(_prefixed(operators.pop(at), following, expressions))
        repaired = True
    return Row(tuple(operands), tuple(operators), repaired)


def _raw_row(node: Node, expressions: "Expressions") -> Row:
    kind = node.type
    if kind == "binary_expression":
        left, right = child_of(node, "left"), child_of(node, "right")
        return _raw_row(left, expressions).join(text_of(child_of(node, "operator")), _raw_row(right, expressions))
    if kind == "cast_expression":
        return _cast_row(node, expressions)
    if kind in _PREFIXES:
        inner = _raw_row(child_of(node, "argument"), expressions)
        if inner.needs_care:
            operator = text_of(node.children[0])
            return inner.map_first(lambda first: _prefixed(operator, first, expressions))
    alone = _operand(node, expressions)
    kinds = _types_alone(node, expressions)
    return Row(
        (alone if not kinds else Pending(lambda operand: _casts(kinds, operand, expressions), alone),), (), False
    )


def _types_alone(node: Node, expressions: "Expressions") -> list[CType]:
    """The types of `(T)` or `(T)(U)`, outermost first; empty for anything else."""
    if node.type == "parenthesized_expression":
        kind = type_in_parentheses(node, expressions)
        return [] if kind is None else [kind]
    chain = cast_chain(node, expressions) if node.type == "call_expression" else None
    if chain is None or len(chain[1]) != 1 or chain[1][0].type != "identifier":
        return []
    innermost = expressions.type_named(text_of(chain[1][0]))
    return [] if innermost is None else [*chain[0], innermost]


def _operand(node: Node, expressions: "Expressions") -> Thunk:
    return lambda: expressions.operand(node)


def _prefixed(operator: str, operand: Thunk, expressions: "Expressions") -> Thunk:
    return lambda: expressions.unary(operator, operand)


def _casts(kinds: list[CType], operand: Thunk, expressions: "Expressions") -> Thunk:
    def cast() -> Operand:
        result = operand()
        for kind in reversed(kinds):
            result = expressions.cast(kind, result)
        return result

    return cast


def _cast_row(node: Node, expressions: "Expressions") -> Row:
    value = child_of(node, "value")
    head = misread_cast(node, expressions)
    if head is None:
        inner = _raw_row(value, expressions)
        if inner.needs_care and value.type != "binary_expression":
            return inner.map_first(lambda first: lambda: expressions.cast_node(node, first()))
        return Row((_operand(node, expressions),), (), repaired=False)
    if value.type in _PREFIXES:
        operator, argument = text_of(value.children[0]), child_of(value, "argument")
        if operator == "&" and argument.type in _PREFIXES and argument.start_byte == value.start_byte + 1:
            # `&&` in one piece: the grammar reads it as the address of an address.
            operator, argument = "&&", child_of(argument, "argument")
        if operator in PRECEDENCE:
            first = Row((_operand(head, expressions),), (), repaired=True)
            return first.join(operator, _raw_row(argument, expressions))
    if value.type == "parenthesized_expression":
        arguments = without_comments(value)
        return Row((lambda: expressions.translator.calls.call(head, arguments, node),), (), repaired=True)
    raise expressions.context.unsupported(node, f"expression '{text_of(node)[:60]}'")


def cast_chain(node: Node, expressions: "Expressions") -> tuple[list[CType], list[Node]] | None:
    """For `(T)(U)(x)`, read as a call of a call of T: the types, outermost first, and the operand."""
    kinds: list[CType] = []
    arguments = without_comments(child_of(node, "arguments"))
    function = child_of(node, "function")
    while function.type == "call_expression":
        inner = without_comments(child_of(function, "arguments"))
        kind = expressions.type_named(text_of(inner[0])) if len(inner) == 1 and inner[0].type == "identifier" else None
        if kind is None:
            return None
        kinds.append(kind)
        function = child_of(function, "function")
    outermost = type_in_parentheses(function, expressions)
    return None if outermost is None else ([outermost, *reversed(kinds)], arguments)


def misread_postfix(node: Node, expressions: "Expressions") -> Node | None:
    """For `(T)(x)->m` and its kind, read as a member (element, call) of a call of T: that call."""
    current: Node | None = node
    while current is not None and current.type in ("field_expression", "subscript_expression", "call_expression"):
        field_name = "function" if current.type == "call_expression" else "argument"
        function = current.child_by_field_name(field_name)
        is_inner_call = current.type == "call_expression" and function is not None and current.id != node.id
        if is_inner_call and function is not None and type_in_parentheses(function, expressions) is not None:
            return None if expressions.is_replaced(current) else current
        current = function
    return None
