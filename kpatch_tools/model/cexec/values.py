"""What an expression's translation is: Python code, with what is known of its value.

A scalar value is a Python int. It may lie outside its type's range, by a multiple of 2**n that is not yet taken off:
`low` and `high` bound it, and `arithmetic.fit` takes it off where it matters. So `(a + b + c) & 7` costs no wrap.
A record that wraps one scalar (pte_t) is that scalar's int; any other record's value is Python `bytes`.
"""

from dataclasses import dataclass, replace

from .types import MASK64, CType, Function, Integer, Pointer, scalar_of

FRAME = "fp"
"""The local that holds the address of a function's memory on the C stack."""


@dataclass(frozen=True, slots=True)
class Address:
    """`base + offset`: base is Python code, FRAME, or "" for an absolute address."""

    base: str
    offset: int

    def plus(self, count: int) -> "Address":
        return Address(self.base, self.offset + count)

    @property
    def code(self) -> str:
        if not self.base:
            return str(self.offset & MASK64)
        if self.offset == 0:
            return self.base
        return f"({self.base}{self.offset:+d})"

    @property
    def is_stable(self) -> bool:
        """Whether the code can be evaluated twice: no call, no side effect, and cheap."""
        return not self.base or self.base.isidentifier()


@dataclass(frozen=True, slots=True)
class Value:
    """An rvalue of `type`; see the module's docstring. `const` is its value where known at translation.

    `address` splits a pointer's code, so that offsets add up at translation.
    """

    type: CType
    code: str
    low: int = 0
    high: int = 0
    const: int | None = None
    address: Address | None = None

    def as_type(self, kind: CType) -> "Value":
        return replace(self, type=kind)


@dataclass(frozen=True, slots=True)
class Local:
    """A variable in a Python local."""

    type: CType
    name: str


@dataclass(frozen=True, slots=True)
class Memory:
    """An object in the guest's memory."""

    type: CType
    address: Address


@dataclass(frozen=True, slots=True)
class Bits:
    """A bit-field: `width` bits from bit `shift` of the `unit` at `address`."""

    type: Integer
    address: Address
    shift: int
    width: int


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function designator: the name as written, resolved from the file it is used in."""

    type: Function
    name: str


Operand = Value | Local | Memory | Bits | FunctionName


def constant(value: int, kind: CType) -> Value:
    """A known value; `value` must lie in the range of `kind`."""
    code = str(value) if value >= 0 else f"({value})"
    address = Address("", value) if isinstance(kind, Pointer) else None
    return Value(kind, code, value, value, value, address)


def of_range(code: str, kind: CType) -> Value:
    """A value somewhere in the range of `kind`; of no range for void and records."""
    scalar = scalar_of(kind) if not isinstance(kind, Integer | Pointer) else kind
    if scalar is None:
        return Value(kind, code)
    low, high = range_of(scalar)
    return Value(kind, code, low, high)


def range_of(scalar: Integer | Pointer) -> tuple[int, int]:
    """The least and the greatest value of the type."""
    if isinstance(scalar, Pointer):
        return 0, MASK64
    return scalar.low, scalar.high


def pointer_to(address: Address, kind: CType) -> Value:
    """The address as a pointer to `kind`."""
    result = Pointer(kind)
    if not address.base:
        return constant(address.offset & MASK64, result)
    if address.base == FRAME:
        return Value(result, address.code, 0, MASK64, address=address)
    return Value(result, address.code, min(address.offset, 0), MASK64 + max(address.offset, 0), address=address)
