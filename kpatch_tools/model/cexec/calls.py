"""Calls: of functions, through pointers, and of the compiler's builtins."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kpatch_tools.syntax import Node

from . import ambiguity
from .arithmetic import TypeMismatch, assigned, convert, fit, promote
from .bits import BIT_FUNCTIONS, swap_bytes
from .context import Callee
from .index import child_of, text_of, without_comments
from .runtime import table_name
from .types import (
    INT,
    LONG,
    MASK64,
    UINT,
    ULONG,
    USHORT,
    VOID,
    CType,
    Function,
    Integer,
    Pointer,
    Record,
    Void,
    same_type,
    scalar_of,
)
from .values import FunctionName, Operand, Value, constant, of_range

if TYPE_CHECKING:
    from .translator import Translator

_UNKNOWN = Function(LONG, (), variadic=True)
"""The type of a primitive that the tree does not declare and that gave no type."""


class Calls:
    """Translates the calls of one function."""

    def __init__(self, translator: "Translator") -> None:
        self.translator = translator
        self.context = translator.context
        self._builtins: dict[str, Callable[[Node, Sequence[Node]], Operand]] = {
            "__builtin_constant_p": self._constant_p,
            "__builtin_expect": self._expect,
            "__builtin_types_compatible_p": self._types_compatible,
            "__builtin_choose_expr": self._choose_expr,
            "__builtin_ffs": lambda node, arguments: self._bit_scan("ffs", INT, arguments),
            "__builtin_ffsl": lambda node, arguments: self._bit_scan("ffs", LONG, arguments),
            "__builtin_ctz": lambda node, arguments: self._bit_scan("ctz", UINT, arguments),
            "__builtin_ctzl": lambda node, arguments: self._bit_scan("ctz", ULONG, arguments),
            "__builtin_clz": lambda node, arguments: self._bit_scan("clz32", UINT, arguments),
            "__builtin_clzl": lambda node, arguments: self._bit_scan("clz64", ULONG, arguments),
            "__builtin_popcount": lambda node, arguments: self._bit_scan("popcount", UINT, arguments),
            "__builtin_popcountl": lambda node, arguments: self._bit_scan("popcount", ULONG, arguments),
            "__builtin_bswap16": lambda node, arguments: self._swap(2, USHORT, arguments),
            "__builtin_bswap32": lambda node, arguments: self._swap(4, UINT, arguments),
            "__builtin_bswap64": lambda node, arguments: self._swap(8, ULONG, arguments),
            "__builtin_object_size": self._object_size,
            "__builtin_prefetch": lambda node, arguments: Value(VOID, "None"),
            "__builtin_unreachable": lambda node, arguments: Value(VOID, "unreachable()"),
            "__builtin_trap": lambda node, arguments: Value(VOID, "unreachable()"),
            "__builtin_memcpy": lambda node, arguments: self._library("memcpy", node, arguments),
            "__builtin_memset": lambda node, arguments: self._library("memset", node, arguments),
            "__builtin_memmove": lambda node, arguments: self._library("memmove", node, arguments),
            "__builtin_memcmp": lambda node, arguments: self._library("memcmp", node, arguments),
            "__builtin_strlen": lambda node, arguments: self._library("strlen", node, arguments),
            "__builtin_strcmp": lambda node, arguments: self._library("strcmp", node, arguments),
        }

    def expression(self, node: Node) -> Operand:
        """A call expression (or a cast that the grammar took for one)."""
        function = child_of(node, "function")
        arguments = without_comments(child_of(node, "arguments"))
        chain = ambiguity.cast_chain(node, self.translator.expressions)
        if chain is not None:
            return self._cast(chain[0], node, arguments)
        misread = ambiguity.misread_postfix(node, self.translator.expressions)
        if misread is not None:
            return self.translator.expressions.cast_of_postfix(node, misread)
        return self.call(function, arguments, node)

    def call(self, function: Node, arguments: Sequence[Node], node: Node) -> Operand:
        """`function(arguments)`."""
        while function.type == "parenthesized_expression":
            inside = without_comments(function)
            if len(inside) != 1 or inside[0].type == "compound_statement":
                break
            function = inside[0]
        if function.type == "identifier" and self.context.scope.find(text_of(function)) is None:
            name = text_of(function)
            callee = self.context.symbols.callee(name, self.context.file)
            if callee is not None:
                return self._call(callee, arguments)
            builtin = self._builtins.get(name)
            if builtin is not None:
                return builtin(node, arguments)
            if self.context.symbols.variable(name, self.context.file) is None:
                raise self.context.unsupported(node, f"call of undeclared function '{name}'")
        operand = self.translator.expressions.operand(function)
        if isinstance(operand, FunctionName):
            callee = self.context.symbols.callee(operand.name, self.context.file)
            if callee is not None:
                return self._call(callee, arguments)
        target = self.translator.access.value(operand)
        kind = target.type.to if isinstance(target.type, Pointer) else target.type
        if isinstance(kind, Void):
            # No C compiler takes this; the model's macros for paravirtual calls do it, and cast the result.
            kind = Function(ULONG, (), variadic=True)
        if not isinstance(kind, Function):
            raise TypeMismatch(f"call of {target.type}")
        return self._call(Callee(f"{table_name(kind.result)}[{fit(target).code}]", kind, exact=True), arguments)

    def _call(self, callee: Callee, arguments: Sequence[Node]) -> Value:
        kind = callee.type or _UNKNOWN
        parameters = kind.parameters
        if len(arguments) < len(parameters) or (len(arguments) > len(parameters) and not kind.variadic):
            raise TypeMismatch(f"{len(arguments)} arguments for {len(parameters)} parameters")
        codes: list[str] = []
        for position, argument in enumerate(arguments):
            value = self.translator.expressions.value(argument)
            if position < len(parameters):
                codes.append(assigned(value, parameters[position][1]).code)
            elif scalar_of(value.type) is not None:
                codes.append(fit(promote(value)).code)
            else:
                codes.append(value.code)
        return self._result(f"{callee.code}({','.join(codes)})", kind.result, exact=callee.exact)

    def _result(self, code: str, kind: CType, *, exact: bool) -> Value:
        if isinstance(kind, Void) or (isinstance(kind, Record) and kind.wrapped is None):
            return Value(kind, code)
        value = of_range(code, kind)
        if exact:
            return value
        # A primitive may answer -1 for an unsigned: bounds beyond any type make `fit` take the value into range.
        return Value(kind, code, -(1 << 64), 1 << 65)

    def _cast(self, kinds: Sequence[CType], node: Node, arguments: Sequence[Node]) -> Operand:
        if not arguments:
            raise self.context.unsupported(node, f"expression '{text_of(node)[:60]}'")
        for argument in arguments[:-1]:
            self.translator.assignments.statement(argument)
        operand = self.translator.expressions.operand(arguments[-1])
        for kind in reversed(kinds):
            operand = self.translator.expressions.cast(kind, operand)
        return operand

    # Builtins

    def _constant_p(self, node: Node, arguments: Sequence[Node]) -> Operand:
        return constant(int(self._known(arguments[0])), INT)

    def _known(self, node: Node) -> bool:
        if node.type == "string_literal":
            return True
        value = self.translator.access.value(self.translator.expressions.unevaluated(node))
        return value.const is not None and not (value.address and isinstance(value.type, Pointer) and value.const)

    def _expect(self, node: Node, arguments: Sequence[Node]) -> Operand:
        return convert(self.translator.expressions.value(arguments[0]), LONG)

    def _types_compatible(self, node: Node, arguments: Sequence[Node]) -> Operand:
        kinds = [self.translator.expressions.type_named(text_of(argument)) for argument in arguments]
        if len(kinds) != 2 or kinds[0] is None or kinds[1] is None:
            raise self.context.unsupported(node, f"'{text_of(node)[:60]}'")
        return constant(int(same_type(kinds[0], kinds[1])), INT)

    def _choose_expr(self, node: Node, arguments: Sequence[Node]) -> Operand:
        chosen = arguments[1] if self.translator.expressions.constant(arguments[0]) else arguments[2]
        return self.translator.expressions.operand(chosen)

    def _object_size(self, node: Node, arguments: Sequence[Node]) -> Operand:
        # "Unknown", which gcc may answer for any object; for types 2 and 3 that is 0.
        return constant(0 if self.translator.expressions.constant(arguments[1]) & 2 else MASK64, ULONG)

    def _bit_scan(self, name: str, kind: Integer, arguments: Sequence[Node]) -> Operand:
        value = assigned(self.translator.expressions.value(arguments[0]), kind)
        if value.const:
            return constant(BIT_FUNCTIONS[name](value.const & kind.mask), INT)
        return Value(INT, f"{name}({value.code}&{kind.mask})", 0, 64)

    def _swap(self, size: int, kind: Integer, arguments: Sequence[Node]) -> Operand:
        value = assigned(self.translator.expressions.value(arguments[0]), kind)
        if value.const is not None:
            return constant(swap_bytes(value.const, size), kind)
        return of_range(f"swap_bytes({value.code},{size})", kind)

    def _library(self, name: str, node: Node, arguments: Sequence[Node]) -> Operand:
        callee = self.context.symbols.callee(name, self.context.file)
        if callee is None:
            raise self.context.unsupported(node, f"call of undeclared function '{name}'")
        return self._call(callee, arguments)
