"""The machine after a boot as one value, and the difference between two.

A state is told by aspects, each a list of runs over pseudo-physical memory; two boots are equal if all aspects are.
What the kernel printed is no part of the state: it is compared beside it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from .boot.guest import Guest
from .boot.memblocks import Ranges, memory_ranges, reserved_ranges
from .layouts import PAGE_SIZE, Layout
from .machine import PAGE_SHIFT, PRESENT, RW, MachineFault, mfn_of
from .oracles import Verdict
from .run import ModelRun, boot, deep_recursion
from .xen import FrameState

_IMAGE_MAP = 1 << 29
"""Bytes of virtual addresses where the kernel image and what the boot loader put behind it can be mapped."""


@dataclass(frozen=True, slots=True)
class Run:
    """start <= address < end, in pseudo-physical bytes, all of it `value`."""

    start: int
    end: int
    value: str


Runs = tuple[Run, ...]
"""Ascending, not overlapping, and neighbours of the same value joined: equal states have equal runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalState:
    """Where a boot left the machine.

    `tables`: live page tables by level, "pinned" or not. `direct_map` and `image_map`: which pages are mapped there,
    "RW", "RO", or to another frame than their own. `memory` and `reserved` are the kernel's early books, `free` the
    whole pages that it believes free by them. `complete`: the boot ran to its end; else it is the state at the fault,
    and books that could not be read then are empty.
    """

    complete: bool
    tables: Runs
    direct_map: Runs
    image_map: Runs
    memory: Runs
    reserved: Runs
    free: Runs

    def aspects(self) -> Iterator[tuple[str, Runs]]:
        """All that is compared, by name."""
        yield "page tables", self.tables
        yield "direct map", self.direct_map
        yield "image map", self.image_map
        yield "memory", self.memory
        yield "reserved", self.reserved
        yield "free", self.free

    @property
    def tables_by_level(self) -> dict[int, int]:
        """How many page tables each level has."""
        counts = dict.fromkeys((1, 2, 3, 4), 0)
        for run in self.tables:
            counts[int(run.value[1])] += (run.end - run.start) // PAGE_SIZE
        return counts


@dataclass(frozen=True, slots=True)
class BootedState:
    """One boot, and where it left the machine; `state` is None where it could not begin."""

    run: ModelRun
    state: FinalState | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A range where the two sides differ in one aspect; "" is a side that says nothing about it."""

    aspect: str
    start: int
    end: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class StateComparison:
    """One layout on two sides. `printed` are lines that only one side printed, marked "-" and "+", in order."""

    layout: Layout
    before: BootedState
    after: BootedState
    differences: tuple[Difference, ...]
    printed: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """ "identical", "differs" (in state, in the verdict, or in how it fails), or "undetermined"."""
        one, other = self.before.run, self.after.run
        if (
            Verdict.UNDETERMINED in (one.verdict, other.verdict)
            or self.before.state is None
            or self.after.state is None
        ):
            return "undetermined"
        kinds = [run.fault.kind if run.fault is not None else "" for run in (one, other)]
        alike = one.verdict is other.verdict and kinds[0] == kinds[1] and self.before.state == self.after.state
        return "identical" if alike else "differs"


def boot_to_state(guest: Guest, layout: Layout) -> BootedState:
    """Boot, and read the machine before it is switched off."""
    with deep_recursion():
        run = boot(guest, layout)
        started = guest.memory.paging.root is not None
        return BootedState(run, read_state(guest, complete=run.stage == "end of boot") if started else None)


def read_state(guest: Guest, *, complete: bool) -> FinalState:
    """The machine as it is now. Reading changes nothing."""
    memory, reserved = _book(guest, memory_ranges), _book(guest, reserved_ranges)
    return FinalState(
        complete=complete,
        tables=_tables(guest),
        direct_map=_mapped(guest, guest.memory.geometry.page_offset, guest.layout.end),
        image_map=_mapped(guest, guest.memory.geometry.kernel_map, min(guest.layout.end, _IMAGE_MAP)),
        memory=_ranges(memory, "RAM"),
        reserved=_ranges(reserved, "reserved"),
        free=_free(memory, reserved),
    )


def compare_states(before: BootedState, after: BootedState) -> StateComparison:
    """Both of one layout."""
    differences: list[Difference] = []
    if before.state is not None and after.state is not None:
        for (aspect, one), (_, other) in zip(before.state.aspects(), after.state.aspects(), strict=True):
            differences += (Difference(aspect, *piece) for piece in differing(one, other))
    printed = _differing_lines(before.run.printk, after.run.printk)
    return StateComparison(before.run.layout, before, after, tuple(differences), printed)


def differing(one: Runs, other: Runs) -> Iterator[tuple[int, int, str, str]]:
    """Start, end and both values of each piece where the runs differ, neighbours with the same values joined.

    >>> list(differing((Run(0, 8, "RW"),), (Run(0, 4, "RW"), Run(4, 6, "RO"))))
    [(4, 6, 'RW', 'RO'), (6, 8, 'RW', '')]
    """
    edges = sorted({edge for run in (*one, *other) for edge in (run.start, run.end)})
    left, right = _Cursor(one), _Cursor(other)
    held: tuple[int, int, str, str] | None = None
    for start, end in pairwise(edges):
        values = (left.at(start), right.at(start))
        if values[0] == values[1]:
            continue
        if held is not None and held[1] == start and held[2:] == values:
            held = (held[0], end, *values)
            continue
        if held is not None:
            yield held
        held = (start, end, *values)
    if held is not None:
        yield held


def joined(pieces: Iterable[Run]) -> Runs:
    """Ascending pieces with those of the same value joined that touch or overlap."""
    runs: list[Run] = []
    for piece in pieces:
        if runs and runs[-1].end >= piece.start and runs[-1].value == piece.value:
            runs[-1] = Run(runs[-1].start, max(runs[-1].end, piece.end), piece.value)
        else:
            runs.append(piece)
    return tuple(runs)


class _Cursor:
    """Values of runs at ascending addresses."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._next = 0

    def at(self, address: int) -> str:
        while self._next < len(self._runs) and self._runs[self._next].end <= address:
            self._next += 1
        if self._next < len(self._runs) and self._runs[self._next].start <= address:
            return self._runs[self._next].value
        return ""


def _book(guest: Guest, read: Callable[[Guest], Ranges]) -> Ranges:
    """The kernel's own lists; empty where a boot that faulted left them out of reach."""
    try:
        return read(guest)
    except MachineFault:
        return ()


def _tables(guest: Guest) -> Runs:
    found: dict[int, str] = {}
    for mfn, state in guest.frames.live_tables():
        pfn = guest.frames.m2p(mfn)
        if pfn is not None:
            level = state.type.level if isinstance(state, FrameState) else state
            found[pfn] = f"L{level}, pinned" if isinstance(state, FrameState) and state.pinned else f"L{level}"
    return joined(Run(pfn << PAGE_SHIFT, (pfn + 1) << PAGE_SHIFT, found[pfn]) for pfn in sorted(found))


def _mapped(guest: Guest, base: int, end: int) -> Runs:
    """What of physical memory up to `end` is mapped at virtual `base` + address, and with which rights."""
    p2m = guest.frames.p2m
    runs: list[Run] = []
    value, start, position = "", 0, 0
    for leaf in guest.memory.paging.leaves(base, base + end):
        position = leaf.va - base
        for pfn, entry in enumerate(leaf.entries, position >> PAGE_SHIFT):
            now = ""
            if entry & PRESENT:
                now = "RW" if entry & RW and leaf.writable else "RO"
                if mfn_of(entry) != p2m(pfn):
                    now += ", another frame"
            if now != value:
                if value:
                    runs.append(Run(start, pfn << PAGE_SHIFT, value))
                value, start = now, pfn << PAGE_SHIFT
        position += len(leaf.entries) << PAGE_SHIFT
    if value:
        runs.append(Run(start, position, value))
    return tuple(runs)


def _ranges(ranges: Ranges, value: str) -> Runs:
    return joined(Run(start, end, value) for start, end in sorted(ranges))


def _free(memory: Ranges, reserved: Ranges) -> Runs:
    """The whole pages in `memory` of which no byte is reserved."""
    return joined(_pieces_free(memory, sorted(reserved)))


def _pieces_free(memory: Ranges, reserved: Sequence[tuple[int, int]]) -> Iterator[Run]:
    for low, high in sorted(memory):
        position, stop = -(-low // PAGE_SIZE) * PAGE_SIZE, high // PAGE_SIZE * PAGE_SIZE
        for start, end in reserved:
            if end <= position or start >= stop:
                continue
            past = start // PAGE_SIZE * PAGE_SIZE
            if past > position:
                yield Run(position, past, "free")
            position = max(position, -(-end // PAGE_SIZE) * PAGE_SIZE)
        if position < stop:
            yield Run(position, stop, "free")


def _differing_lines(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    lines: list[str] = []
    for tag, start, end, low, high in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag != "equal":
            lines += [f"- {line}" for line in one[start:end]] + [f"+ {line}" for line in other[low:high]]
    return tuple(lines)
