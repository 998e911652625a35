"""Updates of entries: by hypercall, by trapped write; descriptor tables."""

from typing import Any

import pytest
from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.machine import (
    ACCESSED,
    DIRTY,
    PRESENT,
    REAL,
    RW,
    USER,
    Geometry,
    GuestMemory,
    NotPresent,
    PtwrRefused,
    ReadOnlyWrite,
    entry_of,
)
from kpatch_tools.model.xen import (
    DOMID_IO,
    MMU_MACHPHYS_UPDATE,
    MMU_PT_UPDATE_PRESERVE_AD,
    MMUEXT_NEW_BASEPTR,
    MMUEXT_SET_LDT,
    Domain,
    Errno,
    FrameState,
    FrameType,
    Xen,
)

READ_WRITE = PRESENT | RW | USER
READ_ONLY = PRESENT | USER
FREE = 16


# --- rule mod-l1


def test_a_new_entry_takes_and_the_old_one_drops(guest: Any) -> None:
    assert guest.xen.update_va_mapping(guest.va(FREE), guest.entry(FREE + 1, READ_WRITE)) == 0
    assert (guest.state(FREE).count, guest.state(FREE + 1).count) == (0, 2)


def test_a_change_of_harmless_flags_takes_no_reference(guest: Any) -> None:
    """Accessed, dirty, global, the software bits and NX: even on an entry that could not be made anew."""
    before = guest.state(FREE)
    for flags in (ACCESSED, DIRTY, 1 << 9, 1 << 63, 1 << 8, 1 << 55):
        assert guest.remap(FREE, READ_WRITE | flags) == 0
        assert guest.get(guest.L1, FREE) & flags
    assert guest.state(FREE) == before


def test_preserve_ad_keeps_accessed_and_dirty(guest: Any) -> None:
    guest.remap(FREE, READ_WRITE | ACCESSED | DIRTY)
    assert guest.update(guest.L1, FREE, guest.entry(FREE, READ_ONLY), MMU_PT_UPDATE_PRESERVE_AD) == 0
    assert guest.get(guest.L1, FREE) & (ACCESSED | DIRTY | RW) == ACCESSED | DIRTY
    assert guest.update(guest.L1, FREE, guest.entry(FREE, READ_ONLY)) == 0
    assert guest.get(guest.L1, FREE) & (ACCESSED | DIRTY) == 0


def test_an_update_is_seen_by_the_next_access(guest: Any) -> None:
    guest.store(guest.va(FREE), 1)
    guest.store(guest.va(FREE + 1), 2)
    guest.xen.update_va_mapping(guest.va(FREE), guest.entry(FREE + 1, READ_ONLY))
    assert guest.load(guest.va(FREE)) == 2
    with pytest.raises(ReadOnlyWrite):
        guest.store(guest.va(FREE), 3)
    guest.xen.update_va_mapping(guest.va(FREE), 0)
    with pytest.raises(NotPresent):
        guest.load(guest.va(FREE))


# --- rule mod-upper


def test_l2_remap_is_seen_through_the_new_table_at_once(guest: Any) -> None:
    """XSA-286: after an L2 entry changes nothing is reached, checked or changed through the table that was there."""
    other = FREE
    guest.remap(other, READ_ONLY)
    guest.set(other, 17, guest.entry(18, READ_WRITE))
    guest.store(guest.va(17), 1)
    guest.store(guest.va(18), 2)
    assert guest.update(guest.L2, 0, guest.entry(other)) == 0
    assert guest.load(guest.va(17)) == 2
    with pytest.raises(NotPresent):
        guest.load(guest.va(18))
    assert guest.state(guest.L1).count == 0
    assert guest.xen.update_va_mapping(guest.va(17), guest.entry(20, READ_WRITE)) == 0
    assert guest.get(other, 17) & ~0xFFF & (1 << 52) - 1 == guest.entry(20, 0)


def test_l2_remap_to_a_linear_entry_has_no_l1_to_update(guest: Any) -> None:
    """XSA-286: an L2 entry that points back to the L2 itself shows tables as pages; its slots are not L1 entries."""
    assert guest.update(guest.L2, 5, guest.entry(guest.L2, READ_ONLY)) == 0
    va = REAL.page_offset + 5 * (1 << 21)
    assert guest.load(va) == guest.get(guest.L1, 0)
    assert guest.xen.update_va_mapping(va, guest.entry(FREE)) == Errno.EINVAL


def test_an_upper_entry_whose_rw_bit_goes_makes_pages_read_only(guest: Any) -> None:
    guest.store(guest.va(FREE), 1)
    assert guest.update(guest.L2, 0, guest.entry(guest.L1, READ_ONLY)) == 0
    with pytest.raises(ReadOnlyWrite):
        guest.store(guest.va(FREE), 2)
    assert guest.state(guest.L1).count == 1


@pytest.mark.parametrize("slot", [256, 271])
def test_xen_own_slots_cannot_be_updated(guest: Any, slot: int) -> None:
    assert guest.update(guest.L4, slot, 0) == Errno.EINVAL
    assert guest.said() == [f"L4 update in Xen-private area, slot {slot:#x}"]


# --- rules mmu-update, machphys-update, update-va-mapping


def test_a_frame_that_is_no_table_is_just_written(guest: Any) -> None:
    """Whatever the value, mapped writable or not at all."""
    for prepare in (READ_WRITE, READ_ONLY, 0):
        guest.remap(FREE, prepare)
        before = guest.state(FREE)
        assert guest.update(FREE, 3, 0xDEAD_BEEF_0000_0001 + prepare) == 0
        assert guest.get(FREE, 3) == 0xDEAD_BEEF_0000_0001 + prepare
        assert guest.state(FREE) == before


def test_the_command_is_in_the_low_bits_of_the_pointer(guest: Any) -> None:
    assert guest.update(FREE, 3, 0, 4) == Errno.ENOSYS
    assert guest.update(guest.L1, FREE, guest.entry(FREE, READ_ONLY), 3) == 0


def test_foreign_frames_cannot_be_updated(guest: Any) -> None:
    assert guest.xen.mmu_update(0x123 << 12, 0) == Errno.EINVAL
    assert guest.said()[-1] == "Could not get page for normal update"
    assert guest.xen.mmu_update(0x123 << 12 | MMU_MACHPHYS_UPDATE, 0) == Errno.EINVAL
    assert guest.said()[-1] == "Could not get page for mach->phys update"


def test_machphys_updates_are_what_m2p_answers(guest: Any) -> None:
    mfn = guest.mfn(FREE)
    assert guest.xen.m2p(mfn) == FREE
    assert guest.xen.mmu_update(mfn << 12 | MMU_MACHPHYS_UPDATE, 0x777) == 0
    assert guest.xen.m2p(mfn) == 0x777


def test_update_va_mapping_needs_an_l1_table_and_a_guest_address(guest: Any) -> None:
    for va in (REAL.page_offset + (1 << 21), REAL.page_offset + (1 << 30), 0, 0xFFFF_8000_0000_0000, 1 << 50):
        assert guest.xen.update_va_mapping(va, guest.entry(FREE)) == Errno.EINVAL
    assert guest.xen.log == ()


def test_flushes_succeed(guest: Any) -> None:
    for command in (6, 7, 8, 9, 10, 11, 12):
        assert guest.xen.mmuext(command, guest.va(0)) == 0
    assert guest.xen.mmuext(14, 0) == Errno.ENOSYS
    assert guest.xen.mmuext(16, 0) == Errno.ENOSYS


# --- rules ptwr and write-protect


def test_ptwr_on_l1_ok(guest: Any) -> None:
    """A store to a read-only mapped, validated L1 table is an update of its entry."""
    guest.store(guest.va(guest.L1) + FREE * 8, guest.entry(FREE + 1, READ_WRITE))
    assert (guest.state(FREE).count, guest.state(FREE + 1).count) == (0, 2)
    guest.store(guest.va(FREE), 5)
    assert guest.load(guest.va(FREE + 1)) == 5


@pytest.mark.parametrize("table", [0, 1, 2])
def test_ptwr_on_upper_levels_refused(guest: Any, table: int) -> None:
    with pytest.raises(ReadOnlyWrite) as caught:
        guest.store(guest.va(table), 0)
    assert caught.value.frame is not None
    assert (caught.value.frame.pfn, caught.value.frame.table_level) == (table, 4 - table)
    assert caught.value.frame.what.startswith(f"a live L{4 - table} page table")


def test_a_write_to_a_left_over_read_only_page_faults(guest: Any) -> None:
    guest.remap(FREE, READ_ONLY)
    with pytest.raises(ReadOnlyWrite) as caught:
        guest.store(guest.va(FREE), 0)
    assert caught.value.frame is not None
    assert caught.value.frame.table_level == 0
    assert caught.value.frame.what == "not a page table, 0 writable mappings"


def test_ptwr_takes_any_value_that_is_not_present(guest: Any) -> None:
    """Zero included: a memset over a live L1 table wipes it entry by entry, until it clears its own mapping."""
    with pytest.raises(NotPresent) as caught:
        guest.memory.write(guest.va(guest.L1), bytes(4096))
    assert caught.value.va == guest.va(guest.L1) + 8 * (guest.L1 + 1)
    assert [guest.get(guest.L1, pfn) for pfn in range(4)] == [0, 0, 0, 0]
    assert guest.state(guest.L1).count == 1


def test_ptwr_of_an_entry_xen_refuses_is_a_fault(guest: Any) -> None:
    with pytest.raises(PtwrRefused) as caught:
        guest.store(guest.va(guest.L1) + 8 * FREE, guest.entry(guest.L2, READ_WRITE))
    fault = caught.value
    assert (fault.slot, fault.frame.pfn if fault.frame else None) == (FREE, guest.L1)
    assert fault.reason == guest.said()[0]
    assert fault.reason.startswith("Bad type (saw 4400000000000001 != exp e000000000000000)")
    assert guest.said()[-1] == "could not get_page_from_l1e()"


def test_a_table_that_maps_itself_writable_through_ptwr_is_refused(guest: Any) -> None:
    """The lock of the update shows in the printed type, as in Xen."""
    with pytest.raises(PtwrRefused) as caught:
        guest.store(guest.va(guest.L1) + 8 * guest.L1, guest.entry(guest.L1, READ_WRITE))
    assert caught.value.reason.startswith("Bad type (saw 3400000000000002 != exp e000000000000000)")


def test_ptwr_completes_parts_of_an_entry(guest: Any) -> None:
    """A four-byte or one-byte store keeps the rest of the entry."""
    va = guest.va(guest.L1) + 8 * FREE
    guest.store(va, guest.entry(FREE, READ_ONLY) & 0xFFFF_FFFF, 4)
    assert guest.state(FREE).count == 0
    guest.store(va, READ_WRITE, 1)
    assert guest.state(FREE) == FrameState(FrameType.WRITABLE, 1, 2, validated=True)


@pytest.mark.parametrize(("offset", "size"), [(3, 8), (1, 2), (2, 4)])
def test_ptwr_refuses_unaligned_stores(guest: Any, offset: int, size: int) -> None:
    before = guest.get(guest.L1, FREE)
    with pytest.raises(PtwrRefused, match="unaligned"):
        guest.store(guest.va(guest.L1) + 8 * FREE + offset, 0, size)
    assert guest.get(guest.L1, FREE) == before


def test_a_read_only_level_above_is_no_matter_for_ptwr(guest: Any) -> None:
    """Xen looks at the L1 entry alone; if that is writable, the fault is the guest's."""
    guest.update(guest.L2, 0, guest.entry(guest.L1, READ_ONLY))
    guest.store(guest.va(guest.L1) + 8 * FREE, 0)
    assert guest.get(guest.L1, FREE) == 0
    with pytest.raises(ReadOnlyWrite):
        guest.store(guest.va(FREE + 1), 0)


def test_ptwr_on_a_table_that_is_none_any_more(guest: Any) -> None:
    guest.remap(FREE, READ_ONLY)
    guest.pin(FREE, 1)
    guest.store(guest.va(FREE), 0)
    guest.unpin(FREE)
    with pytest.raises(ReadOnlyWrite):
        guest.store(guest.va(FREE), 0)


# --- descriptor tables


def test_ro_remap_then_descriptor_promotion(guest: Any) -> None:
    """XSA-298: a frame with a writable mapping cannot become a descriptor page; made read-only first, it can."""
    assert guest.xen.set_gdt((guest.mfn(FREE),), 512) == Errno.EINVAL
    assert guest.said()[0].startswith("Bad type (saw e400000000000001 != exp a000000000000000)")
    guest.remap(FREE, READ_ONLY)
    assert guest.xen.set_gdt((guest.mfn(FREE),), 512) == 0
    assert guest.state(FREE) == FrameState(FrameType.SEG_DESC, 1, 3, validated=True)
    assert guest.remap(FREE, READ_WRITE) == Errno.EBUSY
    assert guest.update(FREE, 0, 0) == Errno.EINVAL


def test_a_gdt_is_taken_whole_or_not_at_all_and_replaces_the_old_one(guest: Any) -> None:
    a, b = guest.mfn(FREE), guest.mfn(FREE + 1)
    guest.remap(FREE, READ_ONLY)
    assert guest.xen.set_gdt((a, b), 1024) == Errno.EINVAL
    assert guest.state(FREE).count == 0
    guest.remap(FREE + 1, READ_ONLY)
    assert guest.xen.set_gdt((a, b), 1024) == 0
    assert guest.xen.set_gdt((b,), 512) == 0
    assert (guest.state(FREE).count, guest.state(FREE + 1).count) == (0, 1)
    assert guest.xen.set_gdt((), 14 * 512 + 1) == Errno.EINVAL


def test_ldt_pages_are_referenced_when_touched(guest: Any) -> None:
    guest.remap(FREE, READ_ONLY)
    assert guest.xen.mmuext(MMUEXT_SET_LDT, guest.va(FREE), 600) == 0
    assert guest.state(FREE).count == 0
    assert guest.xen.touch_ldt(8)
    assert guest.state(FREE).type is FrameType.SEG_DESC
    assert not guest.xen.touch_ldt(600 * 8)
    assert not guest.xen.touch_ldt(4096)  # the next page is mapped writable: a descriptor there is a fault
    assert guest.xen.mmuext(MMUEXT_SET_LDT, 0, 0) == 0
    assert guest.state(FREE).count == 0


def test_a_new_base_pointer_drops_the_ldt(guest: Any) -> None:
    guest.remap(FREE, READ_ONLY)
    guest.remap(FREE + 1, READ_ONLY)
    guest.xen.mmuext(MMUEXT_SET_LDT, guest.va(FREE), 8)
    assert guest.xen.touch_ldt(0)
    assert guest.xen.mmuext(MMUEXT_NEW_BASEPTR, guest.mfn(FREE + 1)) == 0
    assert guest.state(FREE).count == 0


@pytest.mark.parametrize(("address", "entries"), [(0x1001, 1), (REAL.page_offset, 8193), (0xFFFF_8000_0000_0000, 1)])
def test_bad_ldts_are_refused(guest: Any, address: int, entries: int) -> None:
    assert guest.xen.mmuext(MMUEXT_SET_LDT, address, entries) == Errno.EINVAL
    assert guest.said() == [f"Bad args to SET_LDT: ptr={address:x}, ents={entries:x}"]


CODE = 0x00AF_9B00_0000_FFFF
"""A ring-0 code segment: acceptable, but not at that privilege."""
CALL_GATE = 0x0000_8C00_0010_0000
TSS = 0x0000_8900_0000_0067


@pytest.mark.parametrize(
    ("descriptor", "stored"),
    [
        (0, 0),
        (CODE & ~(1 << 47), CODE & ~(1 << 47)),
        (CODE, CODE | 3 << 45),
        (CALL_GATE, CALL_GATE | 3 << 16),
        (CALL_GATE | 1 << 32, None),
        (TSS, None),
        (1 << 47, 1 << 47),
    ],
)
def test_descriptors_are_checked_and_fixed_up(guest: Any, descriptor: int, stored: int | None) -> None:
    guest.remap(FREE, READ_ONLY)
    guest.set(FREE, 3, descriptor)
    outcome = guest.xen.set_gdt((guest.mfn(FREE),), 512)
    assert outcome == (Errno.EINVAL if stored is None else 0)
    if stored is not None:
        assert guest.get(FREE, 3) == stored


def test_single_descriptors_can_be_updated(guest: Any) -> None:
    """In a descriptor page and in a page that is only data; not in a page table."""
    guest.remap(FREE, READ_ONLY)
    guest.xen.set_gdt((guest.mfn(FREE),), 512)
    for pfn in (FREE, FREE + 1):
        before = guest.state(pfn)
        assert guest.xen.update_descriptor((guest.mfn(pfn) << 12) + 16, CODE) == 0
        assert guest.get(pfn, 2) == CODE | 3 << 45
        assert guest.state(pfn) == before
    assert guest.xen.update_descriptor(guest.mfn(guest.L1) << 12, CODE) == Errno.EINVAL
    assert guest.xen.update_descriptor(guest.mfn(FREE) << 12 | 4, CODE) == Errno.EINVAL
    assert guest.xen.update_descriptor(guest.mfn(FREE) << 12, TSS) == Errno.EINVAL
    assert guest.xen.update_descriptor(0x123 << 12, CODE) == Errno.EINVAL


# --- odds


def test_a_change_of_flags_above_l1_takes_no_reference(guest: Any) -> None:
    before = guest.state(guest.L1)
    for flags in (ACCESSED, DIRTY, 1 << 9, 1 << 63, 1 << 52):
        assert guest.update(guest.L2, 0, guest.entry(guest.L1, READ_WRITE | flags)) == 0
        assert guest.get(guest.L2, 0) & flags
    assert guest.state(guest.L1) == before


def test_other_domains_page_tables_are_out_of_reach(guest: Any) -> None:
    """Operations in another domain's name, the I/O domain's included, get no base pointer and no upper entry."""
    assert guest.xen.mmuext(MMUEXT_NEW_BASEPTR, guest.mfn(guest.L4), 0, DOMID_IO) == Errno.EPERM
    pointer = guest.mfn(guest.L2) << 12
    assert guest.xen.mmu_update(pointer, guest.entry(guest.L1), DOMID_IO) == Errno.EINVAL


def test_a_scaled_tables_padding_is_plain_memory() -> None:
    """On a scaled machine an entry is as large as its C type; Xen's rules are about its first word."""
    scaled = Geometry(level_bits=3, entry_words=64, reserved_l4_slots=range(4, 5))
    memory = GuestMemory(scaled)
    xen = Xen(memory, Domain(nr_pages=8))
    frames = [xen.p2m(pfn) or 0 for pfn in range(8)]
    for table in range(3):
        memory.frame(frames[table])[0] = entry_of(frames[table + 1], READ_WRITE)
    memory.frame(frames[3])[64] = entry_of(frames[3], READ_ONLY)
    assert xen.mmuext(MMUEXT_NEW_BASEPTR, frames[0]) == 0
    memory.accessors()["st8"](0x1008, 0x1234_5007)
    assert xen.mmu_update((frames[3] << 12) + 16, 0x1234_5007) == 0
    assert memory.frame(frames[3])[1] == memory.frame(frames[3])[2] == 0x1234_5007
    memory.accessors()["st8"](0x1000, entry_of(frames[5], READ_WRITE))
    assert xen.frame_state(frames[5]).count == 1


# --- for explanations


def test_watches_see_what_xen_writes(guest: Any) -> None:
    """Hypercalls, trapped writes and plain writes alike."""
    seen: list[int] = []
    guest.memory.watch(
        {(guest.mfn(guest.L1), FREE), (guest.mfn(FREE), 0)}, lambda _m, _w, value: seen.append(value & 7)
    )
    guest.remap(FREE, READ_ONLY)
    guest.store(guest.va(guest.L1) + 8 * FREE, 0)
    guest.update(FREE, 0, 6)
    guest.update(FREE, 1, 5)
    guest.remap(FREE + 1, 0)
    assert seen == [READ_ONLY, 0, 6]


def test_events_tell_the_life_of_a_table(guest: Any) -> None:
    events: list[tuple[str, int]] = []
    guest.xen._state.on_event = lambda event: events.append((event.what, event.mfn))
    guest.remap(FREE, READ_ONLY)
    guest.pin(FREE, 1)
    guest.unpin(FREE)
    mfn = guest.mfn(FREE)
    assert events == [("validated", mfn), ("pinned", mfn), ("unpinned", mfn), ("devalidated", mfn)]


def test_mappings_of_a_frame_are_found(guest: Any) -> None:
    guest.xen.update_va_mapping(guest.va(FREE + 1), guest.entry(FREE, READ_ONLY))
    found = {(mapping.slot, mapping.writable) for mapping in guest.xen.mappings_of(guest.mfn(FREE))}
    assert found == {(FREE, True), (FREE + 1, False)}
    assert {mapping.table for mapping in guest.xen.mappings_of(guest.mfn(FREE))} == {guest.mfn(guest.L1)}


def test_live_tables_are_the_four_of_the_builder(guest: Any) -> None:
    levels = {guest.xen.m2p(mfn): state.type.level for mfn, state in guest.xen.live_tables()}
    assert levels == {guest.L4: 4, guest.L3: 3, guest.L2: 2, guest.L1: 1}
    assert guest.xen.table_level(guest.mfn(guest.L2)) == 2
    assert guest.xen.table_level(0x123) == 0


def test_every_kind_of_frame_has_words(guest: Any) -> None:
    guest.remap(FREE, READ_ONLY)
    guest.xen.set_gdt((guest.mfn(FREE),), 512)
    words = [
        guest.xen.describe(mfn).what for mfn in (guest.mfn(guest.L4), guest.mfn(FREE), guest.mfn(FREE + 1), Mfn(9))
    ]
    assert words == [
        "a live L4 page table (type count 2, pinned)",
        "a descriptor page (type count 1)",
        "not a page table, 1 writable mapping",
        "mfn 00009, not a frame of the domain",
    ]
    assert entry_of(1, 0) == 4096
