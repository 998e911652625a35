"""A machine without hypervisor, as oracles and explanations ask about it: a frame's number is its page's."""

from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import Mfn, Pfn
from kpatch_tools.model.layouts import PAGE_SIZE, Layout
from kpatch_tools.model.machine import PRESENT, RW, FrameInfo, GuestMemory, mfn_of

from .paging import NativePaging


@dataclass(frozen=True, slots=True)
class NativeMapping:
    """An L1 entry that maps a frame: `table` and `slot` say where it is."""

    table: Mfn
    slot: int
    entry: int

    @property
    def writable(self) -> bool:
        return bool(self.entry & RW)


class Hardware:
    """Bare hardware: nobody counts references, nothing is refused, a page table is what the root leads to."""

    def __init__(self, memory: GuestMemory, layout: Layout) -> None:
        assert isinstance(memory.paging, NativePaging)
        self._paging = memory.paging
        self._geometry = memory.geometry
        self._pages = layout.end // PAGE_SIZE
        memory.describe = self.describe

    def p2m(self, pfn: int) -> Mfn | None:
        """The same number; None beyond the end of RAM."""
        return Mfn(pfn) if 0 <= pfn < self._pages else None

    def m2p(self, mfn: int) -> Pfn | None:
        return Pfn(mfn) if 0 <= mfn < self._pages else None

    def live_tables(self) -> Iterator[tuple[Mfn, int]]:
        """Every page table that the processor can reach now, with its level."""
        return self._paging.tables()

    def mappings_of(self, mfn: int) -> Iterator[NativeMapping]:
        """Every L1 entry of a live table that maps the frame; large pages are not looked into. For explanations."""
        stride = self._geometry.entry_words
        for table, level in self.live_tables():
            if level != 1:
                continue
            for slot, entry in enumerate(self._paging.frame(table).tolist()[::stride]):
                if entry & PRESENT and mfn_of(entry) == mfn:
                    yield NativeMapping(table, slot, entry)

    def last_refusal(self) -> tuple[()]:
        """Nothing: there is nobody to refuse."""
        return ()

    def describe(self, number: int) -> FrameInfo:
        """The frame in words, for faults."""
        mfn = Mfn(number)
        level = next((level for table, level in self.live_tables() if table == mfn), 0)
        pfn = self.m2p(mfn)
        if pfn is None:
            return FrameInfo(mfn, None, f"frame {mfn:05x}, not RAM", level)
        return FrameInfo(mfn, pfn, f"a live L{level} page table" if level else "not a page table", level)
