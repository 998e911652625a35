"""What a finished boot is judged by: everything the kernel believes free must be there, writable, and no page table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.core.ids import Pfn

from .boot.buffers import TableRange
from .boot.guest import Guest
from .boot.memblocks import memory_ranges, reserved_ranges
from .layouts import PAGE_SIZE
from .machine import PAGE_SHIFT, PRESENT, RW, mfn_of


class Verdict(StrEnum):
    """What the model says about one layout."""

    OK = "OK"
    CRASH = "CRASH"
    """The machine refused: Xen an operation that the kernel insists on, or the processor an access."""
    UNRESERVED = "UNRESERVED"
    """A live page table lies in memory that the kernel believes free."""
    RO_LEFT_OVER = "RO-LEFT-OVER"
    """Memory that the kernel believes free cannot be written."""
    LEAK = "LEAK"
    """Memory that is no page table stays reserved for them: spare pages of the buffer, or pages beside it."""
    UNDETERMINED = "UNDETERMINED"
    """The model cannot execute this tree, or met a mistake of its own: no statement about the kernel."""
    NOT_RUN = "not-run"


_CHECKED = 0x000F_FFFF_FFFF_F000 | PRESENT | RW


@dataclass(frozen=True, slots=True)
class EndState:
    """What a sweep over all memory found; pfns in ascending order.

    `free` counts pages that the kernel believes free. `unreachable` are those of them that the direct map does not
    map, or maps to another frame.
    """

    free: int
    read_only: tuple[Pfn, ...]
    unreserved: tuple[Pfn, ...]
    unreachable: tuple[Pfn, ...]


def sweep(guest: Guest) -> EndState:
    """Try every page that the kernel believes free, as a writer would: present, the right frame, writable."""
    taken = _taken(guest)
    p2m = guest.frames.p2m
    free = 0
    read_only: list[Pfn] = []
    unreachable: list[Pfn] = []
    for first, writable, entries in _free_tables(guest, taken):
        if writable and _all_good(first, entries, taken, p2m):
            free += len(entries)
            continue
        for pfn, entry in enumerate(entries, first):
            if taken[pfn]:
                continue
            frame = p2m(pfn)
            if frame is None:
                continue
            free += 1
            if entry & _CHECKED != frame << PAGE_SHIFT | PRESENT | RW or not writable:
                if entry & PRESENT and mfn_of(entry) == frame:
                    read_only.append(Pfn(pfn))
                else:
                    unreachable.append(Pfn(pfn))
    unreserved = []
    reserved = reserved_ranges(guest)
    for mfn, _ in guest.frames.live_tables():
        table = guest.frames.m2p(mfn)
        if table is not None and table < len(taken) and not _is_kept(reserved, table):
            unreserved.append(table)
    tables = frozenset(unreserved)
    return EndState(
        free=free,
        read_only=tuple(pfn for pfn in read_only if pfn not in tables),
        unreserved=tuple(sorted(unreserved)),
        unreachable=tuple(unreachable),
    )


def _all_good(first: int, entries: Sequence[int], taken: bytearray, p2m: Callable[[int], int | None]) -> bool:
    """Whether all pages from `first` on are free, populated, and mapped as they should be: nearly all tables are."""
    past = first + len(entries)
    if taken.find(1, first, past) >= 0:
        return False
    frames = list(map(p2m, range(first, past)))
    expected = [frame << PAGE_SHIFT | PRESENT | RW for frame in frames if frame is not None]
    return [entry & _CHECKED for entry in entries] == expected


def judge(state: EndState, tables: Sequence[TableRange]) -> Verdict:
    """The worst that is true of a boot that ran to its end."""
    if state.unreachable:
        return Verdict.CRASH
    if state.unreserved:
        return Verdict.UNRESERVED
    if state.read_only:
        return Verdict.RO_LEFT_OVER
    if any(table.leaked for table in tables):
        return Verdict.LEAK
    return Verdict.OK


def _is_kept(reserved: Sequence[tuple[int, int]], pfn: int) -> bool:
    """Whether all of the page is reserved: of a part that is not, the next who asks may be given some bytes."""
    start, end = pfn * PAGE_SIZE, (pfn + 1) * PAGE_SIZE
    for low, high in reserved:
        if low <= start < high:
            if high >= end:
                return True
            start = high
    return False


def _taken(guest: Guest) -> bytearray:
    """One byte per pfn up to the end of RAM: 1 where any byte of the page is reserved."""
    end = guest.layout.end // PAGE_SIZE
    taken = bytearray(end)
    for start, past in reserved_ranges(guest):
        first, last = min(start // PAGE_SIZE, end), min(-(-past // PAGE_SIZE), end)
        taken[first:last] = b"\1" * (last - first)
    return taken


def _free_tables(guest: Guest, taken: bytearray) -> Iterator[tuple[int, bool, tuple[int, ...]]]:
    """The direct-map entries of memory, table by table, where a page is free.

    The first pfn, whether the levels above allow writes, and the entries (0 where there is none).
    """
    geometry = guest.memory.geometry
    for start, past in memory_ranges(guest):
        first, last = -(-start // PAGE_SIZE), min(past // PAGE_SIZE, len(taken))
        if first >= last:
            continue
        low, high = (geometry.page_offset + (pfn << PAGE_SHIFT) for pfn in (first, last))
        for leaf in guest.memory.paging.leaves(low, high):
            pfn = (leaf.va - geometry.page_offset) >> PAGE_SHIFT
            if taken.find(0, pfn, pfn + len(leaf.entries)) >= 0:
                yield pfn, leaf.writable, leaf.entries
