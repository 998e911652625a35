"""Memory on a line: complete, in order, every change visible, never too many columns."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.model import ModelRun, Verdict, parse_layout
from kpatch_tools.model.history import Access, History, Moment, Run, Use
from kpatch_tools.model.history.columns import arrange, states_in

LAYOUT = parse_layout("64M")


def moment(*runs: tuple[int, int, Use, Access]) -> Moment:
    return Moment("map-memory", "tables", "", tuple(Run(*run) for run in runs), None)


def history(*moments: Moment) -> History:
    return History(ModelRun(layout=LAYOUT, verdict=Verdict.OK), moments)


FREE, TABLE = (Use.FREE, Access.WRITABLE), (Use.L1, Access.READ_ONLY)


@st.composite
def histories(draw: st.DrawFn) -> History:
    size = draw(st.integers(1, 1 << 21))
    states = st.tuples(st.sampled_from(Use), st.sampled_from(Access))
    moments = []
    for _ in range(draw(st.integers(1, 4))):
        cuts = sorted(draw(st.sets(st.integers(1, size), max_size=90)) | {0, size})
        moments.append(moment(*((a, b, *draw(states)) for a, b in pairwise(cuts))))
    return history(*moments)


@given(histories(), st.integers(0, 1 << 21))
def test_the_line_is_whole_and_in_order(one: History, marked: int) -> None:
    size = one.moments[0].pages[-1].past
    columns = arrange([one], [min(marked, size - 1)])
    assert [columns[0].first, columns[-1].past] == [0, size]
    assert all(left.past == right.first for left, right in pairwise(columns))
    assert all(column.width > 0 for column in columns)
    assert abs(columns[-1].x + columns[-1].width - 100) < 0.1
    assert len(columns) <= 66


@given(histories())
def test_every_page_is_counted_once_a_moment(one: History) -> None:
    columns = arrange([one], [])
    for each in one.moments:
        assert sum(sum(states_in(each, column).values()) for column in columns) == each.pages[-1].past


@given(histories(), st.integers(0, 1 << 21))
def test_a_marked_page_has_its_own_column(one: History, page: int) -> None:
    page = min(page, one.moments[0].pages[-1].past - 1)
    assert any((column.first, column.past) == (page, page + 1) for column in arrange([one], [page]))


def test_a_change_at_any_moment_is_an_edge_for_all() -> None:
    one = history(moment((0, 100, *FREE)), moment((0, 40, *FREE), (40, 50, *TABLE), (50, 100, *FREE)))
    assert [column.first for column in arrange([one], [])] == [0, 40, 50]


def test_two_histories_share_one_line() -> None:
    one, other = history(moment((0, 100, *FREE))), history(moment((0, 70, *FREE), (70, 100, *TABLE)))
    assert arrange([one, other], []) == arrange([other, one], [])


def test_what_changes_gets_more_room_than_what_does_not() -> None:
    one = history(
        moment((0, 100, *FREE), (100, 200, *TABLE), (200, 300, *FREE)),
        moment((0, 100, *FREE), (100, 200, *TABLE), (200, 300, *TABLE)),
    )
    still, changing = arrange([one], [])[1:]
    assert changing.width > still.width
