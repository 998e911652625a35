"""What a template draws: cells, marks, labels and rows."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from kpatch_tools.core.ids import Pfn
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import Fault, ModelRun, Verdict, parse_layout
from kpatch_tools.model.history import Access, History, Moment, Run, Use, record
from kpatch_tools.model.history.strip import Picture, draw
from kpatch_tools.model.run import load_kernel

HOLE = parse_layout("1200M,hole=1180M+18M")


@pytest.fixture(scope="module")
def both(miniature: Callable[[str], BlobSource]) -> tuple[History, History]:
    """Without and with the hook."""
    first, second = (record(load_kernel(miniature(one)), HOLE, say=lambda _text: None) for one in ("12", "13"))
    return first, second


@pytest.fixture(scope="module")
def picture(both: tuple[History, History]) -> Picture:
    return draw(HOLE, both)


def test_moments_stand_side_by_side_and_in_order(both: tuple[History, History], picture: Picture) -> None:
    for side, history in enumerate(both):
        shown = [row.strips[side].moment for row in picture.rows if row.strips[side] is not None]  # type: ignore[union-attr]
        assert shown == list(history.moments)
    pairs = [row.strips for row in picture.rows]
    (only,) = [right for left, right in pairs if left is None]
    assert only is not None
    assert only.moment.kind == "writable"
    assert all(left.moment.stage == right.moment.stage for left, right in pairs if left and right)


def test_the_last_row_has_both_ends(picture: Picture) -> None:
    ends = [strip.moment.kind for strip in picture.rows[-1].strips if strip is not None]
    assert ends == ["fault", "end"]


def test_cells_fill_the_line(picture: Picture) -> None:
    for row in picture.rows:
        for strip in row.strips:
            if strip is None:
                continue
            assert strip.cells[0].x == 0
            for one, other in zip(strip.cells, strip.cells[1:], strict=False):
                assert abs(one.x + one.width - other.x) < 0.01
                assert (one.use, one.access) != (other.use, other.access) or "·" in one.title + other.title
            assert abs(strip.cells[-1].x + strip.cells[-1].width - 100) < 0.1


def test_the_page_of_the_fault_is_marked_on_both_sides(both: tuple[History, History], picture: Picture) -> None:
    fault = both[0].run.fault
    assert fault is not None
    assert [label.text for label in picture.pages] == [f"pfn {fault.pfn:x}"]
    last = [
        [mark for mark in strip.marks if mark.kind in ("page", "fault")] for strip in picture.rows[-1].strips if strip
    ]
    assert [[mark.kind for mark in marks] for marks in last] == [["fault"], ["page"]]
    assert "other side" in last[1][0].title


def test_the_buffer_is_marked_with_its_own_names(picture: Picture) -> None:
    (row,) = [row for row in picture.rows if row.strips[1] is not None and row.strips[1].moment.kind == "writable"]
    assert row.strips[1] is not None
    marks = {mark.kind: mark for mark in row.strips[1].marks}
    assert "pgt_buf_start" in marks["used"].title
    assert "pgt_buf_top" in marks["spare"].title
    assert marks["used"].x + marks["used"].width == pytest.approx(marks["spare"].x, abs=0.01)


def test_labels_keep_their_distance(picture: Picture) -> None:
    def extents(narrow: bool) -> list[tuple[float, float]]:
        size = 2.0 if narrow else 1.2
        shown = [label for label in picture.edges if not (narrow and label.roomy)]
        starts = {"start": 0.0, "middle": 0.5, "end": 1.0}
        return [
            (
                label.x - starts[label.anchor] * len(label.text) * size,
                label.x + (1 - starts[label.anchor]) * len(label.text) * size,
            )
            for label in shown
        ]

    for narrow in (False, True):
        found = sorted(extents(narrow))
        assert all(one[1] < other[0] for one, other in pairwise(found))


def test_places_have_names(picture: Picture) -> None:
    words = " ".join(label.text for label in picture.regions)
    for name in ("kernel", "RAM", "table buffer", "hole"):
        assert name in words


def test_changes_tell_the_whole_story(both: tuple[History, History], picture: Picture) -> None:
    """From the changes alone every moment can be rebuilt."""
    size = both[1].moments[0].pages[-1].past
    state: list[str | None] = [None] * size
    for row in picture.rows:
        strip = row.strips[1]
        if strip is None:
            continue
        for pages, words in strip.changes:
            first, last = (int(part, 16) for part in pages.split("-"))
            state[first : last + 1] = [words] * (last + 1 - first)
        for run in strip.moment.pages:
            assert state[run.first] == state[run.past - 1]
            assert (state[run.first] or "").startswith("free") == (run.use is Use.FREE)


def test_one_history_alone_is_one_column_of_strips(both: tuple[History, History]) -> None:
    alone = draw(HOLE, both[:1])
    assert [len(row.strips) for row in alone.rows] == [1] * len(both[0].moments)


def test_the_picture_is_the_same_every_time(both: tuple[History, History], picture: Picture) -> None:
    assert draw(HOLE, both) == picture


def test_moments_that_one_side_lacks_stand_where_they_happened(miniature: Callable[[str], BlobSource]) -> None:
    """Without the hook this machine dies after map-memory; what the hook did there comes before that."""
    layout = parse_layout("4160M,hole=64M+4032M,noacpi")
    histories = [record(load_kernel(miniature(one)), layout, say=lambda _text: None) for one in ("12", "13")]
    picture = draw(layout, histories)
    stages = list(histories[1].stages)
    shown = [next(strip.moment.stage for strip in row.strips if strip is not None) for row in picture.rows]
    assert [stages.index(stage) for stage in shown] == sorted(stages.index(stage) for stage in shown)
    fault = next(
        number for number, row in enumerate(picture.rows) if row.strips[0] and row.strips[0].moment.kind == "fault"
    )
    assert not any(row.ended[0] for row in picture.rows[: fault + 1])
    assert all(row.ended[0] for row in picture.rows[fault + 1 :])
    assert len(picture.rows) > fault + 1
    assert not any(row.ended[1] for row in picture.rows)


@pytest.mark.parametrize(("distance", "labels"), [(1, 1), (1 << 16, 2)])
def test_pages_close_together_share_a_label(distance: int, labels: int) -> None:
    """Two sides may fail on pages side by side."""
    runs = tuple(Run(first, first + 16, Use.FREE, Access.WRITABLE) for first in range(0, 1 << 17, 16))
    pages = [0x100, 0x100 + distance]
    histories = [
        History(
            ModelRun(layout=HOLE, verdict=Verdict.CRASH, fault=Fault("panic", "", "map-memory", pfn=Pfn(page))),
            (Moment("map-memory", "fault", "", runs, None),),
        )
        for page in pages
    ]
    found = draw(HOLE, histories).pages
    assert len(found) == labels
    assert " ".join(label.text for label in found).count(f"{pages[1]:x}") == 1
