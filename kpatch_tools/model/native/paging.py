"""Page tables as the processor reads them without a hypervisor: large pages, and translations that it keeps.

Source: AMD64 APM vol. 2, 5.3.4 and 5.3.5 (2-Mbyte and 1-Gbyte pages). Omitted besides what `machine.paging` omits: a
translation is kept until the guest asks for a flush, never less long, as a processor with a very large TLB would.
"""

from collections.abc import Callable, Iterator

from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.machine import PAGE_SHIFT, PRESENT, PSE, RW, Geometry, Leaves, Paging, Walk
from kpatch_tools.model.machine.entry import MFN_MASK
from kpatch_tools.model.machine.geometry import LEVELS

_FLAGS = (1 << PAGE_SHIFT) - 1
_NOWHERE = Walk(Mfn(0), 0, 0, 0, False)
_LARGEST = 3
"""The highest level whose entries may be pages: 1 GiB."""

FaultHook = Callable[[int], bool]
"""(va): the guest's page-fault handler; whether it says that it made a mapping."""


class NativePaging(Paging):
    """The walk with large pages. A `Walk` that ends at one names the 4 KiB page in it, as if `level` were 1.

    `on_not_present` is asked once about an address that has no translation, before the access faults.
    """

    def __init__(self, geometry: Geometry) -> None:
        super().__init__(geometry)
        self.on_not_present: FaultHook | None = None

    def walk(self, va: int) -> Walk:
        found = self._find(va)
        if found.level in (0, 1) or not found.entry & PRESENT:
            return found
        return found._replace(level=1, entry=self._small(va, found))

    def fill(self, va: int) -> Walk:
        found = self.walk(va)
        if not found.mapped and self.on_not_present is not None and self.on_not_present(va):
            found = self.walk(va)
        if found.mapped:
            page = va >> PAGE_SHIFT
            frame = self.frame(found.mfn)
            self.readable[page] = frame
            if found.writable and found.mfn not in self.unbuffered:
                self.writable[page] = frame
        return found

    def reset(self) -> None:
        super().reset()
        self.on_not_present = None

    def leaves(self, start: int, end: int) -> Iterator[Leaves]:
        """As for small pages; a large page yields the entries that its small pages would have, and its own table."""
        span = self.geometry.span(2)
        while start < end:
            stop = min(end, (start // span + 1) * span)
            found = self._find(start)
            if found.level == 1 or not found.entry & PRESENT:
                yield from super().leaves(start, stop)
            else:
                pages = range(start, stop, 1 << PAGE_SHIFT)
                entries = tuple(self._small(va, found) for va in pages)
                yield Leaves(start, found.table, self.geometry.slot(start, 1), entries, found.writable)
            start = stop

    def tables(self) -> Iterator[tuple[Mfn, int]]:
        """Every table that the current root leads to, with its level, each once; the root first."""
        if self.root is None:
            return
        seen = {self.root}
        waiting = [(self.root, LEVELS)]
        while waiting:
            table, level = waiting.pop()
            yield table, level
            if level == 1:
                continue
            for entry in self.frame(table).tolist()[:: self.geometry.entry_words]:
                below = Mfn((entry >> PAGE_SHIFT) & MFN_MASK)
                if not entry & PRESENT or (level <= _LARGEST and entry & PSE) or below in seen:
                    continue
                seen.add(below)
                waiting.append((below, level - 1))

    def _find(self, va: int) -> Walk:
        """The walk as it is: `level` is 2 or 3 for a large page, whose entry is then present."""
        if self.root is None or not self.geometry.is_canonical(va):
            return _NOWHERE
        table, rights = self.root, RW
        for level in range(LEVELS, 0, -1):
            word = self.geometry.slot(va, level) * self.geometry.entry_words
            entry = self.frame(table)[word]
            rights &= entry
            if level == 1 or not entry & PRESENT or (level <= _LARGEST and entry & PSE):
                return Walk(table, level, word, entry, bool(rights))
            table = Mfn((entry >> PAGE_SHIFT) & MFN_MASK)
        raise AssertionError("a walk ends at level 1")

    def _small(self, va: int, found: Walk) -> int:
        """The entry of the small page at `va` inside the large page that `found` ended at."""
        inside = self.geometry.span(found.level) - 1
        first = found.entry & (MFN_MASK << PAGE_SHIFT) & ~inside
        return first | (va & inside & ~_FLAGS) | (found.entry & _FLAGS & ~PSE)
