"""Sizes, alignments and member offsets of records, as gcc lays them out on x86-64."""

from collections.abc import Iterable
from dataclasses import dataclass

from .types import CType, Field, IncompleteType, Integer, Layout, Record


@dataclass(frozen=True, slots=True)
class Member:
    """A member as declared. `name` is None for an anonymous record or an unnamed bit-field; `width` in bits for a
    bit-field; `align` is what attributes ask for, in bytes, 0 for nothing.
    """

    name: str | None
    type: CType
    width: int | None = None
    align: int = 0
    packed: bool = False


def lay_out(members: Iterable[Member], *, is_union: bool, packed: bool = False, align: int = 0) -> Layout:
    """The layout of a record. `align` is the least alignment that attributes ask for, in bytes.

    >>> from .types import CHAR, INT
    >>> lay_out([Member("a", CHAR), Member("b", INT)], is_union=False).fields["b"].offset
    4
    """
    fields: dict[str, Field] = {}
    ordered: list[Field] = []
    # Positions count in bits, so that bit-fields and ordinary members share one cursor.
    at = end = 0
    alignment = max(align, 1)
    for member in members:
        natural = 1 if packed or member.packed else member.type.align
        member_align = max(natural, member.align)
        if is_union:
            at = 0
        if member.width is not None:
            at, placed = _place_bits(member, at, packed=packed)
            if placed is not None:
                fields[placed.name] = placed
                ordered.append(placed)
            # An unnamed bit-field does not align the record, and neither does one of width 0.
            alignment = max(alignment, member_align if member.name is not None else 1)
            end = max(end, at)
            continue
        offset = -(-at // (8 * member_align)) * member_align
        at = (offset + member.type.size) * 8
        end = max(end, at)
        alignment = max(alignment, member_align)
        name = member.name
        if name is None:
            if isinstance(member.type, Record):
                for inner in member.type.layout.fields.values():
                    fields[inner.name] = Field(
                        inner.name, offset + inner.offset, inner.type, inner.shift, inner.width, initialised=False
                    )
                ordered.append(Field("", offset, member.type))
            continue
        fields[name] = Field(name, offset, member.type)
        ordered.append(fields[name])
    size = -(-end // 8)
    return Layout(-(-size // alignment) * alignment, alignment, fields, tuple(ordered))


def _place_bits(member: Member, at: int, *, packed: bool) -> tuple[int, Field | None]:
    """The bit position after the bit-field, and the field (None for an unnamed one)."""
    kind = member.type
    width = member.width or 0
    unit = kind.size * 8
    if width == 0:
        return -(-at // unit) * unit, None
    if not packed and at // unit != (at + width - 1) // unit:
        at = -(-at // unit) * unit
    if member.name is None or not isinstance(kind, Integer):
        return at + width, None
    offset = at // unit * kind.size
    if at - offset * 8 + width > unit:
        raise IncompleteType(f"packed bit-field {member.name} lies across two units")
    return at + width, Field(member.name, offset, kind, at - offset * 8, width)
