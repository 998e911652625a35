"""Who wrote an entry, and when: the same boot once more, with a watch on it."""

from dataclasses import replace

from kpatch_tools.core.ids import Mfn

from .boot.buffers import read_buffer
from .boot.guest import Guest
from .explain import EntryWrite, Fault, TypeChange
from .trace import BecameTable, Event, StageBegun

_WRITES_KEPT = 16


class Writers:
    """Watches a fault's frame, and the entries that map it, while the boot is repeated; a tracer of that boot.

    Boots are deterministic, so what is written where is what was written the first time. An entry's oldest writes and
    its latest are kept. Not seen is what Xen itself adjusts in an entry when it validates a whole table.
    """

    def __init__(self, guest: Guest, fault: Fault) -> None:
        self._guest = guest
        self._fault = fault
        self._stage = ""
        self._writes: dict[tuple[Mfn, int], list[EntryWrite]] = {}
        self._types: list[TypeChange] = []
        guest.memory.watch({mapping.entry_of for mapping in fault.mappings}, self._written)

    def __call__(self, event: Event) -> None:
        match event:
            case StageBegun(name):
                self._stage = name
            case BecameTable(pfn, level) if pfn is not None and pfn == self._fault.pfn:
                chain = self._guest.program.call_chain()
                self._types.append(TypeChange(level, self._stage, chain, read_buffer(self._guest)))

    def _written(self, table: Mfn, word: int, value: int) -> None:
        seen = self._writes.setdefault((table, word), [])
        number = seen[-1].number + 1 if seen else 1
        if len(seen) == _WRITES_KEPT:
            seen.pop()
        chain = self._guest.program.call_chain()
        seen.append(EntryWrite(number, value, self._stage, chain, read_buffer(self._guest)))

    def finish(self) -> Fault:
        """The fault with what was seen; the watch ends."""
        self._guest.memory.unwatch()
        mappings = tuple(
            replace(mapping, writes=tuple(self._writes.get(mapping.entry_of, ()))) for mapping in self._fault.mappings
        )
        return replace(self._fault, mappings=mappings, types=tuple(self._types))
