"""The early page-table buffer: where init_memory_mapping takes its tables from, and what it does with the rest."""

from collections.abc import Callable
from dataclasses import dataclass

from kpatch_tools.model.machine import PAGE_SHIFT

from .guest import Guest
from .memblocks import Ranges, reserved_ranges

_NAMES = (("pgt_buf_start", "pgt_buf_end", "pgt_buf_top"), ("e820_table_start", "e820_table_end", "e820_table_top"))
"""The globals that hold it, in pfns. The second spelling until v2.6.39-rc1 (d1b19426b04 renames them)."""


@dataclass(frozen=True, slots=True)
class BufferValues:
    """The three globals at one moment: `names` as the tree spells them, values in pfns, start <= end <= top."""

    names: tuple[str, str, str]
    start: int
    end: int
    top: int

    def __str__(self) -> str:
        values = zip(self.names, (self.start, self.end, self.top), strict=True)
        return ", ".join(f"{name} {value:05x}" for name, value in values)


def read_buffer(guest: Guest) -> BufferValues | None:
    """The globals as they stand; None where the tree has none."""
    names = next((group for group in _NAMES if all(guest.has_global(name) for name in group)), None)
    return None if names is None else BufferValues(names, *(guest.get(name) for name in names))


@dataclass(frozen=True, slots=True)
class TableRange:
    """One call of init_memory_mapping: the mapping and its buffer, half-open ranges of pseudo-physical bytes.

    The buffer is start <= address < top, of which start <= address < end became tables. `leaked` is what the
    call reserved of other memory, spare pages of the buffer above all, in bytes.
    """

    mapping_start: int
    mapping_end: int
    start: int
    end: int
    top: int
    leaked: int = 0


def observe_buffer(guest: Guest, start: int, end: int) -> Callable[[], TableRange | None]:
    """Look at the buffer's globals now and again when the result is called.

    None where the tree has no such buffer, or did not use it for this mapping.
    """
    names = next((group for group in _NAMES if all(guest.has_global(name) for name in group)), None)
    if names is None:
        return lambda: None
    # What an earlier call left behind must not be taken for this one's.
    before = tuple(guest.get(name) for name in names)
    taken = reserved_ranges(guest)

    def look() -> TableRange | None:
        first, past_used, past_buffer = (guest.get(name) for name in names)
        if first == past_buffer or (first, past_used, past_buffer) == before:
            return None
        bottom, spare, top = (value << PAGE_SHIFT for value in (first, past_used, past_buffer))
        leaked = sum(high - low for low, high in without(reserved_ranges(guest), (*taken, (bottom, spare))))
        return TableRange(start, end, bottom, spare, top, leaked=leaked)

    return look


def without(ranges: Ranges, others: Ranges) -> Ranges:
    """What of `ranges` lies in none of `others`.

    >>> without(((0, 10), (20, 30)), ((2, 4), (8, 22)))
    ((0, 2), (4, 8), (22, 30))
    """
    for low, high in others:
        parts = (part for one in ranges for part in ((one[0], min(one[1], low)), (max(one[0], high), one[1])))
        ranges = tuple(part for part in parts if part[0] < part[1])
    return ranges
