"""Expressions to values."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from kpatch_tools.syntax import Node
from kpatch_tools.syntax.preprocessor_conditions import ConditionError
from kpatch_tools.syntax.translation_unit import parse_expression

from . import ambiguity
from .arithmetic import (
    TypeMismatch,
    binary,
    complemented,
    convert,
    negated,
    pointer_plus,
    promote,
)
from .emitter import Emitter
from .index import Ambiguous, child_of, text_of, without_comments
from .literals import character_constant, integer_constant, string_bytes
from .scope import LocalType
from .types import (
    CHAR,
    INT,
    UINT,
    ULONG,
    VOID,
    Array,
    CType,
    IncompleteType,
    Integer,
    Pointer,
    Record,
)
from .values import Address, Bits, FunctionName, Local, Memory, Operand, Value, constant, pointer_to

if TYPE_CHECKING:
    from .translator import Translator

_CHARACTER = re.compile(r"'(?:[^\\']|\\(?:x[0-9a-fA-F]{1,2}|[0-7]{1,3}|[^x0-7]))'")
"""One plain character: the value of several in one constant, and of wide ones, is not modelled."""


class Expressions:
    """Translates expressions of one function."""

    def __init__(self, translator: "Translator") -> None:
        self.translator = translator
        self.context = translator.context
        self._replaced: dict[int, Operand] = {}
        self._methods: dict[str, Callable[[Node], Operand]] = {
            "number_literal": self._number,
            "char_literal": self._character,
            "string_literal": self._string,
            "concatenated_string": self._string,
            "identifier": self._identifier,
            "true": lambda node: constant(1, INT),
            "false": lambda node: constant(0, INT),
            "null": lambda node: constant(0, Pointer(VOID)),
            "parenthesized_expression": self._parenthesized,
            "compound_statement": self._statement_expression,
            "comma_expression": self._comma,
            "cast_expression": self._cast,
            "sizeof_expression": self._sizeof,
            "alignof_expression": self._alignof,
            "compound_literal_expression": self._compound_literal,
            "pointer_expression": self._pointer,
            "field_expression": self._field,
            "subscript_expression": self._subscript,
            "unary_expression": self._unary,
            "binary_expression": self._binary,
            "conditional_expression": lambda node: self.translator.conditions.conditional(node),
            "assignment_expression": lambda node: self.translator.assignments.expression(node),
            "update_expression": lambda node: self.translator.assignments.update(node),
            "call_expression": lambda node: self.translator.calls.expression(node),
        }

    # Entry points

    def operand(self, node: Node) -> Operand:
        """The translation of an expression: an object where C has an lvalue, else a value."""
        replaced = self._replaced.get(node.id)
        if replaced is not None:
            return replaced
        method = self._methods.get(node.type)
        if method is None:
            what = "inline assembly" if node.type == "gnu_asm_expression" else f"expression '{text_of(node)[:60]}'"
            raise self.context.unsupported(node, what)
        try:
            return method(node)
        except (TypeMismatch, IncompleteType, Ambiguous) as error:
            raise self.context.unsupported(node, f"'{text_of(node)[:60]}': {error}") from error

    def value(self, node: Node) -> Value:
        """The expression as an rvalue."""
        return self.translator.access.value(self.operand(node))

    def constant(self, node: Node) -> int:
        """The value of an integer constant expression."""
        known = self.value(node).const
        if known is None:
            raise self.context.unsupported(node, f"'{text_of(node)[:60]}' is not constant")
        return known

    def type_of(self, node: Node) -> CType:
        """The type of an expression that is not evaluated."""
        return self.unevaluated(node).type

    def is_replaced(self, node: Node) -> bool:
        """Whether the misread call is being repaired already: it is found again below the same node."""
        return node.id in self._replaced

    def is_type(self, name: str) -> bool:
        return self.context.declarations.is_type_name(name, self.context.scope)

    def type_named(self, name: str) -> CType | None:
        """The type that the name means here; None if it means none."""
        if not self.is_type(name):
            return None
        return self.context.declarations.named(name, self.context.scope)

    def discard(self, value: Operand) -> None:
        """Emit what is left to do for an expression whose value nobody uses."""
        if isinstance(value, Value) and value.const is None and not value.code.isidentifier():
            self.context.emitter.emit(value.code)

    # Names and literals

    def _number(self, node: Node) -> Operand:
        # The grammar takes a sign in front of a number into it.
        text = text_of(node)
        try:
            value, kind = integer_constant(text.lstrip("+-"))
        except ConditionError as error:
            raise self.context.unsupported(node, f"constant: {error}") from error
        known = constant(value, kind)
        return negated(known) if text[0] == "-" else known

    def _character(self, node: Node) -> Operand:
        text = text_of(node)
        if _CHARACTER.fullmatch(text) is None:
            raise self.context.unsupported(node, f"character constant {text[:20]}")
        return constant(character_constant(text), INT)

    def _string(self, node: Node) -> Operand:
        if not text_of(node).startswith('"'):
            raise self.context.unsupported(node, f"string {text_of(node)[:20]}")
        content = string_bytes(text_of(node))
        address = self.context.symbols.string_address(content)
        return Memory(Array(CHAR, len(content) + 1), Address("", address))

    def _identifier(self, node: Node) -> Operand:
        name = text_of(node)
        context = self.context
        entity = context.scope.find(name)
        if entity is not None and not isinstance(entity, LocalType):
            return entity
        known = context.declarations.enumerator(name)
        if known is not None:
            kind = INT if INT.low <= known <= INT.high else UINT if 0 <= known <= UINT.high else ULONG
            return constant(known, kind)
        variable = context.symbols.variable(name, context.file)
        if variable is not None:
            return variable
        kind_of_function = context.symbols.function_type(name, context.file)
        if kind_of_function is not None:
            return FunctionName(kind_of_function, name)
        if name in ("__func__", "__FUNCTION__", "__PRETTY_FUNCTION__"):
            content = (context.name or "").encode("latin-1")
            return Memory(Array(CHAR, len(content) + 1), Address("", context.symbols.string_address(content)))
        if name in ("true", "false"):
            return constant(int(name == "true"), INT)
        raise context.unsupported(node, f"unknown identifier '{name}'")

    # Grouping

    def _parenthesized(self, node: Node) -> Operand:
        inside = without_comments(node)
        if len(inside) != 1:
            raise self.context.unsupported(node, f"expression '{text_of(node)[:60]}'")
        return self.operand(inside[0])

    def _statement_expression(self, node: Node) -> Operand:
        return self.translator.statements.expression_block(node)

    def _comma(self, node: Node) -> Operand:
        self.translator.assignments.statement(child_of(node, "left"))
        return self.operand(child_of(node, "right"))

    # Types in expressions

    def _cast(self, node: Node) -> Operand:
        row = ambiguity.row_of(node, self)
        if row.repaired:
            return self._combine(row)
        value = child_of(node, "value")
        if text_of(child_of(node, "type")) == "void":
            self.translator.assignments.statement(value)
            return Value(VOID, "None")
        return self.cast_node(node, self.operand(value))

    def cast_node(self, node: Node, value: Operand) -> Value:
        """`value` cast to the type that the cast expression `node` names."""
        kind = self.context.declarations.specifier(child_of(node, "type"), self.context.scope)
        return self.cast(kind, value)

    def cast(self, kind: CType, operand: Operand) -> Value:
        value = self.translator.access.value(operand)
        if isinstance(kind, Record) and value.type == kind:
            return value
        return convert(value, kind)

    def _sizeof(self, node: Node) -> Operand:
        descriptor = node.child_by_field_name("type")
        if descriptor is not None:
            base = descriptor.child_by_field_name("type")
            if base is not None and base.type == "type_identifier" and not self.is_type(text_of(base)):
                operand = parse_expression(text_of(descriptor))
                if operand is not None:
                    return constant(self.type_of(operand).size, ULONG)
            kind = self.context.declarations.specifier(descriptor, self.context.scope)
        else:
            operand = child_of(node, "value")
            kind = ambiguity.type_in_parentheses(operand, self) or self.type_of(operand)
        return constant(kind.size, ULONG)

    def _alignof(self, node: Node) -> Operand:
        descriptor = child_of(node, "type")
        base = descriptor.child_by_field_name("type")
        if base is not None and base.type == "type_identifier" and not self.is_type(text_of(base)):
            operand = parse_expression(text_of(descriptor))
            if operand is not None:
                return constant(self.type_of(operand).align, ULONG)
        kind = self.context.declarations.specifier(descriptor, self.context.scope)
        own = (
            0 if base is None or isinstance(kind, Pointer) else self.context.declarations.typedef_alignment(base, kind)
        )
        return constant(max(kind.align, own), ULONG)

    def _compound_literal(self, node: Node) -> Operand:
        kind = self.context.declarations.specifier(child_of(node, "type"), self.context.scope)
        return self.translator.initialisers.compound_literal(kind, child_of(node, "value"))

    # Objects

    def _pointer(self, node: Node) -> Operand:
        row = ambiguity.row_of(node, self)
        if row.repaired:
            return self._combine(row)
        operator = text_of(node.children[0])
        return self.unary(operator, lambda: self.operand(child_of(node, "argument")))

    def dereference(self, operand: Operand) -> Operand:
        if isinstance(operand, FunctionName):
            return operand
        pointer = self.translator.access.value(operand)
        if not isinstance(pointer.type, Pointer):
            raise TypeMismatch(f"dereference of {pointer.type}")
        return Memory(pointer.type.to, pointer.address or Address(pointer.code, 0))

    def address_of(self, operand: Operand) -> Value:
        if isinstance(operand, FunctionName):
            return self.translator.access.value(operand)
        if isinstance(operand, Memory):
            return pointer_to(operand.address, operand.type)
        if isinstance(operand, Value) and isinstance(operand.type, Record):
            # The address of a record that a call returned: it lives until the statement ends.
            return pointer_to(self.translator.access.materialised(operand).address, operand.type)
        raise TypeMismatch("the address of something that has none")

    def _field(self, node: Node) -> Operand:
        misread = ambiguity.misread_postfix(node, self)
        if misread is not None:
            return self.cast_of_postfix(node, misread)
        name = text_of(child_of(node, "field"))
        base = self.operand(child_of(node, "argument"))
        if text_of(child_of(node, "operator")) == "->":
            base = self.dereference(base)
        return self.member(base, name)

    def member(self, base: Operand, name: str) -> Operand:
        """The member `name` of a record."""
        record = base.type
        if not isinstance(record, Record):
            raise TypeMismatch(f"member '{name}' of {record}")
        field = record.layout.fields.get(name)
        if field is None:
            raise TypeMismatch(f"{record} has no member '{name}'")
        if record.wrapped is not None and not isinstance(base, Memory):
            # The record is its member's value.
            if isinstance(base, Local):
                return Local(field.type, base.name)
            value = self.translator.access.value(base)
            return value.as_type(field.type)
        if isinstance(base, Value):
            base = self.translator.access.materialised(base)
        if not isinstance(base, Memory):
            raise TypeMismatch(f"member '{name}' of something that is no object")
        address = base.address.plus(field.offset)
        if field.width is not None and isinstance(field.type, Integer):
            return Bits(field.type, address, field.shift, field.width)
        return Memory(field.type, address)

    def _subscript(self, node: Node) -> Operand:
        misread = ambiguity.misread_postfix(node, self)
        if misread is not None:
            return self.cast_of_postfix(node, misread)
        argument = child_of(node, "argument")
        if argument.type == "number_literal" and text_of(argument)[0] in "+-":
            # The grammar took a sign into the number that C applies to the element.
            raise self.context.unsupported(node, f"element '{text_of(node)[:60]}'")
        base = self.value(argument)
        index = self.value(child_of(node, "index"))
        if not isinstance(base.type, Pointer):
            base, index = index, base
        if not isinstance(base.type, Pointer):
            raise TypeMismatch(f"element of {base.type}")
        return self.dereference(pointer_plus(base, promote(index)))

    def cast_of_postfix(self, node: Node, call: Node) -> Operand:
        """`(T)(x)->m`, read as a member of the call `(T)(x)`: the cast applies to the whole."""
        kind = ambiguity.type_in_parentheses(child_of(call, "function"), self)
        arguments = without_comments(child_of(call, "arguments"))
        if kind is None or len(arguments) != 1:
            raise self.context.unsupported(node, f"expression '{text_of(node)[:60]}'")
        self._replaced[call.id] = self.operand(arguments[0])
        try:
            return self.cast(kind, self.operand(node))
        finally:
            del self._replaced[call.id]

    # Operators

    def _unary(self, node: Node) -> Operand:
        row = ambiguity.row_of(node, self)
        if row.repaired:
            return self._combine(row)
        operator = text_of(node.children[0])
        if operator == "!":
            code, known = self.translator.conditions.condition(child_of(node, "argument"))
            return Value(INT, f"(not {code})", 0, 1) if known is None else constant(int(not known), INT)
        return self.unary(operator, lambda: self.operand(child_of(node, "argument")))

    def unary(self, operator: str, operand: ambiguity.Thunk) -> Operand:
        """`operator operand` for a unary operator."""
        if operator == "*":
            return self.dereference(operand())
        if operator == "&":
            return self.address_of(operand())
        value = self.translator.access.value(operand())
        if operator == "+":
            return promote(value)
        if operator == "-":
            return negated(value)
        if operator == "~":
            return complemented(value)
        if operator == "!":
            code, known = self.translator.conditions.of_value(value)
            return Value(INT, f"(not {code})", 0, 1) if known is None else constant(int(not known), INT)
        raise TypeMismatch(f"operator {operator}")

    def _binary(self, node: Node) -> Operand:
        row = ambiguity.row_of(node, self)
        if row.repaired:
            return self._combine(row)
        operator = text_of(child_of(node, "operator"))
        if operator in ("&&", "||"):
            return self.translator.conditions.as_int(self.translator.conditions.condition(node))
        left = self.value(child_of(node, "left"))
        return binary(operator, left, self.value(child_of(node, "right")))

    def _combine(self, row: ambiguity.Row) -> Operand:
        """A repaired row, by precedence."""
        operand, rest = self._climb(row, 0, 1)
        if rest != len(row.operators):
            raise TypeMismatch("operators that do not fit")
        return operand()

    def _climb(self, row: ambiguity.Row, at: int, lowest: int) -> tuple[ambiguity.Thunk, int]:
        left = row.operands[at]
        if isinstance(left, ambiguity.Pending):
            left = left.alone
        while at < len(row.operators) and ambiguity.PRECEDENCE[row.operators[at]] >= lowest:
            operator = row.operators[at]
            right, at_next = self._climb(row, at + 1, ambiguity.PRECEDENCE[operator] + 1)
            left = self._pair(operator, left, right)
            at = at_next
        return left, at

    def _pair(self, operator: str, left: ambiguity.Thunk, right: ambiguity.Thunk) -> ambiguity.Thunk:
        value, conditions = self.translator.access.value, self.translator.conditions
        if operator not in ("&&", "||"):
            return lambda: binary(operator, value(left()), value(right()))
        return lambda: conditions.as_int(
            conditions.logical(
                operator, lambda: conditions.of_value(value(left())), lambda: conditions.of_value(value(right()))
            )
        )

    def unevaluated(self, node: Node) -> Operand:
        """Translate without leaving a trace in the function: for `sizeof`, `typeof` and branches not taken."""
        context = self.context
        saved = context.emitter, context.frame_size, set(context.views)
        context.emitter = Emitter()
        try:
            return self.operand(node)
        finally:
            context.emitter, context.frame_size, context.views = saved
