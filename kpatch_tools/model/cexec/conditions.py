"""Conditions, and the operators that evaluate only some of their operands."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from kpatch_tools.syntax import Node

from .ambiguity import row_of
from .arithmetic import balanced, convert, fit, truth
from .errors import Unsupported
from .index import child_of, text_of, without_comments
from .types import INT, VOID, CType, Integer, Pointer, Void, scalar_of
from .values import Operand, Value, constant

if TYPE_CHECKING:
    from .translator import Translator

Condition = tuple[str, bool | None]
"""Python code that is true when the C condition holds, and its value where known at translation."""


class Conditions:
    """Conditions of one function."""

    def __init__(self, translator: "Translator") -> None:
        self.translator = translator
        self.context = translator.context

    def condition(self, node: Node) -> Condition:
        """The expression as a condition; short-circuit operators stay short-circuit."""
        while node.type == "parenthesized_expression":
            inside = without_comments(node)
            if len(inside) != 1 or inside[0].type == "compound_statement":
                break
            node = inside[0]
        if node.type == "binary_expression":
            row = row_of(node, self.translator.expressions)
            operator = text_of(child_of(node, "operator"))
            if not row.repaired and operator in ("&&", "||"):
                left, right = child_of(node, "left"), child_of(node, "right")
                return self.logical(operator, lambda: self.condition(left), lambda: self.condition(right))
        if node.type == "unary_expression" and text_of(node.children[0]) == "!" and not self._is_misread(node):
            code, known = self.condition(child_of(node, "argument"))
            return (f"(not {code})", None) if known is None else (str(not known), not known)
        return self.of_value(self.translator.expressions.value(node))

    def _is_misread(self, node: Node) -> bool:
        return row_of(node, self.translator.expressions).repaired

    def as_int(self, condition: Condition) -> Value:
        """The condition as C's 0 or 1."""
        code, known = condition
        return Value(INT, f"(1 if {code} else 0)", 0, 1) if known is None else constant(int(known), INT)

    def of_value(self, value: Value) -> Condition:
        """Whether the value is not 0."""
        known = None if value.const is None else value.const != 0
        return (truth(value), None) if known is None else (str(known), known)

    def logical(self, operator: str, left: Callable[[], Condition], right: Callable[[], Condition]) -> Condition:
        """`left && right` or `left || right`; the operands are translated in that order."""
        emitter = self.context.emitter
        decides = operator == "||"
        left_code, left_known = left()
        if left_known is not None:
            return (str(decides), decides) if left_known == decides else right()
        with emitter.capture() as lines:
            right_code, right_known = right()
        if lines:
            # The right side needs statements, which must run only if the left side leaves the question open.
            name = emitter.temporary("_b")
            emitter.emit(f"{name}={left_code}")
            emitter.emit(f"if {'not ' if decides else ''}{name}:")
            emitter.extend(lines, shift=1)
            emitter.emit(f"    {name}={right_code}")
            return name, None
        if right_known is not None and right_known != decides:
            return left_code, None
        return f"({left_code} {'or' if decides else 'and'} {right_code})", None

    def conditional(self, node: Node) -> Operand:
        """`a ? b : c`; where `a` is known, the branch not taken need not be translatable."""
        condition, alternative = child_of(node, "condition"), child_of(node, "alternative")
        chosen = node.child_by_field_name("consequence")
        if chosen is None:
            return self._elvis(condition, alternative)
        code, known = self.condition(condition)
        if known is not None:
            return self._known_branch(chosen if known else alternative, alternative if known else chosen)
        emitter = self.context.emitter
        with emitter.capture() as first:
            left = self.translator.expressions.value(chosen)
        with emitter.capture() as second:
            right = self.translator.expressions.value(alternative)
        kind = self._branch_type(left, right)
        left, right = self._branch(left, kind), self._branch(right, kind)
        if not first and not second:
            joined = f"({left.code} if {code} else {right.code})"
        else:
            joined = emitter.temporary("_r")
            for head, lines, value in ((f"if {code}:", first, left), ("else:", second, right)):
                emitter.emit(head)
                emitter.extend(lines, shift=1)
                emitter.emit(f"    {joined}={value.code}")
        return Value(kind, joined, min(left.low, right.low), max(left.high, right.high))

    def _known_branch(self, chosen: Node, other: Node) -> Operand:
        """The branch that is taken, converted as if the other were there; the other may be untranslatable."""
        value = self.translator.expressions.value(chosen)
        if not isinstance(value.type, Integer):
            return value
        try:
            unused = self.translator.access.value(self.translator.expressions.unevaluated(other))
        except Unsupported:
            return value
        return balanced(value, unused)[0] if isinstance(unused.type, Integer) else value

    def _elvis(self, condition: Node, alternative: Node) -> Operand:
        """GNU `a ?: b`."""
        emitter = self.context.emitter
        first = fit(self.translator.expressions.value(condition))
        if first.const is not None:
            return self._known_branch(*((condition, alternative) if first.const else (alternative, condition)))
        name = emitter.temporary("_q")
        emitter.emit(f"{name}={first.code}")
        kept = Value(first.type, name, first.low, first.high)
        with emitter.capture() as lines:
            second = self.translator.expressions.value(alternative)
        kind = self._branch_type(kept, second)
        left, right = self._branch(kept, kind), self._branch(second, kind)
        if not lines:
            code = f"({left.code} if {name} else {right.code})"
            return Value(kind, code, min(left.low, right.low), max(left.high, right.high))
        result = emitter.temporary("_r")
        emitter.emit(f"{result}={left.code}")
        emitter.emit(f"if not {name}:")
        emitter.extend(lines, shift=1)
        emitter.emit(f"    {result}={right.code}")
        return Value(kind, result, min(left.low, right.low), max(left.high, right.high))

    def _branch_type(self, left: Value, right: Value) -> CType:
        """The type of a conditional expression with these branches."""
        kinds = (left.type, right.type)
        if any(isinstance(kind, Void) for kind in kinds):
            return VOID
        if isinstance(left.type, Integer) and isinstance(right.type, Integer):
            return balanced(left, right)[2]
        for value, other in ((left, right), (right, left)):
            if isinstance(value.type, Pointer) and (
                not isinstance(other.type, Pointer) or other.const == 0 or not isinstance(value.type.to, Void)
            ):
                return value.type
        return left.type

    def _branch(self, value: Value, kind: CType) -> Value:
        if isinstance(kind, Void) or scalar_of(kind) is None:
            return value
        return convert(value, kind)
