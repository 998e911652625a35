"""Code that reads and writes objects.

A scalar at a known address of the data area, and one in the function's frame, is reached through a view of the data
area (`KQ[5]`, `Ki[f4+3]`); everything else through the memory's accessors.
"""

from .arithmetic import TypeMismatch, assigned, binary, convert, fit
from .context import FunctionContext
from .types import BOOL, UCHAR, ULONG, Array, Function, Integer, Pointer, Record, Scalar, bit_field_type, scalar_of
from .values import FRAME, Address, Bits, FunctionName, Local, Memory, Operand, Value, constant, of_range, pointer_to

VIEWS = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""memoryview formats by size; lower case for signed."""


class Access:
    """Reads and writes for one function."""

    def __init__(self, context: FunctionContext) -> None:
        self._context = context

    def value(self, operand: Operand) -> Value:
        """The operand as an rvalue: arrays and functions become pointers."""
        if isinstance(operand, Value):
            return operand
        if isinstance(operand, Local):
            return of_range(operand.name, operand.type)
        if isinstance(operand, Bits):
            return self._bits(operand)
        if isinstance(operand, FunctionName):
            address = self._context.symbols.function_address(operand.name, self._context.file)
            return constant(address, Pointer(operand.type))
        kind = operand.type
        if isinstance(kind, Array):
            return pointer_to(operand.address, kind.of)
        if isinstance(kind, Function):
            return pointer_to(operand.address, kind)
        scalar = scalar_of(kind)
        if scalar is None:
            if not isinstance(kind, Record):
                raise TypeMismatch(f"a value of type {kind}")
            return Value(kind, f"getb({operand.address.code},{kind.size})")
        return of_range(self._load(operand.address, scalar), kind)

    def store(self, place: Operand, value: Value) -> None:
        """Emit `place = value`; the value is converted."""
        emit = self._context.emitter.emit
        if isinstance(place, Local):
            emit(f"{place.name}={assigned(value, place.type).code}")
        elif isinstance(place, Bits):
            self.store(Memory(_unsigned(place.type), place.address), self._merged(place, convert(value, place.type)))
        elif isinstance(place, Memory):
            scalar = scalar_of(place.type)
            converted = assigned(value, place.type)
            if scalar is None:
                emit(f"putb({place.address.code},{converted.code})")
                return
            view = self._view(place.address, scalar)
            if view is not None:
                emit(f"{view}={converted.code}")
            elif scalar.size not in VIEWS:
                raise TypeMismatch(f"an object of type {scalar}")
            else:
                emit(f"st{scalar.size}({place.address.code},{converted.code})")
        else:
            raise TypeMismatch("not an object that can be assigned")

    def stored(self, place: Operand, value: Value) -> Value:
        """An expression that stores `value` (converted) in `place`, and is the value stored."""
        if isinstance(place, Local):
            return of_range(f"({place.name}:={assigned(value, place.type).code})", place.type)
        if isinstance(place, Bits):
            kept = self._context.emitter.temporary()
            mask = constant((1 << place.width) - 1, ULONG)
            taken = binary("&", convert(convert(value, place.type), ULONG), mask)
            self._context.emitter.emit(f"{kept}={fit(taken).code}")
            self.store(place, Value(ULONG, kept, 0, (1 << place.width) - 1))
            return self._signed_bits(kept, place)
        if not isinstance(place, Memory):
            raise TypeMismatch("not an object that can be assigned")
        scalar = scalar_of(place.type)
        converted = assigned(value, place.type)
        kept = self._context.emitter.temporary()
        if scalar is None:
            return Value(place.type, f"(putb({place.address.code},({kept}:={converted.code})) or {kept})")
        if scalar.size not in VIEWS:
            raise TypeMismatch(f"an object of type {scalar}")
        # Stores return None, so that `or` gives the value.
        code = f"(st{scalar.size}({place.address.code},({kept}:={converted.code})) or {kept})"
        return of_range(code, place.type)

    def stable(self, place: Operand) -> Operand:
        """The same object, its address in a form that may be used twice."""
        if not isinstance(place, Memory | Bits) or place.address.is_stable:
            return place
        name = self._context.emitter.temporary("_a")
        self._context.emitter.emit(f"{name}={place.address.base}")
        address = Address(name, place.address.offset)
        if isinstance(place, Bits):
            return Bits(place.type, address, place.shift, place.width)
        return Memory(place.type, address)

    def materialised(self, value: Value) -> Memory:
        """A record's value put in memory, so that its members can be reached."""
        place = self._context.slot(value.type)
        self.store(place, value)
        return place

    def _load(self, address: Address, scalar: Scalar) -> str:
        view = self._view(address, scalar)
        if view is not None:
            return view
        if scalar.size not in VIEWS:
            raise TypeMismatch(f"a value of type {scalar}")
        signed = isinstance(scalar, Integer) and scalar.signed
        return f"ld{'s' if signed else ''}{scalar.size}({address.code})"

    def _view(self, address: Address, scalar: Scalar) -> str | None:
        """The element of a view of the data area that holds the scalar; None where no view can be used."""
        size = scalar.size
        if size not in VIEWS or address.offset % size:
            return None
        letter = VIEWS[size]
        if isinstance(scalar, Integer) and scalar.signed:
            letter = letter.lower()
        if address.base == FRAME:
            self._context.views.add(size)
            index = address.offset // size
            return f"K{letter}[f{size}+{index}]" if index else f"K{letter}[f{size}]"
        symbols = self._context.symbols
        start = symbols.data_start
        if address.base or not start <= address.offset < symbols.data_end or (address.offset - start) % size:
            return None
        return f"K{letter}[{(address.offset - start) // size}]"

    def _bits(self, place: Bits) -> Value:
        unit = self._load(place.address, _unsigned(place.type))
        mask = (1 << place.width) - 1
        code = f"({unit}>>{place.shift}&{mask})" if place.shift else f"({unit}&{mask})"
        return self._signed_bits(code, place)

    def _signed_bits(self, code: str, place: Bits) -> Value:
        sign = 1 << place.width - 1
        if place.type.signed:
            return _bit_value(f"(({code}^{sign})-{sign})", place, -sign, sign - 1)
        return _bit_value(code, place, 0, (1 << place.width) - 1)

    def _merged(self, place: Bits, value: Value) -> Value:
        """The unit with the field replaced."""
        mask = ((1 << place.width) - 1) << place.shift
        kind = _unsigned(place.type)
        unit = self._load(place.address, kind)
        kept = f"({unit}&{kind.mask & ~mask})"
        if value.const is not None:
            field = str(value.const << place.shift & mask)
        else:
            field = f"({value.code}<<{place.shift}&{mask})"
        return Value(kind, f"({kept}|{field})", 0, kind.mask)


def _unsigned(kind: Integer) -> Integer:
    """The type of the unit that a bit-field is in: all bits of it, so for a _Bool not _Bool."""
    return UCHAR if kind is BOOL else Integer(kind.size, False, kind.rank, kind.name)


def _bit_value(code: str, place: Bits, low: int, high: int) -> Value:
    return Value(bit_field_type(place.type, place.width), code, low, high)
