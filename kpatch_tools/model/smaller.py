"""Ever smaller machines of a failing one's kind: the smallest that still fails is the one to look at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from kpatch_tools.core.errors import KpatchError

from .explain import Fault
from .layouts import GIB, LOW_MEMORY_END, MIB, Layout, parse_layout
from .oracles import Verdict
from .run import ModelRun

_TRIED_AT_MOST = 12
_PIECE = 64 * MIB
_SLIVER = 2 * MIB
_STEP = 32 * MIB
_FLAT = (64 * MIB, 512 * MIB, 1088 * MIB)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One layout tried. `kind` is its fault's kind, None for none."""

    layout: Layout
    verdict: Verdict
    kind: str | None
    same: bool
    """Whether it fails as the first layout did."""


@dataclass(frozen=True, slots=True)
class Smallest:
    """What was found: the smallest layout that fails the same way, with the attempts in the order made.

    `layout` is the failing layout itself if nothing smaller fails alike.
    """

    layout: Layout
    attempts: tuple[Attempt, ...]


def find_smallest(failing: Layout, fault: Fault, boot: Callable[[Layout], ModelRun]) -> Smallest:
    """Try smaller layouts, the least memory first, until one has a fault of the same kind."""
    attempts: list[Attempt] = []
    for layout in smaller_layouts(failing)[:_TRIED_AT_MOST]:
        try:
            run = boot(layout)
        except KpatchError:
            continue  # a machine too small for the image and its boot structures
        kind = run.fault.kind if run.fault is not None else None
        attempts.append(Attempt(layout, run.verdict, kind, kind == fault.kind))
        if attempts[-1].same:
            return Smallest(layout, tuple(attempts))
    return Smallest(failing, tuple(attempts))


def smaller_layouts(layout: Layout) -> tuple[Layout, ...]:
    """Layouts with less memory, ascending: without what makes this one special, then with ever more of it.

    Flags and the image's end are kept; all have a short form that `parse_layout` reads, so that they can be tried by
    hand.
    """
    flags = ("" if layout.acpi else ",noacpi") + (",numa" if layout.numa else "")
    own = ram(layout)
    found: dict[str, Layout] = {}
    for text in _texts(layout):
        try:
            one = replace(parse_layout(text + flags), image_end=layout.image_end)
        except KpatchError:
            continue  # two pieces of this machine's kind do not fit into one of this size
        if ram(one) < own:
            found.setdefault(one.name, one)
    return tuple(sorted(found.values(), key=lambda one: (ram(one), one.name)))


def ram(layout: Layout) -> int:
    """Bytes of RAM."""
    return sum(entry.end - entry.start for entry in layout.usable)


def _texts(layout: Layout) -> Iterator[str]:
    yield from (_mib(size) for size in _FLAT)
    low = max((entry.end for entry in layout.usable if entry.end <= LOW_MEMORY_END), default=0)
    high = sum(entry.end - max(entry.start, LOW_MEMORY_END) for entry in layout.usable if entry.end > LOW_MEMORY_END)
    if high:
        for below, above in ((_PIECE, _PIECE), (_PIECE, GIB), (_PIECE, high), (GIB, _PIECE), (low, _PIECE)):
            below = min(below, low)
            yield f"{_mib(LOW_MEMORY_END + min(above, high))},hole={_mib(below)}+{_mib(LOW_MEMORY_END - below)}"
    elif low:
        yield _mib(low // MIB * MIB)
    for start, end in _holes(layout):
        behind = min(max(low - end, _SLIVER), _PIECE)
        whole = start // GIB * GIB
        for at in (start % GIB, whole + _STEP, whole + _PIECE, whole + 2 * _PIECE, start):
            at = max(at, _PIECE) // MIB * MIB
            for size in (_SLIVER, (end - start) // MIB * MIB):
                if size:
                    yield f"{_mib(at + size + behind)},hole={_mib(at)}+{_mib(size)}"


def _holes(layout: Layout) -> Iterator[tuple[int, int]]:
    """Gaps between pieces of RAM above 1 MiB and below 4 GiB."""
    usable = [entry for entry in layout.usable if entry.end > MIB]
    for before, after in pairwise(usable):
        if after.start > before.end and after.end <= LOW_MEMORY_END:
            yield before.end, after.start


def _mib(size: int) -> str:
    return f"{size // MIB}M"
