"""Memory, page tables and CPU of the modelled machine."""

from .entry import ACCESSED, DIRTY, GLOBAL, NX, PAT, PCD, PRESENT, PSE, PWT, RW, USER, entry_of, mfn_of
from .faults import BugHit, FrameInfo, GuestShutdown, MachineFault, NotPresent, Panic, PtwrRefused, ReadOnlyWrite
from .geometry import PAGE_SHIFT, PAGE_SIZE, REAL, Geometry
from .memory import GuestMemory
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
    "Paging",
    "Panic",
    "PtwrRefused",
    "ReadOnlyWrite",
    "Walk",
    "entry_of",
    "mfn_of",
]
