"""Updates of single entries of live page tables."""

from kpatch_tools.model.machine import ACCESSED, DIRTY, PRESENT

from .domain import DOMID_SELF
from .frametype import FrameType
from .l1 import get_page_from_l1e, put_page_from_l1e
from .pte import adjust_l1, adjust_upper, check_flags, flags_only
from .refusal import Errno, RuleId
from .state import XenState
from .tables import get_page, get_page_from_upper, is_reserved, put_page_from_upper

MMU_NORMAL_PT_UPDATE = 0
MMU_MACHPHYS_UPDATE = 1
MMU_PT_UPDATE_PRESERVE_AD = 2
MMU_PT_UPDATE_NO_TRANSLATE = 3

_INDEX_MASK = 511


def write_entry(xen: XenState, table: int, word: int, level: int, value: int, *, preserve_ad: bool = False) -> None:
    """Store a checked entry and forget what the TLB knew through the old one.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/mm.h#update_intpte.
    """
    frame = xen.memory.frame(table)
    old = frame[word]
    if preserve_ad:
        value |= old & (ACCESSED | DIRTY)
    if xen.memory.watching:
        xen.memory.will_write(table, word, value)
    frame[word] = value
    xen.memory.paging.entry_changed(table, word, level, old)


def mod_l1_entry(
    xen: XenState, table: int, word: int, new: int, *, preserve_ad: bool = False, pg_owner: int = DOMID_SELF
) -> int:
    """Rule mod-l1: take the new entry's reference, store it, drop the old one's; a change of flags only takes none.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#mod_l1_entry. Omitted: translated guests, L1TF.
    """
    old = xen.memory.frame(table)[word]
    if new & PRESENT:
        if not check_flags(xen, new, 1, table):
            return Errno.EINVAL
        new = adjust_l1(new)
        if flags_only(old, new):
            write_entry(xen, table, word, 1, new, preserve_ad=preserve_ad)
            return 0
        outcome = get_page_from_l1e(xen, new, pg_owner)
        if outcome < 0:
            return outcome
        new ^= outcome
    write_entry(xen, table, word, 1, new, preserve_ad=preserve_ad)
    put_page_from_l1e(xen, old)
    return 0


def mod_upper_entry(xen: XenState, table: int, word: int, level: int, new: int, *, preserve_ad: bool = False) -> int:
    """Rule mod-upper: as mod-l1, for an entry of an L2, L3 or L4 table.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#mod_l2_entry (and l3, l4).
    Omitted: the old table is taken apart at the end of the whole hypercall there, here at once.
    """
    slot = word // xen.geometry.entry_words
    if is_reserved(xen, level, slot):
        xen.refuse(RuleId.RESERVED_SLOTS, f"L{level} update in Xen-private area, slot {slot:#x}", table)
        return Errno.EINVAL
    old = xen.memory.frame(table)[word]
    if new & PRESENT:
        if not check_flags(xen, new, level, table):
            return Errno.EINVAL
        new = adjust_upper(new)
        if flags_only(old, new):
            write_entry(xen, table, word, level, new, preserve_ad=preserve_ad)
            return 0
        outcome = get_page_from_upper(xen, new, table, level)
        if outcome:
            return outcome
    write_entry(xen, table, word, level, new, preserve_ad=preserve_ad)
    put_page_from_upper(xen, old, table)
    return 0


def mmu_update(xen: XenState, pointer: int, value: int, foreigndom: int = DOMID_SELF) -> int:
    """Rule mmu-update: one request acts by the current type of the frame it names; elsewhere it is a plain write.

    The command is in the low three bits of `pointer`.
    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#do_mmu_update.
    """
    command = pointer & 7
    mfn = pointer >> 12
    if command == MMU_MACHPHYS_UPDATE:
        return machphys_update(xen, mfn, value)
    if command > MMU_PT_UPDATE_NO_TRANSLATE:
        return Errno.ENOSYS
    if not get_page(xen, mfn):
        xen.refuse(RuleId.OWNER, "Could not get page for normal update", mfn)
        return Errno.EINVAL
    word = (pointer >> 3) & _INDEX_MASK
    frame = xen.live(mfn)
    if frame is None or word % xen.geometry.entry_words:
        return _plain_write(xen, mfn, word, value)
    xen.lock(mfn)
    try:
        preserve_ad = command == MMU_PT_UPDATE_PRESERVE_AD
        if frame.type is FrameType.L1:
            return mod_l1_entry(xen, mfn, word, value, preserve_ad=preserve_ad, pg_owner=foreigndom)
        if frame.type.level and foreigndom == DOMID_SELF:
            return mod_upper_entry(xen, mfn, word, frame.type.level, value, preserve_ad=preserve_ad)
        return Errno.EINVAL
    finally:
        xen.unlock()


def _plain_write(xen: XenState, mfn: int, word: int, value: int) -> int:
    """Rule mmu-update on a frame that is no live table: a write, under a writable reference for as long as it takes."""
    if xen.live(mfn) is None:
        xen.take_writable(mfn)
        xen.drop_writable(mfn)
    if xen.memory.watching:
        xen.memory.will_write(mfn, word, value)
    xen.memory.frame(mfn)[word] = value
    return 0


def machphys_update(xen: XenState, mfn: int, pfn: int) -> int:
    """Rule machphys-update: an entry of the machine-to-physical table, of a frame of the domain.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#do_mmu_update (MMU_MACHPHYS_UPDATE).
    """
    if not get_page(xen, mfn):
        xen.refuse(RuleId.OWNER, "Could not get page for mach->phys update", mfn)
        return Errno.EINVAL
    xen.m2p_updates[mfn] = pfn
    return 0


def update_va_mapping(xen: XenState, va: int, value: int, domid: int = DOMID_SELF) -> int:
    """Rule update-va-mapping: mod-l1 on the entry that maps `va` in the current tables; without one, -EINVAL.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#__do_update_va_mapping. Omitted: the flush that the caller asks for.
    """
    if not is_guest_address(xen, va):
        return Errno.EINVAL
    walk = xen.memory.paging.walk(va)
    if walk.level != 1:
        return Errno.EINVAL
    frame = xen.live(walk.table)
    if frame is None or frame.type is not FrameType.L1:
        return Errno.EINVAL
    xen.lock(walk.table)
    try:
        return mod_l1_entry(xen, walk.table, walk.word, value, pg_owner=domid)
    finally:
        xen.unlock()


def is_guest_address(xen: XenState, va: int) -> bool:
    """Whether `va` is canonical and not in Xen's part of the address space.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/include/asm/x86_64/uaccess.h#__addr_ok.
    """
    geometry = xen.geometry
    return geometry.is_canonical(va) and geometry.slot(va, 4) not in geometry.reserved_l4_slots
