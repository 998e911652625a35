"""Frame types, pins and mappings: what Xen grants, what it refuses, and in which words."""

from collections.abc import Callable
from typing import Any

import pytest
from kpatch_tools.core.ids import Pfn
from kpatch_tools.model.machine import GLOBAL, NX, PAT, PCD, PRESENT, PSE, PWT, RW, USER, entry_of
from kpatch_tools.model.xen import (
    DOMID_IO,
    MMUEXT_NEW_BASEPTR,
    MMUEXT_NEW_USER_BASEPTR,
    MMUEXT_UNPIN_TABLE,
    Domain,
    Errno,
    FrameState,
    FrameType,
    RuleId,
)

READ_WRITE = PRESENT | RW | USER
READ_ONLY = PRESENT | USER
FREE = 16
"""First frame that no test's guest uses yet."""


# --- rule frame-type


def test_an_untouched_frame_has_only_the_reference_of_being_allocated(guest: Any) -> None:
    assert guest.remap(FREE, 0) == 0
    assert guest.state(FREE) == FrameState(FrameType.NONE, 0, 1)


def test_a_writable_mapping_counts_in_both_counts(guest: Any) -> None:
    assert guest.state(FREE) == FrameState(FrameType.WRITABLE, 1, 2, validated=True)


def test_a_read_only_mapping_counts_in_the_general_count_only(guest: Any) -> None:
    assert guest.remap(FREE, READ_ONLY) == 0
    assert guest.state(FREE) == FrameState(FrameType.NONE, 0, 2)


def test_the_initial_tables_are_counted_as_the_domain_builder_does(guest: Any) -> None:
    """The L4: its pin and CR3; every other table: the entry above it. One read-only mapping each."""
    assert guest.state(guest.L4) == FrameState(FrameType.L4, 2, 4, validated=True, pinned=True)
    for pfn, kind in ((guest.L3, FrameType.L3), (guest.L2, FrameType.L2), (guest.L1, FrameType.L1)):
        assert guest.state(pfn) == FrameState(kind, 1, 3, validated=True)


def test_a_frame_can_be_a_table_many_times_over(guest: Any) -> None:
    assert guest.remap(FREE, READ_ONLY) == 0
    assert guest.pin(FREE, 1) == 0
    assert guest.update(guest.L2, 5, guest.entry(FREE)) == 0
    assert guest.update(guest.L2, 6, guest.entry(FREE)) == 0
    assert guest.state(FREE).count == 3


@pytest.mark.parametrize("level", [2, 3, 4])
def test_a_table_of_one_level_cannot_become_one_of_another(guest: Any, level: int) -> None:
    assert guest.pin(guest.L1, level) == Errno.EINVAL
    if level > 2:  # one level up might be a linear table, and is left to the caller to report
        assert guest.said()[0].startswith("Bad type (saw 2400000000000001 != exp ")


# --- rules writable-mapping and read-only-mapping: the case list


def test_rw_mapping_of_own_l1_refused(guest: Any) -> None:
    """An L1 table that maps itself writable is no L1 table."""
    guest.remap(FREE, READ_ONLY)
    guest.set(FREE, 7, guest.entry(FREE, READ_WRITE))
    assert guest.pin(FREE, 1) == Errno.EBUSY
    assert guest.said()[0].startswith("Bad type (saw 2000000000000001 != exp e000000000000000) for mfn ")
    assert guest.said()[1] == "Could not get page type PGT_writable_page"
    assert guest.said()[3] == "Failure -16 in promote_l1_table: slot 0x7"
    assert guest.said()[4].startswith("Error while validating mfn ")
    assert guest.said()[5] == f"Error -16 while pinning mfn {guest.mfn(FREE):05x}"
    assert guest.state(FREE) == FrameState(FrameType.NONE, 0, 2)


def test_ro_mapping_of_own_l1_is_fine(guest: Any) -> None:
    guest.remap(FREE, READ_ONLY)
    guest.set(FREE, 7, guest.entry(FREE, READ_ONLY))
    assert guest.pin(FREE, 1) == 0


def test_ro_remap_then_pin_ok(guest: Any) -> None:
    """A frame with a writable mapping cannot be pinned; made read-only first, it can."""
    assert guest.pin(FREE, 1) == Errno.EINVAL
    mfn = guest.mfn(FREE)
    assert guest.said() == [
        f"Bad type (saw e400000000000001 != exp 2000000000000000) for mfn {mfn:05x} (pfn {FREE:05x})",
        f"Error -22 while pinning mfn {mfn:05x}",
    ]
    assert guest.remap(FREE, READ_ONLY) == 0
    assert guest.pin(FREE, 1) == 0
    assert guest.state(FREE) == FrameState(FrameType.L1, 1, 3, validated=True, pinned=True)


def test_rw_map_of_pinned_frame_refused(guest: Any) -> None:
    """The words are those of the measured boots: the code is EBUSY, the entry is printed as it would be stored."""
    guest.remap(FREE, READ_ONLY)
    guest.pin(FREE, 1)
    guest.update(guest.L2, 5, guest.entry(FREE))
    assert guest.xen.update_va_mapping(guest.va(FREE), guest.entry(FREE, NX | 0x63)) == Errno.EBUSY
    mfn = guest.mfn(FREE)
    assert guest.said() == [
        f"Bad type (saw 2c00000000000002 != exp e000000000000000) for mfn {mfn:05x} (pfn {FREE:05x})",
        "Could not get page type PGT_writable_page",
        f"Error getting mfn {mfn:05x} (pfn {FREE:05x}) from L1 entry 801{mfn:010x}067 for l1e_owner d0, pg_owner d0",
    ]


def test_a_refusal_changes_nothing(guest: Any) -> None:
    guest.remap(FREE, READ_ONLY)
    guest.pin(FREE, 1)
    before = guest.state(FREE), guest.get(guest.L1, FREE)
    guest.remap(FREE, READ_WRITE)
    assert (guest.state(FREE), guest.get(guest.L1, FREE)) == before


def test_unpin_and_drop_last_reference_then_rw_ok(guest: Any) -> None:
    """The pin and the entry above both count: only when both are gone may the frame be written again."""
    guest.remap(FREE, READ_ONLY)
    guest.pin(FREE, 1)
    guest.update(guest.L2, 5, guest.entry(FREE))
    assert guest.unpin(FREE) == 0
    assert guest.remap(FREE, READ_WRITE) == Errno.EBUSY
    assert guest.update(guest.L2, 5, 0) == 0
    assert guest.remap(FREE, READ_WRITE) == 0
    assert guest.state(FREE) == FrameState(FrameType.WRITABLE, 1, 2, validated=True)


def test_making_writable_what_is_writable_is_not_refused(guest: Any) -> None:
    assert guest.remap(FREE, READ_WRITE) == 0
    assert guest.state(FREE).count == 1


def test_the_rw_bits_of_upper_levels_do_not_matter_to_xen(guest: Any) -> None:
    """An L1 entry with RW counts as writable even under a read-only L2 entry."""
    guest.remap(FREE, READ_ONLY)
    guest.set(FREE, 0, guest.entry(FREE + 1, READ_WRITE))
    assert guest.update(guest.L2, 5, guest.entry(FREE, READ_ONLY)) == 0
    assert guest.state(FREE + 1).count == 2


# --- rules pin and unpin


def test_pin_twice_einval(guest: Any) -> None:
    guest.remap(FREE, READ_ONLY)
    assert guest.pin(FREE, 2) == 0
    assert guest.pin(FREE, 2) == Errno.EINVAL
    assert guest.said() == [f"mfn {guest.mfn(FREE):05x} already pinned"]
    assert guest.state(FREE).count == 1


def test_unpin_unpinned_einval(guest: Any) -> None:
    """Neither a live table without a pin nor an ordinary page can be unpinned."""
    for pfn in (guest.L1, FREE):
        assert guest.unpin(pfn) == Errno.EINVAL
        assert guest.said() == [f"mfn {guest.mfn(pfn):05x} not pinned"]


def test_pins_and_unpins_of_foreign_frames_are_refused(guest: Any) -> None:
    assert guest.xen.mmuext(1, 0x123) == Errno.EINVAL
    assert guest.xen.mmuext(MMUEXT_UNPIN_TABLE, 0x123) == Errno.EINVAL
    assert guest.said()[-1] == "mfn 00123 bad, or bad owner d0"


# --- rules validate-l1, validate-upper and devalidate


def test_l2_pin_with_l1_that_has_one_rw_alias_refused(guest: Any) -> None:
    """The L1 below is mapped writable somewhere: it cannot be validated, so neither can the L2."""
    l2, l1 = FREE, FREE + 1
    guest.remap(l2, READ_ONLY)
    guest.set(l2, 3, guest.entry(l1))
    assert guest.pin(l2, 2) == Errno.EINVAL
    assert guest.said() == [
        f"Bad type (saw e400000000000001 != exp 2000000000000000) for mfn {guest.mfn(l1):05x} (pfn {l1:05x})",
        "Attempt to create linear p.t. with write perms",
        "Failure -22 in promote_l2_table: slot 0x3",
        *guest.said()[3:],
    ]
    guest.remap(l1, READ_ONLY)
    assert guest.pin(l2, 2) == 0


def test_failed_validation_drops_what_it_took(guest: Any) -> None:
    """Recursive: the tables that had been validated below are none any more, and what they mapped is free again."""
    l3, l2, l1, page = FREE, FREE + 1, FREE + 2, FREE + 3
    for pfn in (l3, l2, l1):
        guest.remap(pfn, READ_ONLY)
    guest.set(l1, 0, guest.entry(page, READ_WRITE))
    guest.set(l1, 1, guest.entry(page, READ_ONLY))
    guest.set(l2, 0, guest.entry(l1))
    guest.set(l3, 0, guest.entry(l2))
    guest.set(l3, 9, guest.entry(page))
    before = [guest.state(pfn) for pfn in (l3, l2, l1, page)]
    assert guest.pin(l3, 3) == Errno.EINVAL
    assert "Failure -22 in promote_l3_table: slot 0x9" in guest.said()
    assert [guest.state(pfn) for pfn in (l3, l2, l1, page)] == before


def test_devalidation_is_recursive_and_keeps_what_is_held_otherwise(guest: Any) -> None:
    l2, kept, dropped, page = FREE, FREE + 1, FREE + 2, FREE + 3
    for pfn in (l2, kept, dropped):
        guest.remap(pfn, READ_ONLY)
    guest.set(dropped, 0, guest.entry(page, READ_WRITE))
    guest.set(l2, 0, guest.entry(kept))
    guest.set(l2, 1, guest.entry(dropped))
    assert guest.pin(l2, 2) == 0
    assert guest.pin(kept, 1) == 0
    assert guest.state(page).count == 2
    assert guest.unpin(l2) == 0
    assert [guest.state(pfn).count for pfn in (l2, kept, dropped, page)] == [0, 1, 0, 1]


def test_validation_adjusts_entries(guest: Any) -> None:
    """A 64-bit PV kernel runs in user mode: kernel entries are stored with USER and marked in bit 52."""
    guest.remap(FREE, READ_ONLY)
    guest.set(FREE, 0, guest.entry(FREE + 1, NX | 0x63))
    guest.set(FREE, 1, guest.entry(FREE + 1, 0x67))
    guest.set(FREE, 2, guest.entry(FREE + 1, 0x62))
    guest.pin(FREE, 1)
    flags = [guest.get(FREE, slot) & ~entry_of((1 << 40) - 1, 0) for slot in range(3)]
    assert flags == [NX | 1 << 52 | 0x67, GLOBAL | 0x67, 0x62]


def test_the_reserved_slots_of_a_root_are_not_looked_at_but_taken(guest: Any) -> None:
    guest.remap(FREE, READ_ONLY)
    guest.set(FREE, 256, entry_of(0x123, READ_WRITE))
    guest.set(FREE, 271, 0xDEAD)
    assert guest.pin(FREE, 4) == 0
    assert (guest.get(FREE, 256), guest.get(FREE, 271)) == (0, 0)


# --- rule linear-table


def test_recursive_ro_ok(guest: Any) -> None:
    """A root may contain itself, read-only, and takes no reference for it."""
    before = guest.state(guest.L4)
    assert guest.update(guest.L4, 300, guest.entry(guest.L4, READ_ONLY)) == 0
    assert guest.state(guest.L4) == before
    assert guest.update(guest.L4, 300, 0) == 0
    assert guest.state(guest.L4) == before


def test_recursive_rw_refused(guest: Any) -> None:
    """XSA-182: neither directly, nor by changing only the RW bit of a read-only linear entry."""
    writable = guest.entry(guest.L4, READ_WRITE)
    assert guest.update(guest.L4, 300, writable) == Errno.EINVAL
    assert guest.said() == ["Attempt to create linear p.t. with write perms"]
    assert guest.update(guest.L4, 300, guest.entry(guest.L4, READ_ONLY)) == 0
    assert guest.update(guest.L4, 300, writable) == Errno.EINVAL
    assert not guest.get(guest.L4, 300) & RW


def test_linear_tables_go_one_step_deep(guest: Any) -> None:
    """A table with linear entries cannot be used linearly itself, nor the other way round."""
    a, b, c = FREE, FREE + 1, FREE + 2
    for pfn in (a, b, c):
        guest.remap(pfn, READ_ONLY)
        assert guest.pin(pfn, 2) == 0
    assert guest.update(a, 0, guest.entry(b, READ_ONLY)) == 0
    assert guest.state(b).count == 2
    assert guest.update(b, 0, guest.entry(c, READ_ONLY)) == Errno.EINVAL
    assert guest.update(c, 0, guest.entry(a, READ_ONLY)) == Errno.EINVAL
    assert guest.update(a, 0, 0) == 0
    assert guest.update(b, 0, guest.entry(c, READ_ONLY)) == 0


def test_a_linear_entry_needs_a_table_that_is_validated(guest: Any) -> None:
    """Otherwise validation could wait for itself. A plain frame becomes a table one level down instead."""
    guest.remap(FREE, READ_ONLY)
    assert guest.update(guest.L2, 5, guest.entry(FREE, READ_ONLY)) == 0
    assert guest.state(FREE).type is FrameType.L1


# --- rule entry-flags


@pytest.mark.parametrize("flag", [PWT, PCD, PSE, GLOBAL])
def test_upper_entries_refuse_flags(guest: Any, flag: int) -> None:
    guest.remap(FREE, READ_ONLY)
    assert guest.update(guest.L2, 5, guest.entry(FREE, READ_WRITE | flag)) == Errno.EINVAL
    assert guest.said() == [f"Bad L2 flags {flag:x}"]
    guest.set(FREE, 0, guest.entry(FREE + 1, READ_WRITE | flag))
    assert guest.pin(FREE, 3) == Errno.EINVAL
    assert guest.said()[0] == f"Bad L3 flags {flag:x}"


def test_l1_entries_may_have_cache_attributes_but_not_the_grant_bit(guest: Any) -> None:
    assert guest.remap(FREE, READ_WRITE | PAT | PCD | PWT) == 0
    assert guest.remap(FREE, READ_WRITE | 1 << 62) == Errno.EINVAL
    assert guest.said() == ["Bad L1 flags 400000"]
    guest.remap(FREE, READ_ONLY)
    guest.set(FREE, 0, guest.entry(FREE + 1, PRESENT | 1 << 62))
    assert guest.pin(FREE, 1) == Errno.EINVAL


# --- rules owner and iomem


def test_foreign_frames_cannot_be_mapped_nor_be_tables(guest: Any) -> None:
    foreign = 0x123
    assert guest.xen.update_va_mapping(guest.va(FREE), entry_of(foreign, READ_ONLY)) == Errno.EBUSY
    assert guest.said()[0] == "pg_owner d0 l1e_owner d0, but real_pg_owner d-1"
    assert guest.said()[1].startswith("Error getting mfn 00123 (pfn ffffffffffffffff) from L1 entry ")
    assert guest.update(guest.L2, 5, entry_of(foreign, READ_WRITE)) == Errno.EINVAL
    assert guest.update(guest.L2, 5, entry_of(foreign, READ_ONLY)) == Errno.EINVAL


def test_the_invalid_frame_is_refused_without_a_word(guest: Any) -> None:
    assert guest.xen.update_va_mapping(guest.va(FREE), entry_of((1 << 40) - 1, READ_WRITE)) == Errno.EINVAL
    assert guest.said() == []


def test_io_memory_is_mapped_uncached_and_without_a_reference(make_guest: Callable[[Domain], Any]) -> None:
    guest = make_guest(Domain(nr_pages=64, iomem=((0xA0, 0x100),)))
    uncached = PWT | PCD
    for flags, stored in ((0, uncached), (PWT, uncached), (PWT | PAT, uncached), (PCD, PCD), (uncached, uncached)):
        assert guest.xen.update_va_mapping(guest.va(FREE), entry_of(0xB8, READ_WRITE | flags)) == 0
        assert guest.get(guest.L1, FREE) & (PWT | PCD | PAT) == stored
        assert guest.get(guest.L1, FREE) >> 12 & 0xFFFF == 0xB8
    assert guest.remap(FREE, READ_WRITE) == 0
    assert guest.state(FREE).count == 1


def test_io_memory_can_be_mapped_in_the_name_of_the_io_domain_and_ram_cannot(
    make_guest: Callable[[Domain], Any],
) -> None:
    guest = make_guest(Domain(nr_pages=64, iomem=((0xA0, 0x100),)))
    pointer = (guest.mfn(guest.L1) << 12) + FREE * 8
    assert guest.xen.mmu_update(pointer, entry_of(0xB8, READ_WRITE), DOMID_IO) == 0
    assert guest.xen.mmu_update(pointer, guest.entry(FREE), DOMID_IO) == Errno.EBUSY
    assert guest.said()[0] == f"pg_owner d{DOMID_IO} l1e_owner d0, but real_pg_owner d0"


def test_a_special_page_can_be_mapped_writable_and_never_be_a_table(guest: Any) -> None:
    """The shared info page: Xen's own, given to the guest writable."""
    shared = guest.xen.domain.special_mfn(0)
    assert guest.xen.update_va_mapping(guest.va(FREE), entry_of(shared, READ_WRITE)) == 0
    assert guest.xen.frame_state(shared).count == 2
    guest.remap(FREE, READ_WRITE)
    assert guest.xen.mmuext(0, shared) == Errno.EINVAL
    assert guest.xen.m2p(shared) is None


def test_holes_have_no_frames(make_guest: Callable[[Domain], Any]) -> None:
    guest = make_guest(Domain(nr_pages=64, holes=((32, 40),)))
    assert guest.xen.p2m(35) is None
    below = guest.mfn(0) & ~7
    absent = [mfn for mfn in range(below, below + 64) if not guest.xen.owns(mfn)]
    assert len(absent) == 8
    assert all(guest.xen.m2p(mfn) is None for mfn in absent)
    assert guest.xen.update_va_mapping(guest.va(35), entry_of(absent[0], READ_WRITE)) == Errno.EBUSY
    with pytest.raises(KeyError):
        guest.xen.frame_state(absent[0])


# --- rules baseptr and user-baseptr


def test_a_new_base_pointer_takes_and_drops_a_root(guest: Any) -> None:
    guest.remap(FREE, READ_ONLY)
    guest.set(FREE, 272, guest.entry(guest.L3))
    assert guest.xen.mmuext(MMUEXT_NEW_BASEPTR, guest.mfn(FREE)) == 0
    assert (guest.state(FREE).count, guest.state(guest.L4).count) == (1, 1)
    assert guest.load(guest.va(FREE + 1)) == 0
    assert guest.unpin(guest.L4) == 0
    assert guest.remap(guest.L4, READ_WRITE) == 0
    assert guest.state(guest.L3).count == 1


def test_the_base_pointer_in_use_is_no_news(guest: Any) -> None:
    assert guest.xen.mmuext(MMUEXT_NEW_BASEPTR, guest.mfn(guest.L4)) == 0
    assert guest.state(guest.L4).count == 2


def test_what_is_no_root_cannot_be_the_base_pointer(guest: Any) -> None:
    assert guest.xen.mmuext(MMUEXT_NEW_BASEPTR, guest.mfn(guest.L3)) == Errno.EINVAL
    assert guest.said()[-1] == f"Error while installing new baseptr {guest.mfn(guest.L3):05x}"
    assert guest.xen.mmuext(MMUEXT_NEW_USER_BASEPTR, guest.mfn(FREE)) == Errno.EINVAL
    assert guest.said()[-1] == f"Error -22 installing new mfn {guest.mfn(FREE):05x}"


def test_the_user_base_pointer_can_be_taken_back(guest: Any) -> None:
    guest.remap(FREE, READ_ONLY)
    for _ in range(2):
        assert guest.xen.mmuext(MMUEXT_NEW_USER_BASEPTR, guest.mfn(FREE)) == 0
    assert guest.state(FREE).count == 1
    assert guest.xen.mmuext(MMUEXT_NEW_USER_BASEPTR, 0) == 0
    assert guest.state(FREE).count == 0


# --- what a refusal carries


def test_a_refusal_names_rule_frame_operation_and_caller(guest: Any) -> None:
    first = guest.xen.log
    guest.remap(guest.L1, READ_WRITE)
    guest.remap(guest.L2, READ_WRITE)
    lines = guest.xen.last_refusal()
    assert first == ()
    assert [line.rule for line in lines] == [RuleId.FRAME_TYPE, RuleId.WRITABLE_MAPPING, RuleId.WRITABLE_MAPPING]
    assert {(line.mfn, line.pfn, line.chain) for line in lines} == {
        (guest.mfn(guest.L2), Pfn(guest.L2), ("the_caller",))
    }
    assert len({line.operation for line in guest.xen.log}) == 2
