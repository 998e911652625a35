"""Assignments, increments, and expressions whose value nobody uses."""

from typing import TYPE_CHECKING

from kpatch_tools.syntax import Node

from .arithmetic import TypeMismatch, binary, pointer_plus
from .index import Ambiguous, child_of, text_of, without_comments
from .types import INT, IncompleteType, Pointer, scalar_of
from .values import Bits, Operand, Value, constant, of_range

if TYPE_CHECKING:
    from .translator import Translator


class Assignments:
    """Translates what changes objects."""

    def __init__(self, translator: "Translator") -> None:
        self.translator = translator
        self.context = translator.context

    def statement(self, node: Node) -> None:
        """Emit the expression for its effects only."""
        try:
            self._statement(node)
        except (TypeMismatch, IncompleteType, Ambiguous) as error:
            raise self.context.unsupported(node, f"'{text_of(node)[:60]}': {error}") from error

    def expression(self, node: Node) -> Operand:
        """An assignment whose value is used."""
        place = self.translator.expressions.operand(child_of(node, "left"))
        operator = text_of(child_of(node, "operator"))
        right = self.translator.expressions.value(child_of(node, "right"))
        if operator != "=":
            place = self.translator.access.stable(place)
            right = self._combined(operator[:-1], place, right)
        return self.translator.access.stored(place, right)

    def update(self, node: Node) -> Operand:
        """`++` or `--` whose value is used."""
        access = self.translator.access
        place = access.stable(self.translator.expressions.operand(child_of(node, "argument")))
        if node.children[0].type in ("++", "--"):
            return access.stored(place, self._stepped(node, place))
        old = access.value(place)
        kept = self.context.emitter.temporary("_o")
        if isinstance(place, Bits):
            self.context.emitter.emit(f"{kept}={old.code}")
            before = Value(old.type, kept, old.low, old.high)
            access.store(place, self._step(node, before))
            return before
        new = access.stored(place, self._step(node, Value(old.type, kept, old.low, old.high)))
        # A tuple evaluates left to right: keep the old value, store the new one, take the old.
        return of_range(f"(({kept}:={old.code}),{new.code})[0]", old.type)

    def _statement(self, node: Node) -> None:
        while node.type == "parenthesized_expression":
            inside = without_comments(node)
            if len(inside) != 1:
                raise self.context.unsupported(node, f"expression '{text_of(node)[:60]}'")
            node = inside[0]
        access, expressions = self.translator.access, self.translator.expressions
        kind = node.type
        if kind == "compound_statement":
            self.translator.statements.block(node)
        elif kind == "comma_expression":
            self.statement(child_of(node, "left"))
            self.statement(child_of(node, "right"))
        elif kind == "assignment_expression":
            place = expressions.operand(child_of(node, "left"))
            operator = text_of(child_of(node, "operator"))
            right = expressions.value(child_of(node, "right"))
            if operator != "=":
                place = access.stable(place)
                right = self._combined(operator[:-1], place, right)
            access.store(place, right)
        elif kind == "update_expression":
            place = access.stable(expressions.operand(child_of(node, "argument")))
            access.store(place, self._stepped(node, place))
        elif kind == "conditional_expression" and node.child_by_field_name("consequence") is not None:
            self._either(node)
        elif kind == "binary_expression" and text_of(child_of(node, "operator")) in ("&&", "||"):
            code, known = self.translator.conditions.condition(node)
            if known is None and not code.isidentifier():
                self.context.emitter.emit(code)
        else:
            operand = expressions.operand(node)
            if isinstance(operand, Value):
                expressions.discard(operand)

    def _either(self, node: Node) -> None:
        code, known = self.translator.conditions.condition(child_of(node, "condition"))
        chosen, alternative = child_of(node, "consequence"), child_of(node, "alternative")
        if known is not None:
            self.statement(chosen if known else alternative)
            return
        emitter = self.context.emitter
        with emitter.block(f"if {code}:"):
            self.statement(chosen)
        with emitter.capture() as lines, emitter.block("else:"):
            self.statement(alternative)
        if [line.text for line in lines] != ["else:", "pass"]:
            emitter.extend(lines)

    def _combined(self, operator: str, place: Operand, right: Value) -> Value:
        old = self.translator.access.value(place)
        if isinstance(old.type, Pointer) and operator not in ("+", "-"):
            raise TypeMismatch(f"{operator}= on {old.type}")
        return binary(operator, old, right)

    def _stepped(self, node: Node, place: Operand) -> Value:
        return self._step(node, self.translator.access.value(place))

    def _step(self, node: Node, old: Value) -> Value:
        sign = 1 if any(child.type == "++" for child in node.children) else -1
        if scalar_of(old.type) is None:
            raise TypeMismatch(f"increment of {old.type}")
        if isinstance(old.type, Pointer):
            return pointer_plus(old, constant(1, INT), sign=sign)
        return binary("+" if sign > 0 else "-", old, constant(1, INT))
