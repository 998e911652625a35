"""Guest page tables: frames, the four-level walk, and a software TLB that is never stale.

Source of the walk: AMD64 APM vol. 2, 5.3 (long mode, 4 KiB pages). Omitted: accessed and dirty bits are not set by the
walk, NX is not looked at (no instruction is fetched from the modelled memory), and large pages are not translated.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from kpatch_tools.core.ids import Mfn

from .entry import MFN_MASK, PRESENT, RW, mfn_of
from .geometry import LEVELS, PAGE_SHIFT, PAGE_SIZE, Geometry


class Walk(NamedTuple):
    """Where a walk ended: the last entry read. (A named tuple: walks are many, and this is made in half the time.)

    `entry` is word `word` of frame `table`, a table of `level`; the walk ended there because it is a leaf (level 1) or
    not present. `writable`: every level so far, this entry included, has its RW bit. Level 0: the address is not
    canonical, nothing was read.
    """

    table: Mfn
    level: int
    word: int
    entry: int
    writable: bool

    @property
    def mapped(self) -> bool:
        return self.level == 1 and bool(self.entry & PRESENT)

    @property
    def mfn(self) -> Mfn:
        """The frame that the entry names."""
        return mfn_of(self.entry)


_NOWHERE = Walk(Mfn(0), 0, 0, 0, False)


@dataclass(frozen=True, slots=True)
class Leaves:
    """The L1 entries of consecutive pages from `va` on, all of one table.

    `table` is None, and every entry 0, where there is no L1 table; `writable`: all levels above have their RW bit.
    """

    va: int
    table: Mfn | None
    first_slot: int
    entries: tuple[int, ...]
    writable: bool


class Paging:
    """All frames of the machine, and the translation from the current root.

    Whoever changes an entry of a table that may be in use calls `entry_changed` afterwards. Frames come into being,
    filled with zeros, when they are first asked for.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self.root: Mfn | None = None
        """The L4 table in CR3; None before the first `load_root`."""
        self.frames: dict[int, memoryview] = {}
        self.readable: dict[int, memoryview] = {}
        """The TLB for reads: virtual page number → frame. Identity is kept for ever: compiled accessors hold it."""
        self.writable: dict[int, memoryview] = {}
        """The TLB for writes; frames in `unbuffered` never enter it."""
        self.unbuffered: frozenset[int] = frozenset()
        self._users: dict[int, set[int]] = {}
        """L1 table → virtual page numbers of its slot 0, for every view of it that filled the TLB."""
        self._tables: dict[int, tuple[Mfn, memoryview, int]] = {}
        """Where walks of the upper levels ended: va >> bits of an L1 table's span → table, its frame, rights so far."""
        bits = geometry.level_bits
        self._slot_mask, self._stride = geometry.entries - 1, geometry.entry_words
        self._sign_bit = geometry.va_bits - 1
        self._sign_ones = (1 << (64 - self._sign_bit)) - 1
        self._span_shift = PAGE_SHIFT + bits
        self._shifts = tuple(PAGE_SHIFT + bits * (level - 1) for level in range(LEVELS, 0, -1))

    def frame(self, mfn: int) -> memoryview:
        """The 512 words of frame `mfn`, writable."""
        frame = self.frames.get(mfn)
        if frame is None:
            frame = self.frames[mfn] = memoryview(bytearray(PAGE_SIZE)).cast("Q")
        return frame

    def reset(self) -> None:
        """No frames, no root, nothing cached."""
        self.frames.clear()
        self.root = None
        self.flush()

    def checkpoint(self) -> tuple[Mfn | None, dict[int, bytes]]:
        """All frames and the root as they are, for `rewind`."""
        return self.root, {mfn: bytes(frame) for mfn, frame in self.frames.items()}

    def rewind(self, saved: tuple[Mfn | None, dict[int, bytes]]) -> None:
        """Frames and root as they were; nothing cached."""
        self.root, contents = saved
        for mfn in self.frames.keys() - contents.keys():
            del self.frames[mfn]
        for mfn, content in contents.items():
            self.frame(mfn).cast("B")[:] = content
        self.flush()

    def load_root(self, mfn: Mfn) -> None:
        self.root = mfn
        self.flush()

    def flush(self) -> None:
        self.readable.clear()
        self.writable.clear()
        self._users.clear()
        self._tables.clear()

    def walk(self, va: int) -> Walk:
        """Follow the tables for `va`, without the TLB and without filling it. Before the first root, level 0."""
        above = self._tables.get(va >> self._span_shift)
        if above is not None:
            table, frame, rights = above
            word = ((va >> PAGE_SHIFT) & self._slot_mask) * self._stride
            entry = frame[word]
            return Walk(table, 1, word, entry, bool(rights & entry))
        return self._walk(va)

    def _walk(self, va: int) -> Walk:
        """Follow the tables from the root, and remember where the last one is."""
        top = va >> self._sign_bit
        table = self.root
        if table is None or (top and top != self._sign_ones):
            return _NOWHERE
        mask, stride, frames = self._slot_mask, self._stride, self.frames
        rights = RW
        level = LEVELS
        for shift in self._shifts:
            word = ((va >> shift) & mask) * stride
            frame = frames.get(table)
            if frame is None:
                frame = self.frame(table)
            entry = frame[word]
            if level == 1:
                self._tables[va >> self._span_shift] = (table, frame, rights)
            rights &= entry
            if level == 1 or not entry & PRESENT:
                return Walk(table, level, word, entry, bool(rights))
            table = mfn_of(entry)
            level -= 1
        raise AssertionError("a walk ends at level 1")

    def fill(self, va: int) -> Walk:
        """Walk, and remember a translation found in the TLB."""
        found = self.walk(va)
        if found.mapped:
            page = va >> PAGE_SHIFT
            mfn = (found.entry >> PAGE_SHIFT) & MFN_MASK
            frame = self.frame(mfn)
            self.readable[page] = frame
            if found.writable and mfn not in self.unbuffered:
                self.writable[page] = frame
            self._users.setdefault(found.table, set()).add(page - found.word // self.geometry.entry_words)
        return found

    def entry_changed(self, table: int, word: int, level: int, old: int) -> None:
        """Forget what the TLB knows through word `word` of the `level` table in frame `table`, which was `old`.

        The TLB holds no negative answers: an entry that was not present cannot be in it.
        """
        if not old & PRESENT:
            return
        if level > 1:
            self.flush()
            return
        slot = word // self.geometry.entry_words
        for first in self._users.get(table, ()):
            self.readable.pop(first + slot, None)
            self.writable.pop(first + slot, None)

    def leaves(self, start: int, end: int) -> Iterator[Leaves]:
        """The L1 entries that map `start` up to `end` (multiples of the page size), one piece per L1 table, in order.

        For whole-memory sweeps: a table is read once, not walked to once per page.
        """
        geometry = self.geometry
        span = geometry.span(2)
        while start < end:
            stop = min(end, (start // span + 1) * span)
            count = (stop - start) >> PAGE_SHIFT
            found = self.walk(start)
            first = geometry.slot(start, 1)
            if found.level != 1:
                yield Leaves(start, None, first, (0,) * count, False)
            else:
                entries = self.frame(found.table).tolist()[:: geometry.entry_words]
                yield Leaves(start, found.table, first, tuple(entries[first : first + count]), self._above(start))
            start = stop

    def _above(self, va: int) -> bool:
        """Whether every level above L1 allows writes to `va`."""
        table = self.root
        assert table is not None
        for level in range(LEVELS, 1, -1):
            entry = self.frame(table)[self.geometry.slot(va, level) * self.geometry.entry_words]
            if not entry & RW:
                return False
            table = mfn_of(entry)
        return True
