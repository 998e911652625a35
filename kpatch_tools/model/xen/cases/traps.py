"""Cases: trapped writes, and descriptor tables."""

from collections.abc import Callable
from functools import partial

from kpatch_tools.model.machine import NotPresent, PtwrRefused, ReadOnlyWrite
from kpatch_tools.model.xen.frametype import FrameType
from kpatch_tools.model.xen.mmuext import MMUEXT_NEW_BASEPTR, MMUEXT_SET_LDT
from kpatch_tools.model.xen.refusal import Errno

from .guest import FREE, READ_ONLY, READ_WRITE, CaseGuest

_CODE_SEGMENT = 0x00AF_9B00_0000_FFFF
_TSS = 0x0000_8900_0000_0067
_DPL_3 = 3 << 45


def ptwr_on_l1_ok(guest: CaseGuest) -> None:
    """A store to a read-only mapped L1 table is an update of its entry."""
    guest.store(guest.va(guest.L1) + FREE * 8, guest.entry(FREE + 1))
    guest.counts("the old page", FREE, FrameType.NONE, 0)
    guest.counts("the new page", FREE + 1, FrameType.WRITABLE, 2)
    guest.store(guest.va(FREE), 5)
    guest.expect("the page written", 5, guest.load(guest.va(FREE + 1)))


def ptwr_on_l2_refused(guest: CaseGuest) -> None:
    """Stores to tables of level 2 and above are page faults of the guest."""
    for table in (guest.L2, guest.L3, guest.L4):
        guest.faults("store", partial(guest.store, guest.va(table), 0), ReadOnlyWrite)


def ptwr_takes_what_is_not_present(guest: CaseGuest) -> None:
    """Zero is accepted: clearing a live L1 table goes on until it has cleared its own mapping."""
    guest.faults("clear it", lambda: guest.memory.write(guest.va(guest.L1), bytes(4096)), NotPresent)
    guest.expect("its first entries", [0, 0, 0, 0], [guest.read(guest.L1, slot) for slot in range(4)])
    guest.counts("it is a table yet", guest.L1, FrameType.L1, 1)


def ptwr_of_a_bad_entry_is_a_fault(guest: CaseGuest) -> None:
    """An entry that no hypercall could set cannot be stored either: a table, writable."""
    slot = guest.va(guest.L1) + 8 * FREE
    before = guest.read(guest.L1, FREE)
    guest.faults("store", lambda: guest.store(slot, guest.entry(guest.L2, READ_WRITE)), PtwrRefused)
    guest.expect("why", "Bad type (saw 44", (guest.said() or [""])[0][:16])
    guest.expect("the entry", before, guest.read(guest.L1, FREE))


def ptwr_refuses_unaligned_stores(guest: CaseGuest) -> None:
    """A store that is not aligned to its size is not emulated; a part of an entry is completed from the rest."""
    slot = guest.va(guest.L1) + 8 * FREE
    guest.faults("store", lambda: guest.store(slot + 3, 0), PtwrRefused)
    guest.store(slot, guest.entry(FREE, READ_ONLY) & 0xFFFF_FFFF, 4)
    guest.counts("half an entry, stored", FREE, FrameType.NONE, 0)


def a_left_over_read_only_page_faults(guest: CaseGuest) -> None:
    """A write through a read-only mapping of what is no table is a page fault: CR0.WP is set."""
    guest.read_only(FREE)
    guest.faults("store", lambda: guest.store(guest.va(FREE), 0), ReadOnlyWrite)
    guest.ok("map it writable", guest.remap(FREE, READ_WRITE))
    guest.store(guest.va(FREE), 7)
    guest.expect("stored", 7, guest.load(guest.va(FREE)))


def a_table_that_is_none_any_more_is_not_emulated(guest: CaseGuest) -> None:
    """The type decides at the moment of the store: after the last reference goes, stores fault again."""
    guest.read_only(FREE)
    guest.ok("pin", guest.pin(FREE, 1))
    guest.store(guest.va(FREE), 0)
    guest.ok("unpin", guest.unpin(FREE))
    guest.faults("store", lambda: guest.store(guest.va(FREE), 0), ReadOnlyWrite)


def ro_remap_then_descriptor_promotion(guest: CaseGuest) -> None:
    """XSA-298: A page becomes a descriptor page only without writable mappings, and then cannot be written."""
    frames = (guest.mfn(FREE),)
    guest.refused("as GDT", guest.xen.set_gdt(frames, 512), Errno.EINVAL, "Bad type (saw e400000000000001 != exp a000")
    guest.read_only(FREE)
    guest.ok("as GDT", guest.xen.set_gdt(frames, 512))
    guest.counts("a descriptor page", FREE, FrameType.SEG_DESC, 1)
    guest.refused("map it writable", guest.remap(FREE, READ_WRITE), Errno.EBUSY, "Bad type (saw a4")
    guest.refused("update it as a table", guest.update(FREE, 0, 0), Errno.EINVAL)
    guest.faults("store", lambda: guest.store(guest.va(FREE), 0), ReadOnlyWrite)


def a_gdt_is_taken_whole_or_not_at_all(guest: CaseGuest) -> None:
    """If one frame of a GDT is refused none is kept; a new GDT gives the old one's frames free."""
    a, b = guest.mfn(FREE), guest.mfn(FREE + 1)
    guest.read_only(FREE)
    guest.refused("one is writable", guest.xen.set_gdt((a, b), 1024), Errno.EINVAL)
    guest.counts("none is kept", FREE, FrameType.NONE, 0)
    guest.read_only(FREE + 1)
    guest.ok("both", guest.xen.set_gdt((a, b), 1024))
    guest.ok("another GDT", guest.xen.set_gdt((b,), 512))
    guest.counts("given free", FREE, FrameType.NONE, 0)
    guest.counts("held", FREE + 1, FrameType.SEG_DESC, 1)


def ldt_pages_are_held_from_first_use(guest: CaseGuest) -> None:
    """XSA-298: An LDT page is taken when the processor first uses it, and given back with the LDT or the root."""
    guest.read_only(FREE, FREE + 2)
    guest.ok("set the LDT", guest.xen.mmuext(MMUEXT_SET_LDT, guest.va(FREE), 600))
    guest.counts("not yet", FREE, FrameType.NONE, 0)
    guest.expect("used", True, guest.xen.touch_ldt(8))
    guest.counts("held", FREE, FrameType.SEG_DESC, 1)
    guest.expect("its second page is mapped writable", False, guest.xen.touch_ldt(4096))
    guest.ok("load another root", guest.xen.mmuext(MMUEXT_NEW_BASEPTR, guest.mfn(FREE + 2)))
    guest.counts("given back", FREE, FrameType.NONE, 0)


def descriptors_are_checked_and_fixed_up(guest: CaseGuest) -> None:
    """A descriptor page has only descriptors that cannot hurt Xen; privilege levels are raised to the guest's."""
    guest.read_only(FREE)
    guest.prepare(FREE, 3, _TSS)
    guest.refused("a TSS in it", guest.xen.set_gdt((guest.mfn(FREE),), 512), Errno.EINVAL)
    guest.prepare(FREE, 3, _CODE_SEGMENT)
    guest.ok("a code segment", guest.xen.set_gdt((guest.mfn(FREE),), 512))
    guest.expect("fixed up", _CODE_SEGMENT | _DPL_3, guest.read(FREE, 3))
    address = (guest.mfn(FREE) << 12) + 16
    guest.ok("one more", guest.xen.update_descriptor(address, _CODE_SEGMENT))
    guest.refused("a TSS", guest.xen.update_descriptor(address, _TSS), Errno.EINVAL)
    table = guest.mfn(guest.L1) << 12
    guest.refused("in a page table", guest.xen.update_descriptor(table, _CODE_SEGMENT), Errno.EINVAL)


PROMISES: tuple[Callable[[CaseGuest], None], ...] = (
    ptwr_on_l1_ok,
    ptwr_on_l2_refused,
    ptwr_takes_what_is_not_present,
    ptwr_of_a_bad_entry_is_a_fault,
    ptwr_refuses_unaligned_stores,
    a_left_over_read_only_page_faults,
    a_table_that_is_none_any_more_is_not_emulated,
    ro_remap_then_descriptor_promotion,
    a_gdt_is_taken_whole_or_not_at_all,
    ldt_pages_are_held_from_first_use,
    descriptors_are_checked_and_fixed_up,
)
