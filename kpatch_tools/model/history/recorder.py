"""The history of a boot: its events grouped into moments, and a snapshot of the machine at each.

Boots are deterministic. So a boot is run once to see what happens and in which order, and once more to look at the
machine where something has just come to an end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kpatch_tools.model.boot.buffers import BufferValues, read_buffer
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.memblocks import reserved_ranges
from kpatch_tools.model.explain import format_pages
from kpatch_tools.model.layouts import PAGE_SIZE, Layout
from kpatch_tools.model.oracles import Verdict
from kpatch_tools.model.run import ModelRun, boot
from kpatch_tools.model.trace import BecameTable, Event, PageTaken, Printed, RightsChanged, StageBegun
from kpatch_tools.model.writers import Writers

from .snapshot import Run, snapshot

_PER_STAGE = 10
"""More moments of one stage than these are not shown one by one."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The machine when something has just happened.

    `kind` is stable: "stage-end", "buffer", "tables", "untabled", "reserved", "read-only", "writable", "taken",
    "fault", "undetermined", "end". `what` says it in words, `said` is what the kernel printed since the moment before.
    `buffer` are the table buffer's globals, None where the tree has none.
    """

    stage: str
    kind: str
    what: str
    pages: tuple[Run, ...]
    buffer: BufferValues | None
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """A run, its fault with all writes to the mappings involved, and its moments in order.

    `stages` are those that the boot entered, in order, and last the one in which it ended.
    """

    run: ModelRun
    moments: tuple[Moment, ...]
    stages: tuple[str, ...] = ()


@dataclass(slots=True)
class _Group:
    """Consecutive events of a kind. `last` is the number of the last of them."""

    stage: str
    kind: str
    last: int = 0
    pages: list[int] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    count: int = 0
    size: int = 0
    ranges: tuple[tuple[int, int], ...] = ()
    buffer: BufferValues | None = None

    def words(self) -> str:
        match self.kind:
            case "tables":
                levels = [f"{self.levels.count(level)} L{level}" for level in (4, 3, 2, 1) if level in self.levels]
                return f"new page tables: {', '.join(levels)}"
            case "untabled":
                return f"no page tables any more: pfn {_runs(self.pages)}"
            case "read-only" | "writable":
                return f"{_pages(len(self.pages))} made {self.kind}: pfn {_runs(self.pages)}"
            case "taken":
                also = f", {_pages(len(self.levels))} of it as page tables" if self.levels else ""
                return f"{self.count} allocation{_s(self.count)} from free memory, {_size(self.size)}{also}"
            case "reserved":
                return "reserved: " + ", ".join(f"{start:#x}-{end:#x}" for start, end in self.ranges[:3])
            case "buffer":
                assert self.buffer is not None
                spare = self.buffer.top - self.buffer.start
                return f"page-table buffer chosen: pfn {self.buffer.start:x}-{self.buffer.top - 1:x}, {_pages(spare)}"
            case _:
                return "done"


class _Log:
    """First boot: groups events."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._stage = ""
        self._number = 0
        self._taken: list[tuple[int, int]] = []
        self._reserved: frozenset[tuple[int, int]] = frozenset()
        self._buffer: tuple[int, int] | None = None
        self.groups: list[_Group] = []
        self.stages: list[str] = []

    def __call__(self, event: Event) -> None:
        self._number += 1
        self._poll()
        match event:
            case StageBegun(name):
                if self._stage:
                    self._group("stage-end", new=True)
                self._stage = name
                self.stages.append(name)
                self._taken = []
            case BecameTable(pfn, level):
                self._table(pfn, level)
            case RightsChanged(pfn, writable):
                if not writable and any(first <= pfn < past for first, past in self._taken):
                    return
                open_kind = self.groups[-1].kind if self.groups else ""
                if not writable and open_kind == "tables":
                    # A page is made read-only on its way to becoming a table.
                    self.groups[-1].last = self._number
                    return
                self._group("writable" if writable else "read-only").pages.append(pfn)
            case PageTaken(address, count):
                self._taken.append((address // PAGE_SIZE, -(-(address + count) // PAGE_SIZE)))
                group = self._group("taken")
                group.count += 1
                group.size += count

    def _table(self, pfn: int | None, level: int) -> None:
        if pfn is None:
            return
        if level and any(first <= pfn < past for first, past in self._taken):
            self._group("taken").levels.append(level)
        elif level:
            last = self.groups[-1] if self.groups else None
            if last is not None and last.kind == "read-only" and last.stage == self._stage and last.pages == [pfn]:
                self.groups.pop()
            group = self._group("tables")
            group.pages.append(pfn)
            group.levels.append(level)
        else:
            self._group("untabled").pages.append(pfn)

    def _poll(self) -> None:
        """What has no event of its own: the allocator's list, and the buffer's place."""
        if self._stage in ("", "load-domain", "start-on-xen", "memory-map"):
            return
        buffer = read_buffer(self._guest)
        if buffer is not None and buffer.top and self._buffer != (buffer.start, buffer.top):
            self._buffer = (buffer.start, buffer.top)
            self._group("buffer", new=True).buffer = buffer
        reserved = frozenset(reserved_ranges(self._guest))
        if self._stage == "map-memory" and (added := reserved - self._reserved):
            self._group("reserved", new=True).ranges = tuple(sorted(added))
        self._reserved = reserved

    def _group(self, kind: str, *, new: bool = False) -> _Group:
        last = self.groups[-1] if self.groups else None
        if new or last is None or (last.stage, last.kind) != (self._stage, kind):
            self.groups.append(_Group(self._stage, kind))
        self.groups[-1].last = self._number
        return self.groups[-1]


class _Camera:
    """Second boot: a snapshot where a group ends."""

    def __init__(self, guest: Guest, groups: list[_Group], also: Callable[[Event], None]) -> None:
        self._guest = guest
        self._groups: dict[int, list[_Group]] = {}
        for group in groups:
            self._groups.setdefault(group.last, []).append(group)
        self._also = also
        self._number = 0
        self._said: list[str] = []
        self.moments: list[Moment] = []

    def __call__(self, event: Event) -> None:
        self._also(event)
        self._number += 1
        if isinstance(event, Printed) and event.text:
            self._said.append(event.text)
        groups = self._groups.get(self._number, ())
        if groups:
            # The end of a stage says least of what happens at once.
            telling = [group for group in groups if group.kind != "stage-end"] or groups
            self.take(telling[0].stage, telling[0].kind, "; ".join(group.words() for group in telling))

    def take(self, stage: str, kind: str, what: str) -> None:
        pages = snapshot(self._guest)
        said, self._said = tuple(self._said), []
        self.moments.append(Moment(stage, kind, what, pages, read_buffer(self._guest), said))


def record(guest: Guest, layout: Layout, *, say: Callable[[str], None]) -> History:
    """Boot on `layout` and keep its history. The guest is left at the end of the boot."""
    say(f"booting on {layout.name}")
    log = _Log(guest)
    run = boot(guest, layout, log)
    say(f"booting on {layout.name} again, with an eye on every page")
    fault = run.fault if run.fault is not None and run.fault.pfn is not None else None
    writers = Writers(guest, fault) if fault is not None else None
    camera = _Camera(guest, _chosen(_folded(log.groups)), writers or _nobody)
    try:
        again = boot(guest, layout, camera)
    finally:
        if writers is not None:
            run = replace(run, fault=writers.finish())
    assert again.verdict is run.verdict, "two boots of one kernel on one machine differ"
    camera.take(run.stage, *_ending(run))
    return History(run, _distinct(camera.moments), tuple(dict.fromkeys((*log.stages, run.stage))))


def _ending(run: ModelRun) -> tuple[str, str]:
    if run.fault is not None:
        return "fault", f"refused: {run.fault.operation}" if run.fault.operation else run.fault.message
    if run.verdict is Verdict.OK:
        return "end", "the boot is through"
    return "undetermined", run.reason


def _folded(groups: list[_Group]) -> list[_Group]:
    """What comes before memory is mapped is the same on most machines: one moment a stage, the last."""
    stages = list(dict.fromkeys(group.stage for group in groups))
    told = next((group.stage for group in groups if group.kind == "buffer"), "map-memory")
    early = stages[: stages.index(told)] if told in stages else []
    for stage in early:
        last = max(group.last for group in groups if group.stage == stage)
        for group in groups:
            if group.stage == stage:
                group.last = last
    return groups


def _chosen(groups: list[_Group]) -> list[_Group]:
    """Not too many of one stage: its first and its last ones."""
    by_stage: dict[str, list[_Group]] = {}
    for group in groups:
        by_stage.setdefault(group.stage, []).append(group)
    kept: list[_Group] = []
    for members in by_stage.values():
        half = _PER_STAGE // 2
        kept += members if len(members) <= _PER_STAGE else members[:half] + members[-half:]
    return kept


def _distinct(moments: list[Moment]) -> tuple[Moment, ...]:
    """Without the ends of stages that changed no page; what the kernel said meanwhile goes to the next moment."""
    kept: list[Moment] = []
    said: tuple[str, ...] = ()
    for moment in moments:
        said += moment.said
        if kept and moment.kind == "stage-end" and moment.pages == kept[-1].pages:
            continue
        kept.append(replace(moment, said=said))
        said = ()
    return tuple(kept)


def _pages(count: int) -> str:
    return f"{count} page{_s(count)}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _runs(pages: list[int]) -> str:
    return format_pages(tuple(sorted(set(pages))))  # type: ignore[arg-type]


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB" if count >= 1 << 20 else f"{-(-count >> 10)} KiB"


def _nobody(_event: Event) -> None:
    """Nobody else watches."""
