"""L1 entries and the frames they map."""

from array import array
from itertools import compress

from kpatch_tools.model.machine import GLOBAL, PAGE_SHIFT, PAGE_SIZE, PAT, PCD, PRESENT, PWT, RW, USER, mfn_of
from kpatch_tools.model.machine.entry import MFN_MASK
from kpatch_tools.model.machine.geometry import WORDS_PER_PAGE

from .domain import DOMID_SELF
from .pte import CACHE_ATTRS, GNTTAB, GUEST_KERNEL, INVALID_MFN, adjust_l1, check_flags
from .refusal import Errno, RuleId
from .state import XenState

_RW_BIT, _USER_BIT, _GUEST_KERNEL_BIT, _GNTTAB_BIT = (
    flag.bit_length() - 1 for flag in (RW, USER, GUEST_KERNEL, GNTTAB)
)


def get_page_from_l1e(xen: XenState, entry: int, pg_owner: int = DOMID_SELF) -> int:
    """Take what a present L1 entry needs, by the rules entry-flags, owner, iomem, read-only- and writable-mapping.

    Returns 0, a negative outcome code (nothing taken), or the flags to flip in the entry before it is stored.
    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#get_page_from_l1e.
    Omitted: mappings of other domains by privilege, shared (copy-on-write) pages, non-coherent tracking.
    """
    if not check_flags(xen, entry, 1):
        return Errno.EINVAL
    mfn = mfn_of(entry)
    if not xen.owns(mfn) and xen.domain.may_map_io(mfn):
        return map_iomem(entry)
    if not xen.owns(mfn) or pg_owner != DOMID_SELF:
        return refuse_mapping(xen, entry, pg_owner)
    return get_writable_mapping(xen, entry) if entry & RW else get_read_only_mapping(xen, entry)


def get_writable_mapping(xen: XenState, entry: int) -> int:
    """Rule writable-mapping: a writable type reference to a frame of the domain; 0, or -EBUSY and nothing taken.

    The levels above are not asked. Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#get_page_from_l1e.
    """
    mfn = mfn_of(entry)
    if xen.take_writable(mfn):
        return 0
    xen.refuse(RuleId.WRITABLE_MAPPING, "Could not get page type PGT_writable_page", mfn)
    return _could_not_pin(xen, RuleId.WRITABLE_MAPPING, entry, DOMID_SELF)


def get_read_only_mapping(xen: XenState, entry: int) -> int:
    """Rule read-only-mapping: a general reference to a frame of the domain, whatever its type; always 0.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#get_page_from_l1e.
    """
    xen.take_general(mfn_of(entry))
    return 0


def map_iomem(entry: int) -> int:
    """Rule iomem: no reference, and the flags to flip in the entry.

    I/O memory is not mapped write-back, write-through or write-protected, but uncached.
    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#get_page_from_l1e.
    Omitted: read-only MMIO ranges, and the refusal of MMIO without permission (-EPERM): what the domain does not list
    as I/O memory counts as somebody's RAM.
    """
    attrs = entry & CACHE_ATTRS
    if not attrs:
        return PWT | PCD
    return PCD | entry & PAT if attrs in (PWT, PWT | PAT) else 0


def refuse_mapping(xen: XenState, entry: int, pg_owner: int) -> int:
    """Rule owner, for L1 entries: the frame is not that of the domain in whose name it is mapped.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#get_page_from_l1e.
    """
    mfn = mfn_of(entry)
    if mfn == INVALID_MFN:
        return Errno.EINVAL
    owner = 0 if xen.owns(mfn) else -1
    xen.refuse(RuleId.OWNER, f"pg_owner d{_domain_number(pg_owner)} l1e_owner d0, but real_pg_owner d{owner}", mfn)
    return _could_not_pin(xen, RuleId.OWNER, entry, pg_owner)


def _could_not_pin(xen: XenState, rule: RuleId, entry: int, pg_owner: int) -> int:
    mfn = mfn_of(entry)
    xen.refuse(
        rule,
        f"Error getting {xen.name(mfn)} from L1 entry {entry:016x} for l1e_owner d0, "
        f"pg_owner d{_domain_number(pg_owner)}",
        mfn,
    )
    return Errno.EBUSY


def _domain_number(domid: int) -> int:
    return 0 if domid == DOMID_SELF else domid


def put_page_from_l1e(xen: XenState, entry: int) -> None:
    """Drop what `get_page_from_l1e` took for `entry`; nothing for an entry that is not present or maps I/O memory.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#put_page_from_l1e.
    """
    if not entry & PRESENT:
        return
    mfn = mfn_of(entry)
    if not xen.owns(mfn):
        return
    if entry & RW:
        xen.drop_writable(mfn)
    else:
        xen.drop_general(mfn)


def promote_l1_table(xen: XenState, mfn: int) -> int:
    """Rule validate-l1: take what every present entry needs, or take nothing and return the outcome code.

    The entries are stored adjusted. Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#promote_l1_table.
    """
    if xen.geometry.entry_words == 1 and promote_plain_table(xen, mfn):
        return 0
    return promote_each_entry(xen, mfn)


def promote_each_entry(xen: XenState, mfn: int) -> int:
    """Validate an L1 table entry by entry, as Xen does."""
    entries = read_entries(xen, mfn)
    outcome = 0
    for slot, entry in enumerate(entries):
        if not entry & PRESENT:
            continue
        outcome = get_page_from_l1e(xen, entry)
        if outcome < 0:
            xen.refuse(RuleId.VALIDATE_L1, f"Failure {int(outcome)} in promote_l1_table: slot {slot:#x}", mfn)
            for taken in reversed(entries[:slot]):
                put_page_from_l1e(xen, taken)
            break
        entries[slot] = adjust_l1(entry ^ outcome)
    write_entries(xen, mfn, entries)
    return min(outcome, 0)


_ONES = sum(1 << 64 * slot for slot in range(WORDS_PER_PAGE))
"""1 in every 64-bit lane of a page."""


def promote_plain_table(xen: XenState, mfn: int) -> bool:
    """Validate an L1 table whose present entries all map frames of the domain writable; else False, nothing done.

    Nearly all of the thousands of tables of a direct mapping are such, so this is worth a trick: the page is one
    number of 512 lanes, and what can be said of all lanes is said at once. Same result as `promote_each_entry`.
    """
    frame = xen.memory.frame(mfn)
    page = int.from_bytes(frame, "little")
    present = page & _ONES
    if present & ~(page >> _RW_BIT) or present & page >> _GNTTAB_BIT:
        return False
    mfns = memoryview((page >> PAGE_SHIFT & present * MFN_MASK).to_bytes(PAGE_SIZE, "little")).cast("Q").tolist()
    if present != _ONES:
        mfns = list(compress(mfns, present.to_bytes(PAGE_SIZE, "little")[::8]))
    if not mfns:
        return True
    writable, base = xen.writable, xen.base
    if min(mfns) < base or max(mfns) >= base + xen.size:
        return False
    indices = [number - base for number in mfns]
    if min(map(writable.__getitem__, indices)) < 0:
        return False
    for index in indices:
        writable[index] += 1
    user = present & page >> _USER_BIT
    kernel = user & page >> _GUEST_KERNEL_BIT
    adjusted = page | (present ^ user) * (GUEST_KERNEL | USER) | (user ^ kernel) * GLOBAL
    frame.cast("B")[:] = adjusted.to_bytes(PAGE_SIZE, "little")
    return True


def demote_l1_table(xen: XenState, mfn: int) -> None:
    """Drop what every entry holds.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#demote_l1_table.
    """
    writable, base, size = xen.writable, xen.base, xen.size
    for entry in read_entries(xen, mfn):
        if not entry & PRESENT:
            continue
        index = ((entry >> PAGE_SHIFT) & MFN_MASK) - base
        if entry & RW and 0 <= index < size and writable[index] > 0:
            writable[index] -= 1
        else:
            put_page_from_l1e(xen, entry)


def read_entries(xen: XenState, mfn: int) -> list[int]:
    """All entries of the table in frame `mfn`, by slot; a copy."""
    return xen.memory.frame(mfn).tolist()[:: xen.geometry.entry_words]


def write_entries(xen: XenState, mfn: int, entries: list[int]) -> None:
    """Store all entries of a table that translates nothing yet: no TLB knows it."""
    frame = xen.memory.frame(mfn)
    stride = xen.geometry.entry_words
    if stride == 1:
        frame[:] = memoryview(array("Q", entries))
        return
    for slot, entry in enumerate(entries):
        frame[slot * stride] = entry
