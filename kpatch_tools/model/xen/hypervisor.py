"""The hypervisor as a guest meets it: hypercalls, trapped writes, and what can be asked about frames."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import Mfn, Pfn
from kpatch_tools.model.machine import PRESENT, RW, FrameInfo, GuestMemory, Walk, mfn_of

from .domain import DOMID_SELF, Domain
from .frametype import FrameEvent, FrameState, FrameType
from .l1 import read_entries
from .mmuext import map_ldt_page, mmuext_op, set_gdt, update_descriptor
from .ptwr import ro_page_fault
from .refusal import Refusal
from .state import CallChain, SavedState, XenState
from .update import mmu_update, update_va_mapping


@dataclass(frozen=True, slots=True)
class Mapping:
    """An entry of a live L1 table that maps a frame: `table` and `slot` say where it is."""

    table: Mfn
    slot: int
    entry: int

    @property
    def writable(self) -> bool:
        return bool(self.entry & RW)


class Xen:
    """Xen for one guest, from its first page table on; a new boot needs a new one.

    Hypercalls return 0 or a negative outcome code as Xen's do, and take one request each: batches, their copying from
    guest memory and their stopping at the first failure are the caller's. What Xen would print stands in `log`.
    Frames are machine frame numbers, addresses 64-bit virtual.
    """

    def __init__(
        self,
        memory: GuestMemory,
        domain: Domain,
        *,
        call_chain: CallChain = tuple,
        on_event: Callable[[FrameEvent], None] | None = None,
    ) -> None:
        self.memory = memory
        self.domain = domain
        self._state = XenState(memory, domain)
        self._state.call_chain = call_chain
        self._state.on_event = on_event
        self.p2m: Callable[[int], Mfn | None] = self._state.p2m
        """The frame behind a pfn; None where the domain has none. Xen keeps no such table: the guest does."""
        self.m2p: Callable[[int], Pfn | None] = self._state.pfn_of
        """What the machine-to-physical table says; None where it has no valid entry."""
        memory.on_read_only_write = self.read_only_write
        memory.describe = self.describe

    # --- hypercalls

    def mmu_update(self, pointer: int, value: int, foreigndom: int = DOMID_SELF) -> int:
        """One mmu_update request: `pointer` is a machine address with the command in its low three bits."""
        self._state.begin()
        return int(mmu_update(self._state, pointer, value, foreigndom))

    def update_va_mapping(self, va: int, value: int, domid: int = DOMID_SELF) -> int:
        """Set the L1 entry that maps `va`; flush flags are not asked for, the modelled TLB is never stale."""
        self._state.begin()
        return int(update_va_mapping(self._state, va, value, domid))

    def mmuext(self, command: int, arg1: int, arg2: int = 0, foreigndom: int = DOMID_SELF) -> int:
        """One mmuext_op; `arg1` is a frame or a linear address, `arg2` the number of LDT entries."""
        self._state.begin()
        return int(mmuext_op(self._state, command, arg1, arg2, foreigndom))

    def set_gdt(self, frames: tuple[Mfn, ...], entries: int) -> int:
        self._state.begin()
        return int(set_gdt(self._state, frames, entries))

    def update_descriptor(self, machine_address: int, descriptor: int) -> int:
        self._state.begin()
        return int(update_descriptor(self._state, machine_address, descriptor))

    # --- checkpoints

    def checkpoint(self) -> SavedState:
        """What Xen knows at this moment, for `rewind`."""
        return self._state.checkpoint()

    def rewind(self, saved: SavedState) -> None:
        """Know again what was known then, of the same boot."""
        self._state.rewind(saved)

    # --- traps

    def read_only_write(self, va: int, size: int, value: int, walk: Walk) -> None:
        """The memory's hook: emulate, or raise ReadOnlyWrite or PtwrRefused."""
        self._state.begin()
        ro_page_fault(self._state, va, size, value, walk)

    def touch_ldt(self, offset: int) -> bool:
        """The processor loads a descriptor at byte `offset` of the LDT; False: a fault for the guest."""
        self._state.begin()
        return map_ldt_page(self._state, offset)

    # --- questions

    @property
    def log(self) -> tuple[Refusal, ...]:
        """Every line of every refusal, oldest first."""
        return tuple(self._state.log)

    def last_refusal(self) -> tuple[Refusal, ...]:
        """The lines of the latest refused operation, the cause first; empty if nothing was refused."""
        log = self._state.log
        if not log:
            return ()
        operation = log[-1].operation
        return tuple(line for line in log if line.operation == operation)

    def owns(self, mfn: int) -> bool:
        """Whether the frame is the domain's (special pages included)."""
        return self._state.owns(mfn)

    def frame_state(self, mfn: int) -> FrameState:
        """Type and counts of a frame of the domain; KeyError for any other."""
        return self._state.state_of(mfn)

    def table_level(self, mfn: int) -> int:
        """1 to 4 if the frame is a live page table, else 0. For any frame."""
        frame = self._state.live(mfn)
        return frame.type.level if frame is not None else 0

    def live_tables(self) -> Iterator[tuple[Mfn, FrameState]]:
        """Every frame that is a page table now, in the order in which the frames first were typed."""
        for mfn, frame in self._state.typed.items():
            if frame.count and frame.type.level:
                yield Mfn(mfn), self._state.state_of(mfn)

    def mappings_of(self, mfn: int) -> Iterator[Mapping]:
        """Every entry of a live L1 table that maps the frame. Slow: reads all tables; for explanations."""
        for table, state in self.live_tables():
            if state.type is not FrameType.L1:
                continue
            for slot, entry in enumerate(read_entries(self._state, table)):
                if entry & PRESENT and mfn_of(entry) == mfn:
                    yield Mapping(table, slot, entry)

    def describe(self, number: int) -> FrameInfo:
        """The frame in words, for faults."""
        state, mfn = self._state, Mfn(number)
        if not state.owns(mfn):
            return FrameInfo(mfn, None, f"mfn {mfn:05x}, not a frame of the domain")
        frame = state.live(mfn)
        pfn = state.pfn_of(mfn)
        if frame is None:
            count = state.writable[mfn - state.base]
            mappings = f"{count} writable mapping{'s' if count != 1 else ''}"
            return FrameInfo(mfn, pfn, f"not a page table, {mappings}")
        pinned = ", pinned" if frame.pinned else ""
        if not frame.type.level:
            return FrameInfo(mfn, pfn, f"a descriptor page (type count {frame.count})")
        what = f"a live L{frame.type.level} page table (type count {frame.count}{pinned})"
        return FrameInfo(mfn, pfn, what, frame.type.level)
