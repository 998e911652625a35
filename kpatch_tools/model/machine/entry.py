"""Bits of a page-table entry, as the x86-64 processor reads them (AMD64 APM vol. 2, 5.4)."""

from kpatch_tools.core.ids import Mfn

from .geometry import PAGE_SHIFT

PRESENT = 1 << 0
RW = 1 << 1
USER = 1 << 2
PWT = 1 << 3
PCD = 1 << 4
ACCESSED = 1 << 5
DIRTY = 1 << 6
PSE = 1 << 7
"""In an L2 or L3 entry: a large page."""
PAT = 1 << 7
"""In an L1 entry: third bit of the memory type."""
GLOBAL = 1 << 8
NX = 1 << 63

MFN_MASK = (1 << 40) - 1
"""Bits 12 to 51 of an entry, shifted down."""


def mfn_of(entry: int) -> Mfn:
    """The frame number in `entry`, present or not."""
    return Mfn((entry >> PAGE_SHIFT) & MFN_MASK)


def entry_of(mfn: int, flags: int) -> int:
    """An entry for frame `mfn` with the flag bits `flags`.

    >>> hex(entry_of(0x1234, PRESENT | RW))
    '0x1234003'
    """
    return mfn << PAGE_SHIFT | flags
