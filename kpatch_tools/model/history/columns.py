"""Pseudo-physical memory on a line: every change of state is visible, and nothing empty takes much room."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2

from .recorder import History, Moment
from .snapshot import Access, Run, Use

State = tuple[Use, Access]

_MOST = 64
"""More columns than these cannot be told apart on a page's width."""


@dataclass(frozen=True, slots=True)
class Column:
    """Pages `first` <= pfn < `past`, drawn from `x` on, `width` wide, both in percent of the line."""

    first: int
    past: int
    x: float
    width: float


def arrange(histories: Sequence[History], marked: Iterable[int]) -> tuple[Column, ...]:
    """One line for all moments of all `histories`; every `marked` page has a column of its own.

    A column's width grows with the logarithm of its pages. It gets more room if its state changes during the boot or
    if page tables are taken from it, less if it is the same all the time. Where there are too many, small neighbours
    share one.
    """
    moments = [moment for history in histories for moment in history.moments]
    own = sorted(set(marked))
    edges = _edges(moments, own)
    busy = {edge for edge in edges if _changes(moments, edge)}
    buffers = _buffers(moments)
    spans = _merged(list(pairwise(edges)), set(own))
    weights = [
        _weight(first, past, changes=any(first <= page < past for page in busy), close=_within(first, buffers))
        for first, past in spans
    ]
    whole = sum(weights) or 1.0
    columns: list[Column] = []
    x = 0.0
    for (first, past), weight in zip(spans, weights, strict=True):
        width = 100 * weight / whole
        columns.append(Column(first, past, round(x, 3), round(width, 3)))
        x += width
    return tuple(columns)


def states_in(moment: Moment, column: Column) -> dict[State, int]:
    """What the pages of `column` are at that moment: pages of each state, in the order of memory."""
    found: dict[State, int] = {}
    index = max(0, bisect_right(moment.pages, column.first, key=lambda run: run.first) - 1)
    while index < len(moment.pages) and moment.pages[index].first < column.past:
        run = moment.pages[index]
        pages = min(run.past, column.past) - max(run.first, column.first)
        if pages > 0:
            found[run.use, run.access] = found.get((run.use, run.access), 0) + pages
        index += 1
    return found


def _edges(moments: Sequence[Moment], own: Sequence[int]) -> list[int]:
    edges: set[int] = set()
    for moment in moments:
        for run in moment.pages:
            edges.update((run.first, run.past))
    size = max(edges, default=0)
    for first, past in _buffers(moments):
        edges.update((first, past))
    for page in own:
        edges.update((page, page + 1))
    return sorted(edge for edge in edges if 0 <= edge <= size)


def _buffers(moments: Sequence[Moment]) -> set[tuple[int, int]]:
    return {(one.buffer.start, one.buffer.top) for one in moments if one.buffer is not None and one.buffer.top}


def _changes(moments: Sequence[Moment], page: int) -> bool:
    states = {_state(moment.pages, page) for moment in moments}
    return len(states) > 1


def _state(pages: Sequence[Run], page: int) -> State | None:
    index = bisect_right(pages, page, key=lambda run: run.first) - 1
    if index < 0 or page >= pages[index].past:
        return None
    return pages[index].use, pages[index].access


def _merged(spans: list[tuple[int, int]], own: set[int]) -> list[tuple[int, int]]:
    """At most `_MOST` spans: the two smallest neighbours become one, as long as there are too many."""
    while len(spans) > _MOST:
        free = [
            number
            for number in range(len(spans) - 1)
            if spans[number][0] not in own and spans[number + 1][0] not in own
        ]
        if not free:
            break
        least = min(free, key=lambda number: (spans[number + 1][1] - spans[number][0], number))
        spans[least : least + 2] = [(spans[least][0], spans[least + 1][1])]
    return spans


def _weight(first: int, past: int, *, changes: bool, close: bool) -> float:
    weight = 1 + 0.25 * log2(past - first)
    if close:
        return weight * 2
    return weight * (1.2 if changes and past - first > 1 else 0.6)


def _within(page: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= page < past for first, past in ranges)
