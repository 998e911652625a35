"""A memory with a few mapped pages."""

from collections.abc import Callable

import pytest
from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.machine import PAGE_SIZE, PRESENT, REAL, RW, USER, GuestMemory, entry_of

MapPages = Callable[..., int]


@pytest.fixture
def memory() -> GuestMemory:
    return GuestMemory()


@pytest.fixture
def map_pages(memory: GuestMemory) -> MapPages:
    """Map frames one after another at PAGE_OFFSET and return the address of the first."""

    def build(*entries: int) -> int:
        for table in (1, 2, 3):
            slot = REAL.slot(REAL.page_offset, 5 - table)
            memory.frame(table)[slot] = entry_of(table + 1, PRESENT | RW | USER)
        for slot, entry in enumerate(entries):
            memory.frame(4)[slot] = entry
        memory.paging.load_root(Mfn(1))
        return REAL.page_offset

    assert REAL.span(1) == PAGE_SIZE
    return build
