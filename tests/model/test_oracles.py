"""The sweep finds what a boot left behind, page by page, and the worst of it names the verdict."""

import pytest
from kpatch_tools.core.ids import Pfn
from kpatch_tools.model import TableRange, Verdict, parse_layout
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.memblocks import reserve, reserved_ranges
from kpatch_tools.model.machine import PRESENT, RW
from kpatch_tools.model.oracles import EndState, judge, sweep
from kpatch_tools.model.run import boot

SMALL = parse_layout("64M")
FREE = Pfn(0x2000)
"""A page in the middle of the layout that nothing has taken."""


@pytest.fixture
def booted(kernel: Guest) -> Guest:
    assert boot(kernel, SMALL).verdict is Verdict.OK
    return kernel


def set_direct_map(guest: Guest, pfn: int, clear: int) -> None:
    walk = guest.memory.paging.walk(guest.memory.geometry.page_offset + (pfn << 12))
    guest.memory.frame(walk.table)[walk.word] &= ~clear


def test_a_good_boot_leaves_nothing(booted: Guest) -> None:
    state = sweep(booted)
    assert state.free > 10_000
    assert (state.read_only, state.unreserved, state.unreachable) == ((), (), ())


def test_a_reserved_page_is_not_free(booted: Guest) -> None:
    before = sweep(booted).free
    reserve(booted, FREE << 12, (FREE + 3) << 12)
    assert sweep(booted).free == before - 3


def test_a_read_only_page_is_found(booted: Guest) -> None:
    set_direct_map(booted, FREE, RW)
    assert sweep(booted).read_only == (FREE,)


@pytest.mark.parametrize("pfn", [FREE & ~511, FREE | 511, FREE + 7])
@pytest.mark.parametrize("clear", [RW, PRESENT])
def test_one_bad_page_anywhere_among_good_ones_is_all_that_is_found(booted: Guest, pfn: int, clear: int) -> None:
    before = sweep(booted)
    set_direct_map(booted, pfn, clear)
    state = sweep(booted)
    assert state.free == before.free
    assert (state.read_only, state.unreachable) == (((pfn,), ()) if clear == RW else ((), (pfn,)))


def test_a_reserved_read_only_page_is_nobodys_business(booted: Guest) -> None:
    set_direct_map(booted, FREE, RW)
    reserve(booted, FREE << 12, (FREE + 1) << 12)
    assert sweep(booted).read_only == ()


def test_a_page_that_is_not_mapped_is_found(booted: Guest) -> None:
    set_direct_map(booted, FREE, PRESENT)
    assert sweep(booted).unreachable == (FREE,)


def test_a_page_that_maps_another_frame_is_found(booted: Guest) -> None:
    walk = booted.memory.paging.walk(booted.memory.geometry.page_offset + (FREE << 12))
    booted.memory.frame(walk.table)[walk.word] ^= 1 << 12
    assert sweep(booted).unreachable == (FREE,)


def test_a_read_only_level_above_counts(booted: Guest) -> None:
    geometry = booted.memory.geometry
    va = geometry.page_offset + (FREE << 12)
    frame = booted.memory.paging.root
    assert frame is not None
    for level in (4, 3):
        frame = booted.memory.frame(frame)[geometry.slot(va, level)] >> 12 & (1 << 40) - 1
    booted.memory.frame(frame)[geometry.slot(va, 2)] &= ~RW
    first = FREE & ~511
    assert sweep(booted).read_only == tuple(range(first, first + 512))


def test_a_live_table_in_free_memory_is_unreserved_and_not_read_only_as_well(kernel: Guest) -> None:
    run = boot(kernel, SMALL)
    (buffer,) = run.tables
    reserved = reserved_ranges(kernel)
    assert any(start <= buffer.start < end for start, end in reserved)
    kernel.call("memblock_x86_free_range", buffer.start, buffer.start + 0x2000)
    state = sweep(kernel)
    assert state.unreserved == (buffer.start >> 12, (buffer.start >> 12) + 1)
    assert state.read_only == ()


NOTHING = EndState(free=1, read_only=(), unreserved=(), unreachable=())
LEAKING = TableRange(0, 1 << 20, 0, 0x1000, 0x2000, leaked=0x1000)


@pytest.mark.parametrize(
    ("state", "tables", "verdict"),
    [
        (NOTHING, (), Verdict.OK),
        (NOTHING, (LEAKING,), Verdict.LEAK),
        (EndState(1, (Pfn(1),), (), ()), (LEAKING,), Verdict.RO_LEFT_OVER),
        (EndState(1, (Pfn(1),), (Pfn(2),), ()), (), Verdict.UNRESERVED),
        (EndState(1, (Pfn(1),), (Pfn(2),), (Pfn(3),)), (), Verdict.CRASH),
    ],
)
def test_the_worst_names_the_verdict(state: EndState, tables: tuple[TableRange, ...], verdict: Verdict) -> None:
    assert judge(state, tables) is verdict
