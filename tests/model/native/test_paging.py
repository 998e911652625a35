"""Large pages, and translations that are kept until the guest asks for a flush."""

import pytest
from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.layouts import MIB, PAGE_SIZE, parse_layout
from kpatch_tools.model.machine import ACCESSED, NX, PRESENT, PSE, REAL, RW, GuestMemory, NotPresent, ReadOnlyWrite
from kpatch_tools.model.native.hardware import Hardware
from kpatch_tools.model.native.paging import NativePaging

BASE = REAL.page_offset
TABLE = PRESENT | RW
LARGE = PRESENT | RW | PSE


@pytest.fixture
def memory() -> GuestMemory:
    """Tables in frames 1 to 4: 2 MiB at BASE + 2 MiB → 6 MiB, 1 GiB at BASE + 1 GiB → 2 GiB, a page at BASE → 0x77."""
    memory = GuestMemory(paging=NativePaging(REAL))
    top, third, second, first = (memory.frame(mfn) for mfn in (1, 2, 3, 4))
    top[REAL.slot(BASE, 4)] = 2 << 12 | TABLE
    third[0] = 3 << 12 | TABLE
    third[1] = 0x8000_0000 | LARGE
    second[0] = 4 << 12 | TABLE
    second[1] = 6 * MIB | LARGE | NX
    first[0] = 0x77 << 12 | TABLE
    memory.paging.load_root(Mfn(1))
    return memory


def paging_of(memory: GuestMemory) -> NativePaging:
    assert isinstance(memory.paging, NativePaging)
    return memory.paging


@pytest.mark.parametrize(
    ("offset", "mfn"),
    [(0, 0x77), (2 * MIB, 0x600), (4 * MIB - 1, 0x7FF), (1024 * MIB, 0x80000), (2048 * MIB - PAGE_SIZE, 0xBFFFF)],
)
def test_a_walk_ends_at_a_large_page_and_names_the_small_one(memory: GuestMemory, offset: int, mfn: int) -> None:
    found = memory.paging.walk(BASE + offset)
    assert (found.mapped, found.writable, found.mfn) == (True, True, mfn)
    assert not found.entry & PSE


def test_nothing_is_mapped_beside_them(memory: GuestMemory) -> None:
    assert memory.paging.walk(BASE + 4 * MIB).level == 2
    assert memory.paging.walk(BASE + PAGE_SIZE).level == 1
    assert memory.paging.walk(BASE + 2048 * MIB).level == 3
    assert memory.paging.walk(1 << 60).level == 0


def test_memory_is_read_and_written_through_a_large_page(memory: GuestMemory) -> None:
    memory.write(BASE + 3 * MIB, b"hello")
    assert bytes(memory.frame(7 * MIB // PAGE_SIZE))[:5] == b"hello"
    assert memory.read(BASE + 3 * MIB, 5) == b"hello"


def test_a_large_page_may_be_read_only(memory: GuestMemory) -> None:
    memory.frame(3)[1] &= ~RW
    with pytest.raises(ReadOnlyWrite):
        memory.write(BASE + 2 * MIB, b"x")
    assert memory.read(BASE + 2 * MIB, 1) == b"\0"


def test_leaves_of_large_pages_are_those_of_their_small_ones(memory: GuestMemory) -> None:
    pieces = list(memory.paging.leaves(BASE, BASE + 6 * MIB))
    assert [(piece.table, len(piece.entries)) for piece in pieces] == [(4, 512), (3, 512), (None, 512)]
    large = pieces[1].entries
    assert [(entry >> 12) & 0xFFFFF for entry in (large[0], large[511])] == [0x600, 0x7FF]
    assert all(entry & (PRESENT | RW | PSE) == PRESENT | RW for entry in large)
    assert pieces[1].writable


def test_leaves_say_so_where_a_level_above_allows_no_writes(memory: GuestMemory) -> None:
    memory.frame(2)[0] &= ~RW
    assert [piece.writable for piece in memory.paging.leaves(BASE, BASE + 4 * MIB)] == [False, False]


def test_live_tables_are_what_the_root_leads_to(memory: GuestMemory) -> None:
    assert sorted(paging_of(memory).tables()) == [(1, 4), (2, 3), (3, 2), (4, 1)]
    memory.frame(1)[511] = 2 << 12 | TABLE
    assert sorted(paging_of(memory).tables()) == [(1, 4), (2, 3), (3, 2), (4, 1)]


def test_a_translation_is_kept_until_it_is_flushed(memory: GuestMemory) -> None:
    memory.read(BASE, 1)
    memory.frame(4)[0] = 0
    assert memory.read(BASE, 1) == b"\0"
    memory.paging.flush()
    with pytest.raises(NotPresent):
        memory.read(BASE, 1)


def test_the_guests_fault_handler_may_make_a_mapping(memory: GuestMemory) -> None:
    asked: list[int] = []

    def make(va: int) -> bool:
        asked.append(va)
        memory.frame(4)[1] = 0x78 << 12 | TABLE
        return True

    paging_of(memory).on_not_present = make
    memory.write(BASE + PAGE_SIZE, b"y")
    assert bytes(memory.frame(0x78))[:1] == b"y"
    assert asked == [BASE + PAGE_SIZE]
    with pytest.raises(NotPresent):
        memory.read(BASE + 2 * PAGE_SIZE, 1)
    memory.reset()
    assert paging_of(memory).on_not_present is None


def test_hardware_numbers_frames_as_pages(memory: GuestMemory) -> None:
    hardware = Hardware(memory, parse_layout("64M"))
    assert hardware.p2m(0x10) == hardware.m2p(0x10) == 0x10
    assert hardware.p2m(64 * MIB // PAGE_SIZE) is None
    assert hardware.last_refusal() == ()


def test_hardware_describes_frames_and_finds_who_maps_them(memory: GuestMemory) -> None:
    hardware = Hardware(memory, parse_layout("64M"))
    assert str(hardware.describe(3)).endswith("a live L2 page table")
    assert hardware.describe(3).table_level == 2
    assert "not a page table" in str(hardware.describe(0x77))
    memory.frame(4)[9] = 0x77 << 12 | PRESENT | ACCESSED
    assert [(one.table, one.slot, one.writable) for one in hardware.mappings_of(0x77)] == [
        (4, 0, True),
        (4, 9, False),
    ]
