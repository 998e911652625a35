"""A small PV guest under Xen, ready to run."""

from collections.abc import Callable

import pytest
from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.machine import PAGE_SIZE, PRESENT, REAL, RW, USER, GuestMemory, entry_of
from kpatch_tools.model.xen import (
    MMUEXT_NEW_BASEPTR,
    MMUEXT_PIN_L1_TABLE,
    MMUEXT_PIN_L4_TABLE,
    MMUEXT_UNPIN_TABLE,
    Domain,
    FrameState,
    Xen,
)

READ_WRITE = PRESENT | RW | USER
READ_ONLY = PRESENT | USER
CHAIN = ("the_caller",)


class Guest:
    """A guest of 64 pages, all in a direct mapping: L4 to L1 in pfns 0 to 3 (mapped read-only), the rest writable.

    Frames 16 and up are free for a test; everything speaks in pfns.
    """

    L4, L3, L2, L1 = 0, 1, 2, 3

    def __init__(self, domain: Domain | None = None) -> None:
        self.memory = GuestMemory()
        self.xen = Xen(self.memory, domain or Domain(nr_pages=64), call_chain=lambda: CHAIN)
        self.set(self.L4, 272, self.entry(self.L3, READ_WRITE))
        self.set(self.L3, 0, self.entry(self.L2, READ_WRITE))
        self.set(self.L2, 0, self.entry(self.L1, READ_WRITE))
        for pfn in range(64):
            if self.xen.p2m(pfn) is not None:
                self.set(self.L1, pfn, self.entry(pfn, READ_ONLY if pfn <= self.L1 else READ_WRITE))
        assert self.xen.mmuext(MMUEXT_NEW_BASEPTR, self.mfn(self.L4)) == 0
        assert self.xen.mmuext(MMUEXT_PIN_L4_TABLE, self.mfn(self.L4)) == 0

    def mfn(self, pfn: int) -> Mfn:
        mfn = self.xen.p2m(pfn)
        assert mfn is not None
        return mfn

    def va(self, pfn: int) -> int:
        """Where the direct mapping has the page."""
        return REAL.page_offset + pfn * PAGE_SIZE

    def entry(self, pfn: int, flags: int = READ_WRITE) -> int:
        return entry_of(self.mfn(pfn), flags)

    def set(self, table: int, slot: int, entry: int) -> None:
        """Prepare a frame behind Xen's back: only while it is no live table."""
        assert self.xen.table_level(self.mfn(table)) == 0
        self.memory.frame(self.mfn(table))[slot] = entry

    def get(self, table: int, slot: int) -> int:
        return self.memory.frame(self.mfn(table))[slot]

    def remap(self, pfn: int, flags: int) -> int:
        """Change the direct mapping of a page."""
        return self.xen.update_va_mapping(self.va(pfn), self.entry(pfn, flags))

    def update(self, table: int, slot: int, entry: int, command: int = 0) -> int:
        return self.xen.mmu_update((self.mfn(table) << 12) + slot * 8 | command, entry)

    def pin(self, pfn: int, level: int) -> int:
        return self.xen.mmuext(MMUEXT_PIN_L1_TABLE + level - 1, self.mfn(pfn))

    def unpin(self, pfn: int) -> int:
        return self.xen.mmuext(MMUEXT_UNPIN_TABLE, self.mfn(pfn))

    def state(self, pfn: int) -> FrameState:
        return self.xen.frame_state(self.mfn(pfn))

    def store(self, va: int, value: int, size: int = 8) -> None:
        self.memory.accessors()[f"st{size}"](va, value)

    def load(self, va: int) -> int:
        value = self.memory.accessors()["ld8"](va)
        assert isinstance(value, int)
        return value

    def said(self) -> list[str]:
        """What Xen printed about the latest refusal."""
        return [line.message for line in self.xen.last_refusal()]


@pytest.fixture
def guest() -> Guest:
    return Guest()


@pytest.fixture
def make_guest() -> Callable[[Domain], Guest]:
    return Guest
