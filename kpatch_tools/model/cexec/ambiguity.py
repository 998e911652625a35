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

_PREFIXES = ("unary_expression", "pointer_expression")

Thunk = Callable[[], Operand]


@dataclass(frozen=True, slots=True)
class Row:
    """Operands and the operators between them; `repaired` if the grammar's own tree says something else."""

    operands: tuple[Thunk, ...]
    operators: tuple[str, ...]
    repaired: bool

    def map_first(self, change: Callable[[Thunk], Thunk], *, repaired: bool = False) -> "Row":
        return Row((change(self.operands[0]), *self.operands[1:]), self.operators, self.repaired or repaired)

    def join(self, operator: str, other: "Row", *, repaired: bool = False) -> "Row":
        return Row(
            self.operands + other.operands,
            (*self.operators, operator, *other.operators),
            self.repaired or other.repaired or repaired,
        )


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
    """`node` as a row of operands."""
    kind = node.type
    if kind == "binary_expression":
        return _binary_row(node, expressions)
    if kind == "cast_expression":
        return _cast_row(node, expressions)
    if kind in _PREFIXES:
        argument = node.child_by_field_name("argument")
        if argument is not None and (argument.type in _PREFIXES or argument.type == "cast_expression"):
            inner = row_of(argument, expressions)
            if inner.repaired:
                operator = text_of(node.children[0])
                return inner.map_first(lambda first: lambda: expressions.unary(operator, first))
    return Row((lambda: expressions.operand(node),), (), repaired=False)


def _binary_row(node: Node, expressions: "Expressions") -> Row:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator_node = node.child_by_field_name("operator")
    if left is None or right is None or operator_node is None:
        raise expressions.context.unsupported(node, "incomplete expression")
    operator = text_of(operator_node)
    if operator in ("-", "+", "*", "&"):
        kind = type_in_parentheses(left, expressions)
        if kind is not None:
            target = kind
            # `(T) - x`: a cast of a unary expression, whose operand is the first of the right side's.
            return row_of(right, expressions).map_first(
                lambda first: lambda: expressions.cast(target, expressions.unary(operator, first)), repaired=True
            )
    return row_of(left, expressions).join(operator, row_of(right, expressions))


def _cast_row(node: Node, expressions: "Expressions") -> Row:
    value = node.child_by_field_name("value")
    inner = misread_cast(node, expressions)
    if value is None:
        raise expressions.context.unsupported(node, "incomplete cast")
    if inner is None:
        if value.type in _PREFIXES or value.type == "cast_expression":
            row = row_of(value, expressions)
            if row.repaired:
                return row.map_first(lambda first: lambda: expressions.cast_node(node, first()))
        return Row((lambda: expressions.operand(node),), (), repaired=False)
    head = inner
    if value.type in _PREFIXES:
        operator, argument = text_of(value.children[0]), value.child_by_field_name("argument")
        if operator == "&" and argument is not None and argument.start_byte == value.start_byte + 1:
            # `&&` in one piece: the grammar reads it as the address of an address.
            operator, argument = "&&", argument.child_by_field_name("argument")
        if operator in PRECEDENCE and argument is not None:
            first = Row((lambda: expressions.operand(head),), (), repaired=True)
            return first.join(operator, row_of(argument, expressions))
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
