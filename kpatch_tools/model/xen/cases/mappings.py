"""Cases: what may be mapped, and how."""

from collections.abc import Callable

from kpatch_tools.model.machine import GLOBAL, PAT, PCD, PRESENT, PSE, PWT, RW, USER, entry_of
from kpatch_tools.model.xen.domain import DOMID_IO
from kpatch_tools.model.xen.frametype import FrameType
from kpatch_tools.model.xen.pte import GNTTAB, GUEST_KERNEL
from kpatch_tools.model.xen.refusal import Errno

from .guest import FREE, READ_ONLY, READ_WRITE, CaseGuest

_FOREIGN = 0x123
_IO_PAGE = 0xB8
_BAD_TYPE = "Bad type (saw "


def rw_mapping_of_own_l1_refused(guest: CaseGuest) -> None:
    """A frame that maps itself writable cannot become an L1 table."""
    guest.read_only(FREE)
    guest.prepare(FREE, 7, guest.entry(FREE))
    guest.refused("pin it as L1", guest.pin(FREE, 1), Errno.EBUSY, _BAD_TYPE + "2000000000000001 != exp e000")
    guest.counts("nothing was kept", FREE, FrameType.NONE, 0)
    guest.refused("map the live L1 writable", guest.remap(guest.L1, READ_WRITE), Errno.EBUSY, _BAD_TYPE)
    guest.counts("nothing was lost", guest.L1, FrameType.L1, 1)


def rw_map_of_pinned_frame_refused(guest: CaseGuest) -> None:
    """A pinned table cannot be mapped writable, by hypercall to the address or to the entry."""
    guest.read_only(FREE)
    guest.ok("pin it as L1", guest.pin(FREE, 1))
    before = guest.state(FREE)
    guest.refused("map it writable", guest.remap(FREE, READ_WRITE), Errno.EBUSY, _BAD_TYPE)
    entry = guest.entry(FREE)
    guest.refused("by mmu_update", guest.update(guest.L1, FREE + 1, entry), Errno.EBUSY, _BAD_TYPE)
    guest.expect("its state", before, guest.state(FREE))


def ro_remap_then_pin_ok(guest: CaseGuest) -> None:
    """A frame with a writable mapping cannot be pinned; once its only mapping is read-only, it can."""
    guest.refused("pin", guest.pin(FREE, 1), Errno.EINVAL, _BAD_TYPE + "e400000000000001 != exp 2000")
    guest.read_only(FREE)
    guest.ok("pin", guest.pin(FREE, 1))
    guest.counts("the table", FREE, FrameType.L1, 1)


def every_rw_alias_counts(guest: CaseGuest) -> None:
    """One writable alias anywhere is enough to keep a frame from being a table."""
    alias = FREE + 1
    guest.ok("alias it", guest.xen.update_va_mapping(guest.va(alias), guest.entry(FREE)))
    guest.counts("both mappings", FREE, FrameType.WRITABLE, 2)
    guest.read_only(FREE)
    guest.refused("pin", guest.pin(FREE, 1), Errno.EINVAL, _BAD_TYPE)
    guest.ok("make the alias read-only", guest.xen.update_va_mapping(guest.va(alias), guest.entry(FREE, READ_ONLY)))
    guest.ok("pin", guest.pin(FREE, 1))


def rw_bits_above_do_not_matter(guest: CaseGuest) -> None:
    """An L1 entry with RW counts as a writable mapping even below a read-only L2 entry."""
    table, page = FREE, FREE + 1
    guest.read_only(table)
    guest.prepare(table, 0, guest.entry(page))
    guest.ok("hook it in read-only", guest.update(guest.L2, 5, guest.entry(table, READ_ONLY)))
    guest.counts("the page", page, FrameType.WRITABLE, 2)


def unpin_and_drop_last_reference_then_rw_ok(guest: CaseGuest) -> None:
    """Pin and the entry above both hold a table: only without both can it be mapped writable again."""
    guest.read_only(FREE)
    guest.ok("pin", guest.pin(FREE, 1))
    guest.ok("hook it in", guest.update(guest.L2, 5, guest.entry(FREE)))
    guest.ok("unpin", guest.unpin(FREE))
    guest.refused("map it writable", guest.remap(FREE, READ_WRITE), Errno.EBUSY, _BAD_TYPE)
    guest.ok("take it out", guest.update(guest.L2, 5, 0))
    guest.ok("map it writable", guest.remap(FREE, READ_WRITE))
    guest.counts("a page like any", FREE, FrameType.WRITABLE, 1)


def making_writable_what_is_writable_is_no_matter(guest: CaseGuest) -> None:
    """Setting RW where RW is already changes nothing and is not refused."""
    guest.ok("map it writable once more", guest.remap(FREE, READ_WRITE))
    guest.counts("one mapping still", FREE, FrameType.WRITABLE, 1)


def entries_are_stored_for_a_kernel_in_user_mode(guest: CaseGuest) -> None:
    """Present entries get USER; a kernel's L1 entries are marked, a user's made global."""
    guest.ok("a kernel entry", guest.remap(FREE, PRESENT | RW))
    kept = GUEST_KERNEL | GLOBAL | USER
    guest.expect("is marked", GUEST_KERNEL | USER, guest.read(guest.L1, FREE) & kept)
    guest.ok("a user entry", guest.remap(FREE, PRESENT | USER))
    guest.expect("is global", GLOBAL | USER, guest.read(guest.L1, FREE) & kept)


def flags_that_are_xens_are_refused(guest: CaseGuest) -> None:
    """L1 entries may not say that they come from grants; upper entries may have no cache, size or global bits."""
    guest.refused("bit 62", guest.remap(FREE, READ_WRITE | GNTTAB), Errno.EINVAL, "Bad L1 flags 400000")
    guest.ok("cache attributes of a page", guest.remap(FREE, READ_WRITE | PCD | PWT))
    guest.read_only(FREE)
    for flag in (PWT, PCD, PSE, GLOBAL):
        entry = guest.entry(FREE, READ_WRITE | flag)
        guest.refused("an L2 entry", guest.update(guest.L2, 5, entry), Errno.EINVAL, f"Bad L2 flags {flag:x}")


def foreign_frames_are_out_of_reach(guest: CaseGuest) -> None:
    """What is not the domain's can be neither mapped, nor a table, nor updated, nor pinned."""
    mapping = entry_of(_FOREIGN, READ_ONLY)
    guest.refused("map", guest.xen.update_va_mapping(guest.va(FREE), mapping), Errno.EBUSY, "pg_owner d0 l1e_owner d0")
    guest.refused("as a table", guest.update(guest.L2, 5, mapping), Errno.EINVAL, "Error mfn 00123")
    guest.refused("update", guest.xen.mmu_update(_FOREIGN << 12, 0), Errno.EINVAL, "Error mfn 00123")
    guest.refused("pin", guest.xen.mmuext(0, _FOREIGN), Errno.EINVAL, "Error mfn 00123")


def io_memory_is_uncached_and_not_counted(guest: CaseGuest) -> None:
    """I/O memory that the domain may use is mapped without a reference, and never write-back."""
    for flags, stored in ((0, PWT | PCD), (PWT, PWT | PCD), (PCD, PCD)):
        entry = entry_of(_IO_PAGE, READ_WRITE | flags)
        guest.ok("map it", guest.xen.update_va_mapping(guest.va(FREE), entry))
        guest.expect("its attributes", stored, guest.read(guest.L1, FREE) & (PWT | PCD | PAT))
    entry = guest.entry(FREE)
    outcome = guest.update(guest.L1, FREE, entry, foreigndom=DOMID_IO)
    guest.refused("RAM as if it were I/O memory", outcome, Errno.EBUSY, f"pg_owner d{DOMID_IO}")


PROMISES: tuple[Callable[[CaseGuest], None], ...] = (
    rw_mapping_of_own_l1_refused,
    rw_map_of_pinned_frame_refused,
    ro_remap_then_pin_ok,
    every_rw_alias_counts,
    rw_bits_above_do_not_matter,
    unpin_and_drop_last_reference_then_rw_ok,
    making_writable_what_is_writable_is_no_matter,
    entries_are_stored_for_a_kernel_in_user_mode,
    flags_that_are_xens_are_refused,
    foreign_frames_are_out_of_reach,
    io_memory_is_uncached_and_not_counted,
)
