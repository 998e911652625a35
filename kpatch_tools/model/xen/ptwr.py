"""Writable page tables: a guest's trapped stores to its L1 tables, emulated."""

from kpatch_tools.model.machine import PRESENT, RW, PtwrRefused, ReadOnlyWrite, Walk, mfn_of

from .frametype import FrameType
from .l1 import get_page_from_l1e, put_page_from_l1e
from .pte import adjust_l1
from .refusal import RuleId
from .state import XenState
from .update import write_entry


def ro_page_fault(xen: XenState, va: int, size: int, value: int, walk: Walk) -> None:
    """A store of `size` bytes through a mapping without write permission: emulated, or the guest's page fault.

    It is emulated if the L1 entry itself is read-only and maps a validated L1 table of the domain.
    Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/ro-page-fault.c#pv_ro_page_fault. Omitted: read-only MMIO ranges.
    """
    mfn = mfn_of(walk.entry)
    frame = xen.live(mfn) if xen.owns(mfn) else None
    if walk.entry & RW or frame is None or frame.type is not FrameType.L1:
        raise guest_page_fault(xen, va, mfn)
    ptwr_page_fault(xen, va, size, value, mfn)


def guest_page_fault(xen: XenState, va: int, mfn: int) -> ReadOnlyWrite:
    """Rule write-protect: CR0.WP is set, so a write through a read-only mapping is a page fault of the guest.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/ro-page-fault.c#pv_ro_page_fault.
    """
    return ReadOnlyWrite(va, xen.memory.describe(mfn))


def ptwr_page_fault(xen: XenState, va: int, size: int, value: int, mfn: int) -> None:
    """Rule ptwr: a trapped store to the validated L1 table in frame `mfn` is an update of its entry.

    It must be aligned, and the new entry acceptable, else it is a page fault of the guest (PtwrRefused). Anything that
    is not present, zero included, is accepted.
    Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/ro-page-fault.c#ptwr_do_page_fault, #ptwr_emulated_update.
    Omitted: compare-and-exchange, L1TF.
    """
    word = (va >> 3) & 511
    if va & (size - 1):
        xen.refuse(RuleId.PTWR, f"bad access (cr2={va:x}, addr={va:x}, bytes={size})", mfn)
        raise PtwrRefused(
            va, xen.memory.describe(mfn), slot=word, value=value, reason=f"bad access (unaligned, {size} bytes)"
        )
    entries = xen.memory.frame(mfn)
    old = entries[word]
    shift = (va & 7) * 8
    new = old & ~(((1 << size * 8) - 1) << shift) | value << shift
    if word % xen.geometry.entry_words:
        entries[word] = new
        return
    xen.lock(mfn)
    try:
        if new & PRESENT:
            new = _checked(xen, va, mfn, word, new)
        write_entry(xen, mfn, word, 1, new)
        put_page_from_l1e(xen, old)
    finally:
        xen.unlock()


def _checked(xen: XenState, va: int, mfn: int, word: int, new: int) -> int:
    """The present entry `new` as it will be stored, its reference taken; PtwrRefused."""
    first = len(xen.log)
    outcome = get_page_from_l1e(xen, new)
    if outcome < 0:
        xen.refuse(RuleId.PTWR, "could not get_page_from_l1e()", mfn)
        slot = word // xen.geometry.entry_words
        raise PtwrRefused(va, xen.memory.describe(mfn), slot=slot, value=new, reason=xen.log[first].message)
    return adjust_l1(new ^ outcome)
