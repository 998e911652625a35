"""C's conversions and operators on values: range, wrap-around (as -fwrapv) and folding."""

from collections.abc import Callable

from .types import (
    BOOL,
    INT,
    LONG,
    MASK64,
    ULONG,
    VOID,
    CType,
    Function,
    Integer,
    Pointer,
    Scalar,
    Void,
    common_type,
    promoted,
    scalar_of,
    wrap,
)
from .values import Address, Value, constant, of_range, range_of


class TypeMismatch(Exception):  # noqa: N818 - the statement is unsupported
    """The operands have types that this translator has no meaning for."""


def scalar_type(value: Value) -> Scalar:
    """The scalar type that represents the value. TypeMismatch for other records, floating types and void."""
    scalar = scalar_of(value.type)
    if scalar is None:
        raise TypeMismatch(f"a value of type {value.type} in arithmetic")
    return scalar


def fit(value: Value) -> Value:
    """The same value, its code in the range of its type."""
    scalar = scalar_type(value)
    low, high = range_of(scalar)
    if low <= value.low and value.high <= high:
        return value
    if value.const is not None:
        return constant(wrap(value.const, scalar), value.type)
    if scalar is BOOL:
        # Only a primitive's result can be; it says true or false in its own way.
        return Value(value.type, f"(1 if {value.code} else 0)", 0, 1)
    if isinstance(scalar, Pointer) or not scalar.signed:
        return of_range(f"({value.code}&{high})", value.type)
    span = scalar.mask + 1
    # One comparison is cheaper than masking; the walrus keeps the operand's code single.
    if value.low >= low and value.high <= high + span:
        return of_range(f"(_w if (_w:={value.code})<={high} else _w-{span})", value.type)
    if value.high <= high and value.low >= low - span:
        return of_range(f"(_w if (_w:={value.code})>={low} else _w+{span})", value.type)
    wrapped = f"((_w&{scalar.mask}^{high + 1})-{high + 1})"
    return of_range(f"(_w if {low}<=(_w:={value.code})<={high} else {wrapped})", value.type)


def truth(value: Value) -> str:
    """Python code that is true when the C value is not 0."""
    return fit(value).code


def convert(value: Value, kind: CType) -> Value:
    """`value` converted to `kind`, as by assignment or cast. The result may still need `fit`."""
    if isinstance(kind, Void):
        return Value(VOID, value.code)
    target = scalar_of(kind)
    if target is None:
        if scalar_of(value.type) is None and value.type == kind:
            return value
        raise TypeMismatch(f"{value.type} converted to {kind}")
    source = scalar_type(value)
    if value.const is not None:
        return constant(wrap(value.const, target), kind)
    if target is BOOL and not (value.low >= 0 and value.high <= 1):
        return Value(kind, f"(1 if {truth(value)} else 0)", 0, 1)
    if _bits(target) > _bits(source):
        value = fit(value)
    address = value.address if isinstance(target, Pointer) and isinstance(source, Pointer) else None
    return Value(kind, value.code, value.low, value.high, address=address)


def _bits(kind: Scalar) -> int:
    return kind.precision if isinstance(kind, Integer) else 64


def assigned(value: Value, kind: CType) -> Value:
    """`value` converted to `kind` and in its range: what a variable or memory of that type takes."""
    converted = convert(value, kind)
    return fit(converted) if scalar_of(kind) is not None else converted


def promote(value: Value) -> Value:
    """The integer promotion of a value; pointers stay."""
    scalar = scalar_type(value)
    if isinstance(scalar, Pointer):
        return value
    return convert(value, promoted(scalar)) if value.type is not promoted(scalar) else value


def balanced(left: Value, right: Value) -> tuple[Value, Value, Integer]:
    """Both operands after the usual arithmetic conversions; a pointer counts as unsigned long."""
    types = [kind if isinstance(kind := scalar_type(value), Integer) else ULONG for value in (left, right)]
    common = common_type(types[0], types[1])
    return convert(left, common), convert(right, common), common


def negated(value: Value) -> Value:
    value, kind = _integer(value)
    if value.const is not None:
        return constant(wrap(-value.const, kind), kind)
    return Value(kind, f"(-{value.code})", -value.high, -value.low)


def complemented(value: Value) -> Value:
    value, kind = _integer(value)
    if value.const is not None:
        return constant(wrap(~value.const, kind), kind)
    return Value(kind, f"(~{value.code})", ~value.high, ~value.low)


def binary(operator: str, left: Value, right: Value) -> Value:
    """`left operator right` for an arithmetic, bitwise, shift or comparison operator."""
    if operator in _COMPARISONS:
        return _comparison(operator, left, right)
    if operator in ("+", "-") and (_is_pointer(left) or _is_pointer(right)):
        return _pointer_sum(operator, left, right)
    if operator in ("<<", ">>"):
        return _shift(operator, left, right)
    left, right, kind = balanced(left, right)
    if left.const is not None and right.const is not None:
        return constant(wrap(_fold(operator, left.const, right.const), kind), kind)
    return _OPERATIONS[operator](left, right, kind)


def pointer_plus(pointer: Value, index: Value, *, sign: int = 1) -> Value:
    """`pointer + sign * index`, in elements."""
    to = pointer.type.to if isinstance(pointer.type, Pointer) else VOID
    size = 1 if isinstance(to, Function) else to.size
    if pointer.const is not None and index.const is not None:
        return constant((pointer.const + sign * index.const * size) & MASK64, pointer.type)
    address = pointer.address or Address(pointer.code, 0)
    if index.const is not None:
        count = index.const - (1 << 64) if index.const >> 63 == 1 else index.const
        address = address.plus(sign * count * size)
        step = sign * count * size
        return Value(
            pointer.type, address.code, pointer.low + min(step, 0), pointer.high + max(step, 0), address=address
        )
    index = fit(index)
    scaled = index.code if size == 1 else f"{index.code}*{size}"
    code = f"({address.base}{'+' if sign > 0 else '-'}{scaled})" if address.base else f"({scaled})"
    offset = address.offset
    if not address.base:
        code = f"({address.offset & MASK64}{'+' if sign > 0 else '-'}{scaled})"
        offset = 0
    bounds = sorted((sign * index.low * size, sign * index.high * size))
    low, high = min(pointer.low, 0) + bounds[0], MASK64 + bounds[1]
    if bounds[0] < -(1 << 66) or bounds[1] > 1 << 63:
        # An unsigned index may stand for a negative one: only the sum modulo 2**64 means anything.
        return of_range(f"({Address(code, offset).code}&{MASK64})", pointer.type)
    address = Address(code, offset)
    return Value(pointer.type, address.code, low + min(offset, 0), high + max(offset, 0), address=address)


def _is_pointer(value: Value) -> bool:
    return isinstance(value.type, Pointer)


def _integer(value: Value) -> tuple[Value, Integer]:
    value = promote(value)
    kind = scalar_type(value)
    if isinstance(kind, Pointer):
        raise TypeMismatch("a pointer as the operand of an integer operator")
    return value, kind


def _quotient(left: int, right: int) -> int:
    if right == 0:
        raise TypeMismatch("constant division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


_FOLD: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _quotient,
    "%": lambda a, b: a - _quotient(a, b) * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def _fold(operator: str, left: int, right: int) -> int:
    return _FOLD[operator](left, right)


def _comparison(operator: str, left: Value, right: Value) -> Value:
    left, right, _ = balanced(left, right)
    left, right = fit(left), fit(right)
    if left.const is not None and right.const is not None:
        return constant(int(_COMPARISONS[operator](left.const, right.const)), INT)
    return Value(INT, f"({left.code}{operator}{right.code})", 0, 1)


def _pointer_sum(operator: str, left: Value, right: Value) -> Value:
    if not _is_pointer(left):
        left, right = right, left
    if not _is_pointer(right):
        return pointer_plus(left, promote(right), sign=1 if operator == "+" else -1)
    to = left.type.to if isinstance(left.type, Pointer) else VOID
    left, right = fit(left), fit(right)
    size = 1 if isinstance(to, Function) else to.size
    if size == 0:
        raise TypeMismatch(f"a difference of pointers to {to}")
    if left.const is not None and right.const is not None:
        return constant(_quotient(wrap(left.const - right.const, LONG), size), LONG)
    difference = Value(LONG, f"({left.code}-{right.code})", -MASK64, MASK64)
    if size == 1:
        return difference
    return Value(LONG, f"({fit(difference).code}//{size})", -(1 << 63), (1 << 63) - 1)


def _shift(operator: str, left: Value, right: Value) -> Value:
    left, kind = _integer(left)
    right = fit(promote(right))
    limit = 8 * kind.size - 1
    if right.const is not None:
        count_code, least, most = str(right.const & limit), right.const & limit, right.const & limit
    elif right.low >= 0 and right.high <= limit:
        count_code, least, most = right.code, right.low, right.high
    else:
        # What x86 does with a count that C leaves undefined.
        count_code, least, most = f"({right.code}&{limit})", 0, limit
    if operator == "<<":
        if left.const is not None and right.const is not None:
            return constant(wrap(left.const << least, kind), kind)
        bounds = [bound << count for bound in (left.low, left.high) for count in (least, most)]
        return _tamed(Value(kind, f"({left.code}<<{count_code})", min(bounds), max(bounds)))
    left = fit(left)
    if left.const is not None and right.const is not None:
        return constant(left.const >> least, kind)
    bounds = [bound >> count for bound in (left.low, left.high) for count in (least, most)]
    return Value(kind, f"({left.code}>>{count_code})", min(bounds), max(bounds))


def _tamed(value: Value) -> Value:
    """`value`, fitted when it may have grown far beyond its type: big Python ints are slow."""
    scalar = scalar_type(value)
    reach = 1 << _bits(scalar) + 3
    return value if -reach <= value.low and value.high <= reach else fit(value)


def _sum(left: Value, right: Value, kind: Integer) -> Value:
    if right.const == 0:
        return left
    return _tamed(Value(kind, f"({left.code}+{right.code})", left.low + right.low, left.high + right.high))


def _difference(left: Value, right: Value, kind: Integer) -> Value:
    if right.const == 0:
        return left
    return _tamed(Value(kind, f"({left.code}-{right.code})", left.low - right.high, left.high - right.low))


def _product(left: Value, right: Value, kind: Integer) -> Value:
    if right.const == 1:
        return left
    bounds = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    return _tamed(Value(kind, f"({left.code}*{right.code})", min(bounds), max(bounds)))


def _and(left: Value, right: Value, kind: Integer) -> Value:
    # A mask in 0..max makes the other operand's excess irrelevant: it is a multiple of 2**n.
    for mask, other in ((left, right), (right, left)):
        if mask.const is not None and mask.const >= 0:
            return Value(
                kind, f"({left.code}&{right.code})", 0, mask.const if other.low < 0 else min(mask.const, other.high)
            )
    left, right = fit(left), fit(right)
    if left.low >= 0 or right.low >= 0:
        highs = [value.high for value in (left, right) if value.low >= 0]
        return Value(kind, f"({left.code}&{right.code})", 0, min(highs))
    return of_range(f"({left.code}&{right.code})", kind)


def _or(operator: str) -> Callable[[Value, Value, Integer], Value]:
    def operation(left: Value, right: Value, kind: Integer) -> Value:
        left, right = fit(left), fit(right)
        code = f"({left.code}{operator}{right.code})"
        if left.low >= 0 and right.low >= 0:
            return Value(kind, code, 0, (1 << max(left.high, right.high).bit_length()) - 1)
        return of_range(code, kind)

    return operation


def _divide(left: Value, right: Value, kind: Integer) -> Value:
    left, right = fit(left), fit(right)
    if left.low >= 0 and right.low >= 0:
        return Value(kind, f"({left.code}//{right.code})", 0, left.high)
    # The least value divided by -1 is the one quotient beyond the type.
    return Value(kind, f"cdiv({left.code},{right.code})", kind.low, kind.high + 1)


def _remainder(left: Value, right: Value, kind: Integer) -> Value:
    left, right = fit(left), fit(right)
    if left.low >= 0 and right.low >= 0:
        return Value(kind, f"({left.code}%{right.code})", 0, left.high)
    return of_range(f"cmod({left.code},{right.code})", kind)


_OPERATIONS: dict[str, Callable[[Value, Value, Integer], Value]] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "/": _divide,
    "%": _remainder,
    "&": _and,
    "|": _or("|"),
    "^": _or("^"),
}
