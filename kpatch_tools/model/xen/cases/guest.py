"""A tiny PV guest for one case: it asks, and notes what Xen should have answered and did."""

from collections.abc import Callable
from dataclasses import dataclass

from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.machine import PAGE_SIZE, PRESENT, REAL, RW, USER, GuestMemory, MachineFault, entry_of
from kpatch_tools.model.xen.domain import DOMID_SELF, Domain
from kpatch_tools.model.xen.frametype import FrameState, FrameType
from kpatch_tools.model.xen.hypervisor import Xen
from kpatch_tools.model.xen.mmuext import (
    MMUEXT_NEW_BASEPTR,
    MMUEXT_PIN_L1_TABLE,
    MMUEXT_PIN_L4_TABLE,
    MMUEXT_UNPIN_TABLE,
)
from kpatch_tools.model.xen.refusal import Errno

READ_WRITE = PRESENT | RW | USER
READ_ONLY = PRESENT | USER
FIRST_SLOT = 272
"""Top-level slot of the direct mapping."""
FREE = 16
"""First frame that is nothing but mapped writable in the direct mapping."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked of Xen, or of the machine, what it must answer, and what it did answer."""

    what: str
    expected: str
    given: str

    @property
    def ok(self) -> bool:
        return self.expected == self.given


class CaseGuest:
    """64 pages, all in a direct mapping: L4 to L1 in pfns 0 to 3, mapped read-only, the rest writable.

    Frames are named by pfn. `expect` and its kind note answers; everything else returns them.
    """

    L4, L3, L2, L1 = 0, 1, 2, 3

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.memory = GuestMemory()
        self.xen = Xen(self.memory, Domain(nr_pages=64, iomem=((0xA0, 0x100),)))
        self.prepare(self.L4, FIRST_SLOT, self.entry(self.L3))
        self.prepare(self.L3, 0, self.entry(self.L2))
        self.prepare(self.L2, 0, self.entry(self.L1))
        for pfn in range(64):
            self.prepare(self.L1, pfn, self.entry(pfn, READ_ONLY if pfn <= self.L1 else READ_WRITE))
        self.ok("load the first root", self.xen.mmuext(MMUEXT_NEW_BASEPTR, self.mfn(self.L4)))
        self.ok("pin it", self.xen.mmuext(MMUEXT_PIN_L4_TABLE, self.mfn(self.L4)))

    # --- noting answers

    def expect(self, what: str, expected: object, given: object) -> None:
        self.answers.append(Answer(what, str(expected), str(given)))

    def ok(self, what: str, outcome: int) -> None:
        self.expect(what, "0", outcome)

    def refused(self, what: str, outcome: int, errno: Errno, words: str = "") -> None:
        """A negative outcome; with `words`, also how the first line that Xen prints begins."""
        self.expect(what, int(errno), outcome)
        if words:
            said = self.said()
            self.expect(f"{what}: what Xen says", words, said[0][: len(words)] if said else "nothing")

    def faults(self, what: str, action: Callable[[], object], fault: type[MachineFault]) -> None:
        """A page fault of the guest, of that very kind."""
        try:
            action()
        except MachineFault as error:
            self.expect(what, fault.__name__, type(error).__name__)
        else:
            self.expect(what, fault.__name__, "no fault")

    def counts(self, what: str, pfn: int, kind: FrameType, count: int) -> None:
        """Type and type count of a frame."""
        state = self.state(pfn)
        self.expect(what, f"{kind.name} {count}", f"{state.type.name} {state.count}")

    # --- asking

    def mfn(self, pfn: int) -> Mfn:
        mfn = self.xen.p2m(pfn)
        if mfn is None:
            raise ValueError(f"the guest has no page {pfn:#x}")
        return mfn

    def va(self, pfn: int) -> int:
        """Where the direct mapping has the page."""
        return REAL.page_offset + pfn * PAGE_SIZE

    def entry(self, pfn: int, flags: int = READ_WRITE) -> int:
        return entry_of(self.mfn(pfn), flags)

    def prepare(self, table: int, slot: int, entry: int) -> None:
        """Fill a frame behind Xen's back, as only its maker may: before it is a table."""
        if self.xen.table_level(self.mfn(table)):
            raise ValueError(f"page {table:#x} is a live table")
        self.memory.frame(self.mfn(table))[slot] = entry

    def read(self, table: int, slot: int) -> int:
        return self.memory.frame(self.mfn(table))[slot]

    def remap(self, pfn: int, flags: int) -> int:
        """Change the direct mapping of a page."""
        return self.xen.update_va_mapping(self.va(pfn), self.entry(pfn, flags))

    def read_only(self, *pfns: int) -> None:
        for pfn in pfns:
            self.ok(f"map page {pfn} read-only", self.remap(pfn, READ_ONLY))

    def update(self, table: int, slot: int, entry: int, command: int = 0, foreigndom: int = DOMID_SELF) -> int:
        return self.xen.mmu_update((self.mfn(table) << 12) + slot * 8 | command, entry, foreigndom)

    def pin(self, pfn: int, level: int) -> int:
        return self.xen.mmuext(MMUEXT_PIN_L1_TABLE + level - 1, self.mfn(pfn))

    def unpin(self, pfn: int) -> int:
        return self.xen.mmuext(MMUEXT_UNPIN_TABLE, self.mfn(pfn))

    def state(self, pfn: int) -> FrameState:
        return self.xen.frame_state(self.mfn(pfn))

    def store(self, va: int, value: int, size: int = 8) -> None:
        self.memory.accessors()[f"st{size}"](va, value)

    def load(self, va: int) -> int:
        return int(self.memory.accessors()["ld8"](va) or 0)

    def said(self) -> list[str]:
        """What Xen printed about the latest refusal."""
        return [line.message for line in self.xen.last_refusal()]
