"""What a program knows of its unit, as plain values that can be kept between runs.

A type is kept as far as data at its address can be told by it: what a pointer points to is left out (void). A decoded
type serves those who look at the guest's data from outside; translation always takes its types from the unit.
"""

from collections.abc import Sequence
from typing import Any, cast

from .context import Callee
from .types import (
    BOOL,
    VOID,
    Array,
    CType,
    Field,
    Floating,
    Function,
    Integer,
    Layout,
    Pointer,
    Record,
    Void,
)

Plain = Any
"""Values that `marshal` keeps: None, bool, int, str, bytes, tuples and dicts of them, code objects."""

Answer = bool | int | str | None | CType | Callee | tuple[int, CType]
"""What can be asked of a program: a fact, a type, a function as called, or a variable's address and type."""


def encode_answer(answer: Answer) -> Plain:
    """IncompleteType where a type cannot be laid out: such an answer is not kept."""
    if answer is None or isinstance(answer, bool | int | str):
        return ("plain", answer)
    if isinstance(answer, tuple):
        return ("variable", answer[0], encode_type(answer[1]))
    if isinstance(answer, Callee):
        return ("callee", *encode_callee(answer))
    return ("type", encode_type(answer))


def decode_answer(kept: Sequence[Plain]) -> Answer:
    match kept:
        case ("plain", value):
            return cast("Answer", value)
        case ("variable", address, kind):
            return int(address), decode_type(kind)
        case ("callee", *rest):
            return decode_callee(rest)
        case ("type", kind):
            return decode_type(kind)
    raise ValueError(f"no answer: {kept!r}")


def encode_callee(callee: Callee) -> Plain:
    kind = None if callee.type is None else encode_type(callee.type)
    return (callee.code, kind, callee.exact, callee.defined)


def decode_callee(kept: Sequence[Plain]) -> Callee:
    code, kind, exact, defined = kept
    return Callee(code, None if kind is None else cast("Function", decode_type(kind)), exact=exact, defined=defined)


def encode_type(kind: CType) -> Plain:
    """IncompleteType where a record by value cannot be laid out."""
    if isinstance(kind, Void):
        return ("void",)
    if isinstance(kind, Integer):
        return ("integer", kind.size, kind.signed, kind.rank, kind.name, kind.bits)
    if isinstance(kind, Floating):
        return ("floating", kind.size, kind.name)
    if isinstance(kind, Pointer):
        return ("pointer",)
    if isinstance(kind, Array):
        return ("array", encode_type(kind.of), kind.length)
    if isinstance(kind, Function):
        parameters = tuple((name, encode_type(parameter)) for name, parameter in kind.parameters)
        return ("function", encode_type(kind.result), parameters, kind.variadic)
    layout = kind.layout
    fields = tuple((name, *_encode_field(field)) for name, field in layout.fields.items())
    members = tuple(_encode_field(field) for field in layout.members)
    return ("record", kind.tag, kind.is_union, layout.size, layout.align, fields, members)


def decode_type(kept: Sequence[Plain]) -> CType:
    match kept:
        case ("void",):
            return VOID
        case ("integer", *rest):
            integer = Integer(*rest)
            # Identity tells _Bool from unsigned char.
            return BOOL if integer == BOOL else integer
        case ("floating", size, name):
            return Floating(size, name)
        case ("pointer",):
            return Pointer(VOID)
        case ("array", of, length):
            return Array(decode_type(of), length)
        case ("function", result, parameters, variadic):
            return Function(
                decode_type(result), tuple((name, decode_type(kind)) for name, kind in parameters), variadic
            )
        case ("record", tag, is_union, *rest):
            return Record(tag, is_union=is_union, source=lambda _record: _decode_layout(rest))
    raise ValueError(f"no type: {kept!r}")


def _encode_field(field: Field) -> Plain:
    return (field.name, field.offset, encode_type(field.type), field.shift, field.width, field.initialised)


def _decode_field(kept: Sequence[Plain]) -> Field:
    name, offset, kind, shift, width, initialised = kept
    return Field(name, offset, decode_type(kind), shift, width, initialised)


def _decode_layout(kept: Sequence[Plain]) -> Layout:
    size, align, fields, members = kept
    return Layout(
        size,
        align,
        {name: _decode_field(field) for name, *field in fields},
        tuple(_decode_field(field) for field in members),
    )
