"""Descriptor pages: what a frame must hold to be used in a GDT or LDT."""

from .refusal import Errno
from .state import XenState

_PRESENT = 1 << 15
_CODE_OR_DATA = 1 << 12
_TYPE = 0xF << 8
_CALL_GATE = 0xC << 8
_DPL = 3 << 13
_DPL_SHIFT = 13
_GUEST_DPL = 3
_GATE_RESERVED = 0xFF


def check_descriptor(descriptor: int) -> int | None:
    """Rule segment-descriptors: the descriptor as Xen stores it, None if it is not acceptable to a 64-bit guest.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/descriptor-tables.c#check_descriptor.
    Omitted: whether the selector of a call gate names a guest segment.
    """
    low, high = descriptor & 0xFFFF_FFFF, descriptor >> 32
    if not high & _PRESENT:
        return descriptor
    dpl = max((high & _DPL) >> _DPL_SHIFT, _GUEST_DPL)
    high = high & ~_DPL | dpl << _DPL_SHIFT
    if high & _CODE_OR_DATA:
        return high << 32 | low
    if not high & _TYPE:
        return descriptor
    if high & _TYPE != _CALL_GATE or high & _GATE_RESERVED:
        return None
    # Privilege 0 makes the gate fault, so that Xen can emulate it; the real level goes into the selector.
    high &= ~_DPL
    selector = (low >> 16) & ~3 | dpl
    return high << 32 | selector << 16 | low & 0xFFFF


def validate_segdesc_page(xen: XenState, mfn: int) -> int:
    """Rule segment-descriptors: all 512 must be acceptable; they are stored as fixed up.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/descriptor-tables.c#validate_segdesc_page.
    """
    frame = xen.memory.frame(mfn)
    for index, descriptor in enumerate(frame.tolist()):
        checked = check_descriptor(descriptor)
        if checked is None:
            return Errno.EINVAL
        if checked != descriptor:
            frame[index] = checked
    return 0
