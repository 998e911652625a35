"""Whether a variable counts pages or bytes: read from how it is converted where it is used."""

from enum import StrEnum

from kpatch_tools.syntax import Node, descend, name_of

from .shapes import arguments, binary, callee, unwrapped

PAGE_SHIFT = "PAGE_SHIFT"
TO_BYTES = "PFN_PHYS"


class Unit(StrEnum):
    PFN = "pfn"
    BYTES = "bytes"


def unit_of(name: str, expression: Node) -> Unit:
    """The unit of the variable `name` in an expression whose value is in bytes: PFN where it is shifted up."""
    for one in descend(expression):
        parts = binary(one)
        if parts is not None and parts[0] == "<<" and unwrapped(parts[2]).text == PAGE_SHIFT.encode():
            if _uses(parts[1], name):
                return Unit.PFN
        elif one.type == "call_expression" and callee(one) == TO_BYTES and any(_uses(a, name) for a in arguments(one)):
            return Unit.PFN
    return Unit.BYTES


def in_bytes(name: str, unit: Unit, *, macro: bool) -> str:
    """C for a variable's value in bytes; `macro`: PFN_PHYS is there to be used."""
    if unit is Unit.BYTES:
        return name
    return f"{TO_BYTES}({name})" if macro else f"((u64){name} << {PAGE_SHIFT})"


def _uses(node: Node, name: str) -> bool:
    return any(one.type == "identifier" and name_of(one) == name for one in descend(node))
