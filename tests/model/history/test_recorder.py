"""A history has the moments that matter, in order, and is the same every time."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.model import Verdict, parse_layout
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.history import Access, History, Use, record
from kpatch_tools.model.run import boot, load_kernel

Miniature = Callable[[str], BlobSource]
Edited = Callable[[BlobSource, Mapping[str, tuple[str, str]]], BlobSource]
HOLE = parse_layout("1200M,hole=1180M+18M")


def history_of(source: BlobSource, text: str = "64M") -> History:
    return record(load_kernel(source), parse_layout(text), say=lambda _text: None)


@pytest.fixture(scope="module")
def good(miniature: Miniature) -> History:
    return history_of(miniature("13"), HOLE.name)


@pytest.fixture(scope="module")
def bad(miniature: Miniature) -> History:
    return history_of(miniature("06"), HOLE.name)


def test_a_good_boot_ends_well(good: History) -> None:
    assert good.run.verdict is Verdict.OK
    assert (good.moments[-1].stage, good.moments[-1].kind) == ("end of boot", "end")


def test_the_hooks_doing_is_told_in_its_order(good: History) -> None:
    kinds = [moment.kind for moment in good.moments if moment.stage == "map-memory"]
    assert kinds == ["buffer", "tables", "reserved", "writable"]


def test_each_moment_shows_what_it_says(good: History) -> None:
    moments = {moment.kind: moment for moment in good.moments if moment.stage == "map-memory"}
    buffer = moments["writable"].buffer
    assert buffer is not None

    def access(kind: str, pfn: int) -> Access:
        (found,) = [run for run in moments[kind].pages if run.first <= pfn < run.past]
        return found.access

    assert access("buffer", buffer.start) is Access.NONE
    assert access("reserved", buffer.top - 1) is Access.READ_ONLY
    assert access("writable", buffer.top - 1) is Access.WRITABLE
    assert access("writable", buffer.end - 1) is Access.READ_ONLY


def test_counts_of_tables_are_true(good: History) -> None:
    moments = [moment for moment in good.moments if moment.stage == "map-memory"]
    before, after = moments[0], moments[1]
    new = {level: _pages(after.pages, level) - _pages(before.pages, level) for level in (1, 2)}
    assert after.what == f"new page tables: {new[2]} L2, {new[1]} L1"


def _pages(pages: tuple[object, ...], level: int) -> int:
    return sum(run.past - run.first for run in pages if run.use.level == level)  # type: ignore[attr-defined]


def test_what_comes_before_is_one_moment_a_stage(good: History) -> None:
    early = [moment.stage for moment in good.moments[: [one.kind for one in good.moments].index("buffer")]]
    assert len(early) == len(set(early))
    assert early[0] == "load-domain"


def test_messages_go_to_the_moment_after(good: History) -> None:
    said = [line for moment in good.moments for line in moment.said]
    assert said == [line for line in good.run.printk if line]


def test_a_fault_is_the_last_moment_and_names_the_request(bad: History) -> None:
    assert bad.run.verdict is Verdict.CRASH
    last = bad.moments[-1]
    assert (last.stage, last.kind) == ("map-memory", "fault")
    assert "MMUEXT_PIN_L1_TABLE" in last.what


def test_the_page_of_the_fault_is_writable_and_no_table_then(bad: History) -> None:
    assert bad.run.fault is not None
    pfn = bad.run.fault.pfn
    assert pfn is not None
    (found,) = [run for run in bad.moments[-1].pages if run.first <= pfn < run.past]
    assert (found.use, found.access) == (Use.FREE, Access.WRITABLE)


def test_the_writers_are_found_in_the_same_go(bad: History) -> None:
    assert bad.run.fault is not None
    (mapping,) = bad.run.fault.mappings
    last = mapping.writes[-1]
    assert (last.stage, last.value & 3) == ("map-memory", 3)
    assert last.buffer is not None
    assert last.buffer.names == ("pgt_buf_start", "pgt_buf_end", "pgt_buf_top")
    assert last.buffer.end <= (bad.run.fault.pfn or 0) < last.buffer.top
    assert [call.function for call in last.chain][-1] == "init_memory_mapping"
    assert bad.run.fault.buffer is not None
    assert bad.run.fault.buffer.end > last.buffer.end


def test_a_history_is_the_same_every_time(miniature: Miniature) -> None:
    guest = load_kernel(miniature("12"))
    first, second = (record(guest, parse_layout("64M"), say=lambda _text: None) for _ in range(2))
    assert first == second


def test_recording_leaves_the_verdict_alone(miniature: Miniature) -> None:
    guest = load_kernel(miniature("12"))
    plain = boot(guest, parse_layout("64M"))
    recorded = record(guest, parse_layout("64M"), say=lambda _text: None).run
    assert (recorded.verdict, recorded.tables, recorded.printk) == (plain.verdict, plain.tables, plain.printk)
    assert boot(guest, parse_layout("64M")) == plain


def test_an_older_tree_has_its_own_names(miniature: Miniature) -> None:
    history = history_of(miniature("01"))
    assert history.run.fault is not None
    assert history.run.fault.buffer is not None
    assert history.run.fault.buffer.names == ("e820_table_start", "e820_table_end", "e820_table_top")


def test_a_buffer_of_another_scheme_lies_where_that_scheme_puts_it(miniature: Miniature) -> None:
    history = history_of(miniature("23"))
    (place,) = {(one.buffer.start, one.buffer.top) for one in history.moments if one.buffer and one.buffer.top}
    assert 0x1000 <= place[0] < place[1] <= 0x1397


def test_a_tree_without_a_buffer_has_none(miniature: Miniature) -> None:
    source = miniature("13")
    renamed = {path: (source.read(path) or b"").replace(b"pgt_buf_", b"pool_") for path in source.paths("arch/x86")}
    history = history_of(Overlay(source, renamed))
    assert history.run.verdict is Verdict.OK
    assert {moment.buffer for moment in history.moments} == {None}
    assert any(moment.kind == "tables" for moment in history.moments)


def test_progress_is_told(kernel: Guest) -> None:
    said: list[str] = []
    record(kernel, parse_layout("64M"), say=said.append)
    assert len(said) == 2


def test_an_undetermined_boot_has_the_moments_up_to_there(miniature: Miniature, edited: Edited) -> None:
    source = edited(
        miniature("13"), {"arch/x86/mm/init.c": ("\tpgt_buf_start = ", '\tasm("hlt");\n\tpgt_buf_start = ')}
    )
    history = history_of(source)
    if history.run.verdict is Verdict.OK:
        pytest.skip("the translator knows this statement")
    assert history.run.verdict is Verdict.UNDETERMINED
    assert history.moments[-1].kind == "undetermined"
    assert history.run.reason in history.moments[-1].what
