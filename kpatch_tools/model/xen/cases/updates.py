"""Cases: updates of entries, and what is reached through them afterwards."""

from collections.abc import Callable

from kpatch_tools.model.machine import ACCESSED, DIRTY, REAL, RW, NotPresent
from kpatch_tools.model.xen.frametype import FrameType
from kpatch_tools.model.xen.refusal import Errno
from kpatch_tools.model.xen.update import MMU_MACHPHYS_UPDATE, MMU_PT_UPDATE_PRESERVE_AD

from .guest import FREE, READ_ONLY, READ_WRITE, CaseGuest

_FLUSHES = range(6, 13)


def the_new_entry_takes_and_the_old_one_drops(guest: CaseGuest) -> None:
    """An L1 entry that changes takes its new reference before it drops its old one."""
    guest.ok("map another page", guest.xen.update_va_mapping(guest.va(FREE), guest.entry(FREE + 1)))
    guest.counts("the old page", FREE, FrameType.NONE, 0)
    guest.counts("the new page", FREE + 1, FrameType.WRITABLE, 2)


def harmless_flags_take_no_reference(guest: CaseGuest) -> None:
    """Accessed, dirty, NX and the software bits change without a check, even where a new entry would be refused."""
    before = guest.state(FREE)
    for flags in (ACCESSED, DIRTY, 1 << 9, 1 << 63):
        guest.ok("set a flag", guest.remap(FREE, READ_WRITE | flags))
    guest.expect("its counts", before, guest.state(FREE))
    guest.ok("keep accessed and dirty", guest.remap(FREE, READ_WRITE | ACCESSED | DIRTY))
    guest.ok("make it read-only", guest.update(guest.L1, FREE, guest.entry(FREE, READ_ONLY), MMU_PT_UPDATE_PRESERVE_AD))
    guest.expect("flags", ACCESSED | DIRTY, guest.read(guest.L1, FREE) & (ACCESSED | DIRTY | RW))


def l2_remap_is_seen_at_once(guest: CaseGuest) -> None:
    """XSA-286: After an L2 entry changes, nothing is reached or changed through the table that was there."""
    other = FREE
    guest.read_only(other)
    guest.prepare(other, 17, guest.entry(18))
    guest.store(guest.va(17), 1)
    guest.store(guest.va(18), 2)
    guest.ok("remap", guest.update(guest.L2, 0, guest.entry(other)))
    guest.expect("the page seen", 2, guest.load(guest.va(17)))
    guest.faults("a page of the old table", lambda: guest.load(guest.va(18)), NotPresent)
    guest.counts("the old table", guest.L1, FrameType.NONE, 0)
    guest.ok("update through the new one", guest.xen.update_va_mapping(guest.va(17), guest.entry(20)))
    guest.expect("its entry", guest.entry(20, 0), guest.read(other, 17) & ((1 << 52) - 1) & ~0xFFF)


def l2_remap_back_and_forth_keeps_the_counts(guest: CaseGuest) -> None:
    """XSA-286: Each L2 remap takes the new table and drops the old, so that neither is left validated unheld."""
    other = FREE
    guest.read_only(other)
    for _ in range(3):
        guest.ok("to the other", guest.update(guest.L2, 7, guest.entry(other)))
        guest.counts("held once", other, FrameType.L1, 1)
        guest.ok("to the first", guest.update(guest.L2, 7, guest.entry(guest.L1)))
        guest.counts("not held", other, FrameType.NONE, 0)
        guest.counts("held twice", guest.L1, FrameType.L1, 2)
    guest.ok("out", guest.update(guest.L2, 7, 0))
    guest.ok("the other is a page again", guest.remap(other, READ_WRITE))


def l2_remap_to_itself_has_no_l1_to_update(guest: CaseGuest) -> None:
    """XSA-286: Through an L2 entry that points back to the L2, tables are read as pages, and none is updated."""
    guest.ok("enter it", guest.update(guest.L2, 5, guest.entry(guest.L2, READ_ONLY)))
    va = REAL.page_offset + 5 * (1 << 21)
    guest.expect("the L1 is seen", guest.read(guest.L1, 0), guest.load(va))
    guest.refused("update through it", guest.xen.update_va_mapping(va, guest.entry(FREE)), Errno.EINVAL)


def a_plain_frame_is_just_written(guest: CaseGuest) -> None:
    """mmu_update on what is no table writes the word, whatever it is, and leaves no reference."""
    before = guest.state(FREE)
    guest.ok("write", guest.update(FREE, 3, 0xDEAD_BEEF_0000_0001))
    guest.expect("the word", 0xDEAD_BEEF_0000_0001, guest.read(FREE, 3))
    guest.expect("its state", before, guest.state(FREE))
    guest.refused("an unknown command", guest.update(FREE, 3, 0, 4), Errno.ENOSYS)


def an_address_without_an_l1_entry_cannot_be_updated(guest: CaseGuest) -> None:
    """update_va_mapping needs an L1 table on the way, and an address that is the guest's."""
    for va in (REAL.page_offset + (1 << 21), REAL.page_offset + (1 << 30), 0, 0xFFFF_8000_0000_0000, 1 << 50):
        guest.refused(f"{va:#x}", guest.xen.update_va_mapping(va, guest.entry(FREE)), Errno.EINVAL)
    guest.expect("Xen says nothing", [], guest.said())


def machphys_updates_are_what_m2p_answers(guest: CaseGuest) -> None:
    """The guest may say which page one of its frames is."""
    mfn = guest.mfn(FREE)
    guest.ok("say so", guest.xen.mmu_update(mfn << 12 | MMU_MACHPHYS_UPDATE, 0x777))
    guest.expect("the answer", 0x777, guest.xen.m2p(mfn))
    guest.refused("of a foreign frame", guest.xen.mmu_update(0x123 << 12 | MMU_MACHPHYS_UPDATE, 0), Errno.EINVAL)


def flushes_succeed(guest: CaseGuest) -> None:
    """Every kind of flush is granted."""
    for command in _FLUSHES:
        guest.ok(f"operation {command}", guest.xen.mmuext(command, guest.va(0)))


PROMISES: tuple[Callable[[CaseGuest], None], ...] = (
    the_new_entry_takes_and_the_old_one_drops,
    harmless_flags_take_no_reference,
    l2_remap_is_seen_at_once,
    l2_remap_back_and_forth_keeps_the_counts,
    l2_remap_to_itself_has_no_l1_to_update,
    a_plain_frame_is_just_written,
    an_address_without_an_l1_entry_cannot_be_updated,
    machphys_updates_are_what_m2p_answers,
    flushes_succeed,
)
