"""The picture of one or two histories, as figures: what a template draws, without any markup."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from kpatch_tools.model.layouts import PAGE_SIZE, Layout, MemoryType

from .columns import Column, arrange, states_in
from .recorder import History, Moment
from .snapshot import Access, Run, Use

USES = {
    Use.ABSENT: "no memory",
    Use.FIRMWARE: "not RAM (firmware, reserved by the map)",
    Use.FREE: "free",
    Use.RESERVED: "reserved",
    Use.KERNEL: "kernel image",
    Use.L1: "L1 page table",
    Use.L2: "L2 page table",
    Use.L3: "L3 page table",
    Use.L4: "L4 page table",
}
ACCESSES = {Access.NONE: "not mapped", Access.READ_ONLY: "read-only", Access.WRITABLE: "writable"}

_LETTERS_FIT, _LETTERS_FIT_NARROW = 2.4, 4.2
_CHARACTER, _CHARACTER_NARROW = 1.35, 2.0
"""Percent of the line that a character of a label takes, on a wide and on a narrow line."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of a strip; `x` and `width` in percent. `letters`: empty where none fit, `roomy`: on wide lines only."""

    x: float
    width: float
    use: Use
    access: Access
    title: str
    letters: str = ""
    roomy: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something over the line: "used" and "spare" parts of the table buffer, and "page", the violating one."""

    x: float
    width: float
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """A word at `x` percent; `roomy`: on wide lines only, `cramped`: on narrow ones. `anchor` is SVG's text-anchor."""

    x: float
    text: str
    anchor: str = "middle"
    roomy: bool = False
    cramped: bool = False


@dataclass(frozen=True, slots=True)
class Strip:
    """One moment of one side."""

    moment: Moment
    cells: tuple[Cell, ...]
    marks: tuple[Mark, ...]
    changes: tuple[tuple[str, str], ...]
    """Since the moment before of the same side, as text: which pages, and what they are now."""


@dataclass(frozen=True, slots=True)
class Row:
    """One moment, on each side; None where a side has no such moment, or has `ended` before it."""

    number: int
    strips: tuple[Strip | None, ...]
    ended: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """`regions` are names of places, `edges` their addresses; `pages` the labels of violating pages."""

    regions: tuple[Label, ...]
    edges: tuple[Label, ...]
    pages: tuple[Label, ...]
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]


def draw(layout: Layout, histories: Sequence[History]) -> Picture:
    """All histories on the same line of memory, their moments side by side in the order of happening."""
    faults = [history.run.fault for history in histories]
    pages = sorted({fault.pfn for fault in faults if fault is not None and fault.pfn is not None})
    columns = arrange(histories, pages)
    strips = [_strips(history, columns, pages) for history in histories]
    places = _places(layout, histories)
    return Picture(
        regions=_region_labels(places, columns),
        edges=_edge_labels(places, columns),
        pages=_page_labels(pages, columns),
        rows=_rows(strips, max((history.stages for history in histories), key=len)),
        columns=columns,
    )


def _strips(history: History, columns: Sequence[Column], pages: Sequence[int]) -> list[Strip]:
    fault = history.run.fault
    own = fault.pfn if fault is not None else None
    strips: list[Strip] = []
    before: tuple[Run, ...] = ()
    for moment in history.moments:
        marks = _buffer_marks(moment, columns)
        for page in pages:
            kind = "fault" if page == own and moment.kind == "fault" else "page"
            words = "the page of the fault" if page == own else "the page of the fault on the other side"
            marks.append(Mark(*_extent(columns, page, page + 1), kind, f"pfn {page:x}, {words}"))
        strips.append(Strip(moment, _cells(moment, columns), tuple(marks), _changes(before, moment.pages)))
        before = moment.pages
    return strips


def _cells(moment: Moment, columns: Sequence[Column]) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    first = 0
    shown: tuple[Use, Access] | None = None
    for number, column in enumerate(columns):
        states = states_in(moment, column)
        use, access = max(states, default=(Use.ABSENT, Access.NONE))
        if shown == (use, access) and len(states) < 2:
            old = cells.pop()
            start, width = old.x, column.x + column.width - old.x
        else:
            start, width, first = column.x, column.width, column.first
        mixed = " · ".join(f"{_count(pages)} {_words(*state)}" for state, pages in states.items())
        title = f"pfn {first:x}-{column.past - 1:x}, {_size(column.past - first)}: "
        title += mixed if len(states) > 1 else _words(use, access)
        letters = f"L{use.level}" if use.level and width >= _LETTERS_FIT else ""
        cells.append(Cell(start, round(width, 3), use, access, title, letters, width < _LETTERS_FIT_NARROW))
        shown = (use, access) if len(states) < 2 and number < len(columns) else None
    return tuple(cells)


def _buffer_marks(moment: Moment, columns: Sequence[Column]) -> list[Mark]:
    buffer = moment.buffer
    if buffer is None or not buffer.top:
        return []
    first, end, top = buffer.names
    marks = []
    if buffer.end > buffer.start:
        place = _extent(columns, buffer.start, buffer.end)
        marks.append(Mark(*place, "used", f"{first} {buffer.start:x} to {end} {buffer.end:x}: handed out as tables"))
    if buffer.top > buffer.end:
        place = _extent(columns, buffer.end, buffer.top)
        marks.append(Mark(*place, "spare", f"{end} {buffer.end:x} to {top} {buffer.top:x}: spare"))
    return marks


def _rows(sides: Sequence[Sequence[Strip]], order: Sequence[str]) -> tuple[Row, ...]:
    if len(sides) == 1:
        return tuple(Row(number, (strip,), (False,)) for number, strip in enumerate(sides[0], 1))
    left, right = sides
    pairs: list[tuple[Strip | None, Strip | None]] = []
    before, after = ([_key(strip.moment) for strip in side] for side in (left, right))
    for what, i, past_i, j, past_j in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what == "equal":
            pairs += zip(left[i:past_i], right[j:past_j], strict=True)
        else:
            pairs += _interleaved(left[i:past_i], right[j:past_j], order)
    last = [max(number for number, pair in enumerate(pairs) if pair[side] is not None) for side in (0, 1)]
    return tuple(Row(number + 1, pair, (number > last[0], number > last[1])) for number, pair in enumerate(pairs))


def _interleaved(
    left: Sequence[Strip], right: Sequence[Strip], order: Sequence[str]
) -> list[tuple[Strip | None, Strip | None]]:
    """Moments that only one side has, by the stages they are of; of one stage the left ones first."""
    alone: list[tuple[Strip | None, Strip | None]] = [(strip, None) for strip in left]
    alone += [(None, strip) for strip in right]
    places = {stage: number for number, stage in enumerate(order)}

    def place(pair: tuple[Strip | None, Strip | None]) -> int:
        return next(places.get(strip.moment.stage, len(places)) for strip in pair if strip is not None)

    return sorted(alone, key=place)


def _key(moment: Moment) -> tuple[str, str]:
    """What makes moments of two sides the same; both ways of coming to the end of a boot are one."""
    return moment.stage, "end" if moment.stage == "end of boot" else moment.kind


def _changes(before: tuple[Run, ...], now: tuple[Run, ...]) -> tuple[tuple[str, str], ...]:
    old = {(run.first, run.past, run.use, run.access) for run in before}
    return tuple(
        (f"{run.first:x}-{run.past - 1:x}", _words(run.use, run.access))
        for run in now
        if (run.first, run.past, run.use, run.access) not in old
    )


# --- the line's labels

Place = tuple[int, int, str]
"""first pfn, past pfn, name"""


def _places(layout: Layout, histories: Sequence[History]) -> list[Place]:
    """The line in pieces that have a name, in order and without gaps."""
    moments = [moment for history in histories for moment in history.moments]
    size = max((run.past for moment in moments for run in moment.pages), default=0)
    named: list[Place] = []
    for moment in moments[-1:]:
        kernel = [run for run in moment.pages if run.use is Use.KERNEL]
        if kernel:
            named.append((kernel[0].first, kernel[-1].past, "kernel"))
    for start, top in sorted(
        {(moment.buffer.start, moment.buffer.top) for moment in moments if moment.buffer and moment.buffer.top}
    ):
        if not any(start < past and first < top for first, past, _ in named):
            named.append((start, top, "table buffer"))
    for entry in layout.ranges:
        first, past = entry.start // PAGE_SIZE, -(-entry.end // PAGE_SIZE)
        if entry.type is not MemoryType.USABLE and first >= 0x100:
            named.append((first, past, "hole"))
    pieces: list[Place] = []
    position = 0
    for first, past, name in sorted(named):
        if first > position:
            pieces.append((position, first, "RAM"))
        if past > position:
            pieces.append((max(first, position), past, name))
            position = past
    if position < size:
        pieces.append((position, size, "RAM"))
    return pieces


def _region_labels(places: Sequence[Place], columns: Sequence[Column]) -> tuple[Label, ...]:
    labels: list[Label] = []
    for first, past, name in places:
        x, width = _extent(columns, first, past)
        texts = (f"{name} {_size(past - first)}", name, name.removeprefix("table "))
        narrow = next((text for text in texts if len(text) * _CHARACTER_NARROW <= width), "")
        wide = next((text for text in texts if len(text) * _CHARACTER <= width), "")
        middle = round(x + width / 2, 3)
        if narrow and narrow != wide:
            labels.append(Label(middle, narrow, cramped=True))
        if wide:
            labels.append(Label(middle, wide, roomy=narrow != wide))
    return tuple(labels)


def _page_labels(pages: Sequence[int], columns: Sequence[Column]) -> tuple[Label, ...]:
    """One label a page; neighbours that have no room beside each other share one."""
    labels: list[Label] = []
    for page in pages:
        x = _middle(columns, page)
        last = labels[-1] if labels else None
        if last is not None and x - last.x < (len(last.text) + 2) * _CHARACTER_NARROW:
            labels[-1] = Label(last.x, f"{last.text}, {page:x}", last.anchor)
        else:
            labels.append(Label(x, f"pfn {page:x}", _anchor(x)))
    return tuple(labels)


def _edge_labels(places: Sequence[Place], columns: Sequence[Column]) -> tuple[Label, ...]:
    """Addresses, those of buffers and holes before others, as many as do not touch each other."""
    wanted = sorted(
        {first: name for first, _, name in places}.items(), key=lambda item: (item[1] != "table buffer", item[0])
    )
    whole = max((past for _, past, _ in places), default=0)
    narrow: list[tuple[float, float]] = []
    wide: list[tuple[float, float]] = []
    labels: list[Label] = []
    for pfn, _ in [*wanted, (whole, "")]:
        x = columns[-1].x + columns[-1].width if pfn >= whole else _extent(columns, pfn, pfn + 1)[0]
        text = _address(pfn)
        anchor = _anchor(x)
        if _fits(x, len(text) * _CHARACTER, anchor, wide):
            roomy = not _fits(x, len(text) * _CHARACTER_NARROW, anchor, narrow)
            labels.append(Label(round(x, 3), text, anchor, roomy))
    return tuple(sorted(labels, key=lambda label: label.x))


def _fits(x: float, width: float, anchor: str, taken: list[tuple[float, float]]) -> bool:
    """Whether a label has room among those `taken`; if so it takes its place."""
    start = x if anchor == "start" else x - width if anchor == "end" else x - width / 2
    if any(start < end + 1 and begin < start + width + 1 for begin, end in taken):
        return False
    taken.append((start, start + width))
    return True


def _anchor(x: float) -> str:
    return "start" if x < 8 else "end" if x > 92 else "middle"


def _extent(columns: Sequence[Column], first: int, past: int) -> tuple[float, float]:
    """Where pages lie on the line: x and width; the inside of a column is divided evenly."""
    start = _x(columns, first)
    return round(start, 3), round(max(_x(columns, past) - start, 0.1), 3)


def _x(columns: Sequence[Column], pfn: int) -> float:
    for column in columns:
        if pfn < column.past:
            inside = max(0, pfn - column.first) / (column.past - column.first)
            return column.x + column.width * inside
    return columns[-1].x + columns[-1].width if columns else 0.0


def _middle(columns: Sequence[Column], pfn: int) -> float:
    x, width = _extent(columns, pfn, pfn + 1)
    return round(x + width / 2, 3)


# --- words


def _words(use: Use, access: Access) -> str:
    return f"{USES[use]}, {ACCESSES[access]}"


def _count(pages: int) -> str:
    return f"{pages} page{'' if pages == 1 else 's'}"


def _size(pages: int) -> str:
    """
    >>> [_size(pages) for pages in (1, 3, 0x100, 0x4B000, 0x100000, 0x13F5FA)]
    ['4 KiB', '12 KiB', '1 MiB', '1200 MiB', '4 GiB', '5 GiB']
    """
    size = pages * PAGE_SIZE
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB")):
        if size >= 4 * unit or size % unit == 0 or (name == "MiB" and size >= unit):
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size >> 10} KiB"


def _address(pfn: int) -> str:
    """
    >>> [_address(pfn) for pfn in (0, 0x1000, 0x49C00, 0x100000, 0x49BE4)]
    ['0', '16M', '1180M', '4G', '0x49be4000']
    """
    size = pfn * PAGE_SIZE
    if not size:
        return "0"
    for unit, name in ((1 << 30, "G"), (1 << 20, "M")):
        if size % unit == 0:
            return f"{size // unit}{name}"
    return f"{size:#x}"
