"""Walks, and a TLB that is never stale."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.machine import PRESENT, REAL, RW, USER, Geometry, GuestMemory, Paging, ReadOnlyWrite, entry_of

MapPages = Callable[..., int]
ALL = PRESENT | RW | USER


def test_a_walk_ends_at_the_leaf(memory: GuestMemory, map_pages: MapPages) -> None:
    base = map_pages(entry_of(9, ALL), entry_of(8, PRESENT))
    first, second = memory.paging.walk(base), memory.paging.walk(base + 0x1000)
    assert (first.mapped, first.mfn, first.table, first.word, first.writable) == (True, 9, 4, 0, True)
    assert (second.mapped, second.mfn, second.word, second.writable) == (True, 8, 1, False)


def test_a_walk_names_the_level_that_ends_it(memory: GuestMemory, map_pages: MapPages) -> None:
    base = map_pages()
    levels = [memory.paging.walk(va).level for va in (base, base + (1 << 21), base + (1 << 30), 0, 1 << 50)]
    assert levels == [1, 2, 3, 4, 0]
    assert not memory.paging.walk(base).mapped


def test_without_a_root_nothing_is_mapped(memory: GuestMemory) -> None:
    assert memory.paging.walk(REAL.page_offset).level == 0


def test_a_level_above_without_rw_makes_the_page_read_only(memory: GuestMemory, map_pages: MapPages) -> None:
    """The processor needs the RW bit on every level."""
    base = map_pages(entry_of(9, ALL))
    memory.frame(3)[0] = entry_of(4, PRESENT | USER)
    assert not memory.paging.walk(base).writable
    assert [piece.writable for piece in memory.paging.leaves(base, base + 0x1000)] == [False]


def test_a_page_read_first_is_no_more_writable_for_it(memory: GuestMemory, map_pages: MapPages) -> None:
    """The read fills the TLB; the write must still meet the level that forbids it."""
    base = map_pages(entry_of(9, ALL))
    memory.frame(3)[0] = entry_of(4, PRESENT | USER)
    assert memory.accessors()["ld8"](base) == 0
    for _ in range(2):
        with pytest.raises(ReadOnlyWrite):
            memory.accessors()["st8"](base, 1)


def test_a_changed_l1_entry_is_seen_at_once_through_every_view(memory: GuestMemory, map_pages: MapPages) -> None:
    """One L1 table hooked in twice: both virtual pages lose their cached translation."""
    base = map_pages(entry_of(9, ALL))
    memory.frame(3)[1] = entry_of(4, ALL)
    load = memory.accessors()["ld8"]
    memory.frame(9)[0], memory.frame(8)[0] = 1, 2
    assert (load(base), load(base + (1 << 21))) == (1, 1)
    memory.frame(4)[0] = entry_of(8, ALL)
    memory.paging.entry_changed(4, 0, 1, entry_of(9, ALL))
    assert (load(base), load(base + (1 << 21))) == (2, 2)


def test_a_changed_upper_entry_is_seen_at_once(memory: GuestMemory, map_pages: MapPages) -> None:
    base = map_pages(entry_of(9, ALL))
    memory.frame(9)[0], memory.frame(8)[0] = 1, 2
    load = memory.accessors()["ld8"]
    assert load(base) == 1
    memory.frame(5)[0] = entry_of(8, ALL)
    memory.frame(3)[0] = entry_of(5, ALL)
    memory.paging.entry_changed(3, 0, 2, entry_of(4, ALL))
    assert load(base) == 2


def test_a_new_root_forgets_everything(memory: GuestMemory, map_pages: MapPages) -> None:
    base = map_pages(entry_of(9, ALL))
    assert memory.accessors()["ld8"](base) == 0
    memory.paging.load_root(Mfn(6))
    assert not memory.paging.readable
    assert memory.paging.walk(base).level == 4


def test_leaves_cover_the_range_in_order_with_holes(memory: GuestMemory, map_pages: MapPages) -> None:
    """Every page of the range belongs to exactly one piece; where no L1 table is, entries are 0."""
    base = map_pages(*(entry_of(0x100 + slot, ALL) for slot in range(512)))
    memory.frame(3)[2] = entry_of(4, ALL)
    start, end = base + 0x1FE000, base + 0x402000
    pieces = tuple(memory.paging.leaves(start, end))
    assert [(piece.va, piece.table, piece.first_slot, len(piece.entries)) for piece in pieces] == [
        (start, 4, 510, 2),
        (base + 0x200000, None, 0, 512),
        (base + 0x400000, 4, 0, 2),
    ]
    assert pieces[0].entries == (entry_of(0x100 + 510, ALL), entry_of(0x100 + 511, ALL))
    assert not any(pieces[1].entries)


TABLES = 8
CHANGES = st.lists(
    st.tuples(
        st.integers(1, TABLES),
        st.sampled_from([0, 1, 15]),
        st.integers(1, TABLES),
        st.sampled_from([0, PRESENT, PRESENT | RW]),
    ),
    max_size=30,
)


@given(CHANGES, st.lists(st.tuples(*(st.sampled_from([0, 1, 15]) for _ in range(4))), min_size=1, max_size=6))
def test_a_walk_is_that_of_a_machine_that_remembers_nothing(
    changes: list[tuple[int, int, int, int]], slots: list[tuple[int, ...]]
) -> None:
    """Whatever is changed in between, in tables used at several levels at once too."""
    geometry = Geometry(level_bits=4, reserved_l4_slots=range(0))
    paging = Paging(geometry)
    paging.load_root(Mfn(1))
    sign = geometry.va_bits - 1
    addresses = []
    for four in slots:
        va = sum(slot << 12 + 4 * level for level, slot in enumerate(four))
        addresses.append(va | (((1 << 64 - sign) - 1) << sign if va >> sign else 0))
    for table, slot, target, flags in changes:
        old = paging.frame(table)[slot]
        paging.frame(table)[slot] = entry_of(target, flags)
        # The table may be of any level: all that it may be is told.
        for level in (4, 3, 2, 1):
            paging.entry_changed(table, slot, level, old)
        fresh = Paging(geometry)
        fresh.frames.update(paging.frames)
        for va in addresses:
            fresh.load_root(Mfn(1))
            assert paging.walk(va) == fresh.walk(va)
            assert paging.fill(va) == fresh.walk(va)


def test_another_root_is_another_walk(memory: GuestMemory, map_pages: MapPages) -> None:
    base = map_pages(entry_of(9, ALL))
    assert memory.paging.walk(base).mfn == 9
    memory.paging.load_root(Mfn(5))
    assert memory.paging.walk(base).level == 4
