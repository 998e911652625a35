"""Memory, page tables and CPU of the modelled machine.

A reader's path: `geometry` (the shape), `paging` (frames, walks, the TLB), `memory` (what translated C calls), `faults`
(what the machine refuses). A machine without a hypervisor differs in two places: nobody answers
`GuestMemory.on_read_only_write`, and its page tables are `model.native`'s, whose walks may end at a large page.
"""

from .entry import ACCESSED, DIRTY, GLOBAL, NX, PAT, PCD, PRESENT, PSE, PWT, RW, USER, entry_of, mfn_of
from .faults import (
    BugHit,
    FrameInfo,
    GuestShutdown,
    MachineFault,
    NotPresent,
    NullSlot,
    Panic,
    PtwrRefused,
    ReadOnlyWrite,
)
from .geometry import PAGE_SHIFT, PAGE_SIZE, REAL, Geometry
from .memory import GuestMemory, SavedMemory
from .paging import Leaves, Paging, Walk

__all__ = [
    "ACCESSED",
    "DIRTY",
    "GLOBAL",
    "NX",
    "PAGE_SHIFT",
    "PAGE_SIZE",
    "PAT",
    "PCD",
    "PRESENT",
    "PSE",
    "PWT",
    "REAL",
    "RW",
    "USER",
    "BugHit",
    "FrameInfo",
    "Geometry",
    "GuestMemory",
    "GuestShutdown",
    "Leaves",
    "MachineFault",
    "NotPresent",
    "NullSlot",
    "Paging",
    "Panic",
    "PtwrRefused",
    "ReadOnlyWrite",
    "SavedMemory",
    "Walk",
    "entry_of",
    "mfn_of",
]
