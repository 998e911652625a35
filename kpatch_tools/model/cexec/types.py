"""C types of the x86-64 Linux ABI (LP64)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeGuard

POINTER_SIZE = 8
MASK64 = (1 << 64) - 1


class IncompleteType(Exception):  # noqa: N818 - says what the type is
    """The size of a type was asked for that the tree only names, or that cannot be laid out."""


@dataclass(frozen=True, slots=True)
class Void:
    """`void`. GNU C gives it size 1, for pointer arithmetic."""

    size = 1
    align = 1

    def __str__(self) -> str:
        return "void"


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer type. `size` in bytes; `rank` orders types as C's conversion rank does.

    `bits` is the precision where it is less than the size: gcc computes a bit-field wider than int in a
    type of its own.
    """

    size: int
    signed: bool
    rank: int
    name: str
    bits: int = 0

    @property
    def align(self) -> int:
        return self.size

    @property
    def precision(self) -> int:
        """In bits."""
        return self.bits or 8 * self.size

    @property
    def mask(self) -> int:
        return (1 << self.precision) - 1

    @property
    def low(self) -> int:
        return -(1 << self.precision - 1) if self.signed else 0

    @property
    def high(self) -> int:
        if self is BOOL:
            return 1
        return (1 << self.precision - 1) - 1 if self.signed else (1 << self.precision) - 1

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Floating:
    """`float`, `double`, `long double`: they have a size, values of them are not supported."""

    size: int
    name: str

    @property
    def align(self) -> int:
        return self.size

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer; its values are 64-bit unsigned addresses."""

    to: "CType"
    size = POINTER_SIZE
    align = POINTER_SIZE

    def __str__(self) -> str:
        return f"{self.to} *"


@dataclass(frozen=True, slots=True)
class Array:
    """An array; `length` is None where it is not given (a flexible member, `extern int x[]`)."""

    of: "CType"
    length: int | None

    @property
    def size(self) -> int:
        return self.of.size * (self.length or 0)

    @property
    def align(self) -> int:
        return self.of.align

    def __str__(self) -> str:
        return f"{self.of} [{'' if self.length is None else self.length}]"


@dataclass(frozen=True, slots=True)
class Function:
    """A function. `parameters` pairs names (None where left out) with types; `variadic` also for `f()`."""

    result: "CType"
    parameters: tuple[tuple[str | None, "CType"], ...]
    variadic: bool = False
    size = 1
    align = 1

    def __str__(self) -> str:
        return f"{self.result} (*)({', '.join(str(kind) for _, kind in self.parameters)})"


@dataclass(frozen=True, slots=True)
class Field:
    """A member: `offset` in bytes from the record's start; a bit-field also has `shift` and `width` in bits, counted
    from the least significant bit of the `type`-sized unit at `offset`.
    """

    name: str
    offset: int
    type: "CType"
    shift: int = 0
    width: int | None = None
    initialised: bool = True
    """Whether positional initialisation reaches it by itself: false for what an anonymous member contributes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """`fields` by name, those of anonymous members included; `members` in order, as initialisers count them."""

    size: int
    align: int
    fields: Mapping[str, Field]
    members: tuple[Field, ...]


class LayoutSource(Protocol):
    """What lays a record out when it is first needed."""

    def __call__(self, record: "Record", /) -> Layout: ...


class Record:
    """A struct or union: one object per definition, compared by identity, laid out when first asked."""

    __slots__ = ("_layout", "_source", "is_union", "tag")

    def __init__(self, tag: str, *, is_union: bool, source: LayoutSource) -> None:
        self.tag = tag
        self.is_union = is_union
        self._source = source
        self._layout: Layout | None = None

    @property
    def layout(self) -> Layout:
        if self._layout is None:
            self._layout = self._source(self)
        return self._layout

    @property
    def size(self) -> int:
        return self.layout.size

    @property
    def align(self) -> int:
        return self.layout.align

    @property
    def wrapped(self) -> "Integer | Pointer | None":
        """The scalar that is this record's only member (`pte_t` and its kind); None for any other.

        It fills the record, but for what alignment adds.
        """
        members = self.layout.members
        if len(members) != 1 or members[0].width is not None:
            return None
        inner = members[0].type
        if isinstance(inner, Record):
            return inner.wrapped
        return inner if isinstance(inner, Integer | Pointer) else None

    def __str__(self) -> str:
        return f"{'union' if self.is_union else 'struct'} {self.tag}"


CType = Void | Integer | Floating | Pointer | Array | Function | Record
Scalar = Integer | Pointer

VOID = Void()
BOOL = Integer(1, False, 0, "_Bool")
CHAR = Integer(1, True, 10, "char")
UCHAR = Integer(1, False, 10, "unsigned char")
SHORT = Integer(2, True, 20, "short")
USHORT = Integer(2, False, 20, "unsigned short")
INT = Integer(4, True, 30, "int")
UINT = Integer(4, False, 30, "unsigned int")
LONG = Integer(8, True, 70, "long")
ULONG = Integer(8, False, 70, "unsigned long")
LLONG = Integer(8, True, 80, "long long")
ULLONG = Integer(8, False, 80, "unsigned long long")
INT128 = Integer(16, True, 90, "__int128")
UINT128 = Integer(16, False, 90, "unsigned __int128")

_UNSIGNED_OF = {CHAR: UCHAR, SHORT: USHORT, INT: UINT, LONG: ULONG, LLONG: ULLONG, INT128: UINT128}

BUILTIN_NAMES: Mapping[str, CType] = {
    "void": VOID, "_Bool": BOOL, "bool": BOOL, "char": CHAR, "short": SHORT, "int": INT, "long": LONG,
    "signed": INT, "unsigned": UINT, "float": Floating(4, "float"), "double": Floating(8, "double"),
    "__int128": INT128, "__int128_t": INT128, "__uint128_t": UINT128, "__builtin_va_list": Pointer(VOID),
    # Names that the grammar takes for primitive types. A typedef of the tree wins over them.
    "size_t": ULONG, "ssize_t": LONG, "ptrdiff_t": LONG, "intptr_t": LONG, "uintptr_t": ULONG, "off_t": LONG,
    "int8_t": CHAR, "int16_t": SHORT, "int32_t": INT, "int64_t": LONG,
    "uint8_t": UCHAR, "uint16_t": USHORT, "uint32_t": UINT, "uint64_t": ULONG,
}  # fmt: skip


def integer_from_words(words: list[str]) -> CType:
    """The type that specifier words such as `long unsigned int` name.

    >>> str(integer_from_words(["long", "unsigned", "int"])), str(integer_from_words(["unsigned", "char"]))
    ('unsigned long', 'unsigned char')
    """
    if "double" in words:
        return Floating(16, "long double")
    longs = words.count("long")
    if "__int128" in words:
        base = INT128
    elif "char" in words:
        base = CHAR
    elif "short" in words:
        base = SHORT
    else:
        base = (INT, LONG, LLONG)[min(longs, 2)]
    return _UNSIGNED_OF[base] if "unsigned" in words else base


def unsigned_of(kind: Integer) -> Integer:
    """The unsigned type of the same rank."""
    return _UNSIGNED_OF.get(kind) or Integer(kind.size, False, kind.rank, kind.name, kind.bits)


def bit_field_type(kind: Integer, width: int) -> Integer:
    """The type that a bit-field's value has in an expression: int if that holds it, else one of the field's width."""
    if width < INT.precision or (width == INT.precision and kind.signed):
        return INT
    if width == INT.precision:
        return UINT
    if width == kind.precision:
        return kind
    return Integer(kind.size, kind.signed, INT.rank + width - INT.precision, f"{kind.name} of {width} bits", width)


def is_scalar(kind: CType) -> TypeGuard[Scalar]:
    return isinstance(kind, Integer | Pointer)


def scalar_of(kind: CType) -> Scalar | None:
    """The scalar that a value of `kind` is represented by: itself, or the only member of a wrapping record."""
    if isinstance(kind, Integer | Pointer):
        return kind
    return kind.wrapped if isinstance(kind, Record) else None


def promoted(kind: Integer) -> Integer:
    """C's integer promotion."""
    return INT if kind.rank < INT.rank else kind


def common_type(left: Integer, right: Integer) -> Integer:
    """C's usual arithmetic conversions.

    >>> str(common_type(UINT, LONG)), str(common_type(ULONG, LLONG)), str(common_type(CHAR, USHORT))
    ('long', 'unsigned long long', 'int')
    """
    left, right = promoted(left), promoted(right)
    if left.signed == right.signed:
        return left if left.rank >= right.rank else right
    unsigned, signed = (right, left) if left.signed else (left, right)
    if unsigned.rank >= signed.rank:
        return unsigned
    return signed if signed.precision > unsigned.precision else unsigned_of(signed)


def wrap(value: int, kind: CType) -> int:
    """`value` converted to the scalar `kind`, modulo 2**n; to _Bool, whether it is not 0."""
    if isinstance(kind, Pointer):
        return value & MASK64
    if not isinstance(kind, Integer):
        raise TypeError(f"no value of type {kind}")
    if kind is BOOL:
        return int(value != 0)
    value &= kind.mask
    return value - kind.mask - 1 if kind.signed and value > kind.high else value


def same_type(left: CType, right: CType) -> bool:
    """Whether the types are compatible; `__builtin_types_compatible_p`, which ignores qualifiers."""
    match left, right:
        case Array(), Array():
            return same_type(left.of, right.of) and (None in (left.length, right.length) or left.length == right.length)
        case Pointer(), Pointer():
            return same_type(left.to, right.to)
        case Function(), Function():
            return (
                same_type(left.result, right.result)
                and len(left.parameters) == len(right.parameters)
                and all(same_type(a, b) for (_, a), (_, b) in zip(left.parameters, right.parameters, strict=True))
            )
    return left == right
