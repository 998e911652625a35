"""A snapshot says of every page what it is for and how it is mapped."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import ModelRun, parse_layout
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.history import Access, Run, Use, snapshot
from kpatch_tools.model.run import boot, load_kernel

LAYOUT = "1200M,hole=1180M+18M"


@pytest.fixture(scope="module")
def broken(miniature: Callable[[str], BlobSource]) -> tuple[Guest, ModelRun]:
    """The miniature without the hook, at the end of a boot that leaves spare pages read-only."""
    guest = load_kernel(miniature("12"))
    return guest, boot(guest, parse_layout(LAYOUT))


def at(pages: tuple[Run, ...], pfn: int) -> tuple[Use, Access]:
    (found,) = [run for run in pages if run.first <= pfn < run.past]
    return found.use, found.access


def test_runs_cover_all_pages_in_order_and_differ_from_their_neighbours(broken: tuple[Guest, ModelRun]) -> None:
    pages = snapshot(broken[0])
    assert pages[0].first == 0
    assert pages[-1].past == 1200 << 8
    for one, other in pairwise(pages):
        assert one.past == other.first
        assert (one.use, one.access) != (other.use, other.access)


def test_places_are_what_the_map_says(broken: tuple[Guest, ModelRun]) -> None:
    pages = snapshot(broken[0])
    assert at(pages, 0x200) == (Use.FREE, Access.WRITABLE)
    assert at(pages, 0x1000) == (Use.KERNEL, Access.WRITABLE)
    assert at(pages, 0xC0)[0] is Use.FIRMWARE
    assert at(pages, 1181 << 8)[0] is Use.FIRMWARE


def test_tables_are_told_by_level_and_are_read_only(broken: tuple[Guest, ModelRun]) -> None:
    guest, run = broken
    pages = snapshot(guest)
    found = {use for use, _ in (at(pages, pfn) for pfn in range(run.tables[0].start >> 12, run.tables[0].end >> 12))}
    assert {Use.L1, Use.L2} <= found <= {Use.L1, Use.L2, Use.L3}
    assert all(run.access is Access.READ_ONLY for run in pages if run.use.level)


def test_pages_left_over_are_free_and_read_only(broken: tuple[Guest, ModelRun]) -> None:
    guest, run = broken
    pages = snapshot(guest)
    found = {
        pfn
        for one in pages
        if (one.use, one.access) == (Use.FREE, Access.READ_ONLY)
        for pfn in range(one.first, one.past)
    }
    assert found == set(run.free_read_only)


def test_looking_changes_nothing(broken: tuple[Guest, ModelRun]) -> None:
    assert snapshot(broken[0]) == snapshot(broken[0])


def test_memory_without_pages_is_absent(miniature: Callable[[str], BlobSource]) -> None:
    from kpatch_tools.model import layout_from_json

    text = b'{"e820": ["0-9f000 usable", "100000-4000000 usable", "100000000-104000000 usable"], "pages": 16384}'
    guest = load_kernel(miniature("13"))
    boot(guest, layout_from_json(text))
    pages = snapshot(guest)
    assert at(pages, 0x50000)[0] is Use.ABSENT
    assert at(pages, 0x100000)[0] is Use.ABSENT


def test_before_the_first_page_table_nothing_is_mapped(miniature: Callable[[str], BlobSource]) -> None:
    guest = load_kernel(miniature("13"))
    seen: list[tuple[Run, ...]] = []
    boot(guest, parse_layout("64M"), lambda _event: seen.append(snapshot(guest)) if not seen else None)
    assert {run.access for run in seen[0]} == {Access.NONE}
    assert not any(run.use.level for run in seen[0])
