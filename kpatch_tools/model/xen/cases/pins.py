"""Cases: pins, validation, linear tables, base pointers."""

from collections.abc import Callable

from kpatch_tools.model.machine import RW
from kpatch_tools.model.xen.frametype import FrameType
from kpatch_tools.model.xen.mmuext import MMUEXT_NEW_BASEPTR, MMUEXT_NEW_USER_BASEPTR
from kpatch_tools.model.xen.refusal import Errno

from .guest import FIRST_SLOT, FREE, READ_ONLY, READ_WRITE, CaseGuest

_LINEAR_SLOT = 300


def pin_twice_einval(guest: CaseGuest) -> None:
    """Pins do not nest: the second is refused and takes nothing."""
    guest.read_only(FREE)
    guest.ok("pin", guest.pin(FREE, 2))
    mfn = guest.mfn(FREE)
    guest.refused("pin again", guest.pin(FREE, 2), Errno.EINVAL, f"mfn {mfn:05x} already pinned")
    guest.counts("one reference", FREE, FrameType.L2, 1)


def unpin_unpinned_einval(guest: CaseGuest) -> None:
    """Neither a live table without a pin nor an ordinary page can be unpinned."""
    for pfn in (guest.L1, FREE):
        guest.refused("unpin", guest.unpin(pfn), Errno.EINVAL, f"mfn {guest.mfn(pfn):05x} not pinned")
    guest.counts("the table lives on", guest.L1, FrameType.L1, 1)


def a_table_has_one_level(guest: CaseGuest) -> None:
    """A live table of one level cannot be pinned as one of another."""
    for level in (2, 3, 4):
        guest.refused(f"pin the L1 as L{level}", guest.pin(guest.L1, level), Errno.EINVAL)
    guest.counts("it is what it was", guest.L1, FrameType.L1, 1)


def l2_pin_with_l1_that_has_one_rw_alias_refused(guest: CaseGuest) -> None:
    """Validation is recursive: an L2 is refused because an L1 below it is mapped writable somewhere."""
    l2, l1 = FREE, FREE + 1
    guest.read_only(l2)
    guest.prepare(l2, 3, guest.entry(l1))
    guest.refused("pin the L2", guest.pin(l2, 2), Errno.EINVAL, "Bad type (saw e400000000000001 != exp 2000")
    guest.expect("where", True, "Failure -22 in promote_l2_table: slot 0x3" in guest.said())
    guest.counts("nothing was kept", l2, FrameType.NONE, 0)
    guest.read_only(l1)
    guest.ok("pin the L2", guest.pin(l2, 2))
    guest.counts("the L1 was promoted with it", l1, FrameType.L1, 1)


def failed_validation_keeps_nothing(guest: CaseGuest) -> None:
    """What had been taken, tables below included, is given back when a later entry is refused."""
    l3, l2, l1, page = FREE, FREE + 1, FREE + 2, FREE + 3
    guest.read_only(l3, l2, l1)
    guest.prepare(l1, 0, guest.entry(page))
    guest.prepare(l1, 1, guest.entry(page, READ_ONLY))
    guest.prepare(l2, 0, guest.entry(l1))
    guest.prepare(l3, 0, guest.entry(l2))
    guest.prepare(l3, 9, guest.entry(page))
    before = [guest.state(pfn) for pfn in (l3, l2, l1, page)]
    guest.refused("pin the L3", guest.pin(l3, 3), Errno.EINVAL)
    guest.expect("all counts", before, [guest.state(pfn) for pfn in (l3, l2, l1, page)])


def the_last_reference_devalidates(guest: CaseGuest) -> None:
    """When a table's last reference goes, so does what its entries hold; what is held otherwise stays."""
    l2, kept, dropped, page = FREE, FREE + 1, FREE + 2, FREE + 3
    guest.read_only(l2, kept, dropped)
    guest.prepare(dropped, 0, guest.entry(page))
    guest.prepare(l2, 0, guest.entry(kept))
    guest.prepare(l2, 1, guest.entry(dropped))
    guest.ok("pin the L2", guest.pin(l2, 2))
    guest.ok("pin one L1", guest.pin(kept, 1))
    guest.counts("two mappings of the page", page, FrameType.WRITABLE, 2)
    guest.ok("unpin the L2", guest.unpin(l2))
    guest.counts("the pinned L1", kept, FrameType.L1, 1)
    guest.counts("the other", dropped, FrameType.NONE, 0)
    guest.counts("one mapping of the page", page, FrameType.WRITABLE, 1)


def xens_slots_of_a_root_are_xens(guest: CaseGuest) -> None:
    """L4 slots 256 to 271 are overwritten on validation and cannot be updated."""
    guest.read_only(FREE)
    guest.prepare(FREE, 256, 0xDEAD)
    guest.ok("pin an L4", guest.pin(FREE, 4))
    guest.expect("the slot", 0, guest.read(FREE, 256))
    for slot in (256, 271):
        words = "L4 update in Xen-private area"
        guest.refused("update it", guest.update(guest.L4, slot, 0), Errno.EINVAL, words)


def recursive_ro_ok(guest: CaseGuest) -> None:
    """A root may contain itself read-only, which takes no reference."""
    before = guest.state(guest.L4)
    entry = guest.entry(guest.L4, READ_ONLY)
    guest.ok("enter it", guest.update(guest.L4, _LINEAR_SLOT, entry))
    guest.expect("its counts", before, guest.state(guest.L4))
    guest.ok("take it out", guest.update(guest.L4, _LINEAR_SLOT, 0))
    guest.expect("its counts", before, guest.state(guest.L4))


def recursive_rw_refused(guest: CaseGuest) -> None:
    """XSA-182: A root cannot contain itself writable, nor can RW be added to an entry that is there read-only."""
    writable = guest.entry(guest.L4, READ_WRITE)
    words = "Attempt to create linear p.t. with write perms"
    guest.refused("enter it", guest.update(guest.L4, _LINEAR_SLOT, writable), Errno.EINVAL, words)
    guest.ok("read-only", guest.update(guest.L4, _LINEAR_SLOT, guest.entry(guest.L4, READ_ONLY)))
    guest.refused("add RW", guest.update(guest.L4, _LINEAR_SLOT, writable), Errno.EINVAL, words)
    guest.expect("RW", 0, guest.read(guest.L4, _LINEAR_SLOT) & RW)


def linear_tables_are_one_step_deep(guest: CaseGuest) -> None:
    """XSA-240: A table with linear entries cannot be used linearly, nor the other way round."""
    a, b, c = FREE, FREE + 1, FREE + 2
    guest.read_only(a, b, c)
    for pfn in (a, b, c):
        guest.ok("pin an L2", guest.pin(pfn, 2))
    guest.ok("a contains b", guest.update(a, 0, guest.entry(b, READ_ONLY)))
    guest.counts("b is used once more", b, FrameType.L2, 2)
    guest.refused("b contains c", guest.update(b, 0, guest.entry(c, READ_ONLY)), Errno.EINVAL)
    guest.refused("c contains a", guest.update(c, 0, guest.entry(a, READ_ONLY)), Errno.EINVAL)
    guest.ok("a is emptied", guest.update(a, 0, 0))
    guest.ok("b contains c", guest.update(b, 0, guest.entry(c, READ_ONLY)))


def base_pointers_hold_their_roots(guest: CaseGuest) -> None:
    """A base pointer holds an L4; loading another gives the old one free."""
    guest.read_only(FREE)
    guest.prepare(FREE, FIRST_SLOT, guest.entry(guest.L3))
    guest.refused("what is no L4", guest.xen.mmuext(MMUEXT_NEW_BASEPTR, guest.mfn(guest.L3)), Errno.EINVAL)
    guest.ok("load a new root", guest.xen.mmuext(MMUEXT_NEW_BASEPTR, guest.mfn(FREE)))
    guest.refused("map it writable", guest.remap(FREE, READ_WRITE), Errno.EBUSY)
    guest.ok("unpin the old root", guest.unpin(guest.L4))
    guest.ok("map that writable", guest.remap(guest.L4, READ_WRITE))
    guest.counts("the L3 is in the new root only", guest.L3, FrameType.L3, 1)


def the_user_base_pointer_holds_its_root(guest: CaseGuest) -> None:
    """The same for user mode's; frame 0 gives it back."""
    guest.read_only(FREE)
    guest.ok("load it", guest.xen.mmuext(MMUEXT_NEW_USER_BASEPTR, guest.mfn(FREE)))
    guest.counts("held", FREE, FrameType.L4, 1)
    guest.refused("map it writable", guest.remap(FREE, READ_WRITE), Errno.EBUSY)
    guest.ok("give it back", guest.xen.mmuext(MMUEXT_NEW_USER_BASEPTR, 0))
    guest.ok("map it writable", guest.remap(FREE, READ_WRITE))


PROMISES: tuple[Callable[[CaseGuest], None], ...] = (
    pin_twice_einval,
    unpin_unpinned_einval,
    a_table_has_one_level,
    l2_pin_with_l1_that_has_one_rw_alias_refused,
    failed_validation_keeps_nothing,
    the_last_reference_devalidates,
    xens_slots_of_a_root_are_xens,
    recursive_ro_ok,
    recursive_rw_refused,
    linear_tables_are_one_step_deep,
    base_pointers_hold_their_roots,
    the_user_base_pointer_holds_its_root,
)
