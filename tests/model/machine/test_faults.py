"""Faults say what a person needs, and keep what a comparison needs."""

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import Mfn, Pfn
from kpatch_tools.model.machine import (
    BugHit,
    FrameInfo,
    GuestShutdown,
    MachineFault,
    NotPresent,
    Panic,
    PtwrRefused,
    ReadOnlyWrite,
)

TABLE = FrameInfo(Mfn(0x4101B), Pfn(0x7EFE4), "a live L1 page table (type count 1)", 1)
FOREIGN = FrameInfo(Mfn(0x123), None, "mfn 00123, not a frame of the domain")


@pytest.mark.parametrize(
    ("fault", "kind", "message"),
    [
        (NotPresent(0x1000, write=True, level=2), "not-present", "page fault: write to 0x1000, no L2 entry"),
        (
            NotPresent(1 << 50, write=False, level=0),
            "not-present",
            f"page fault: read of {1 << 50:#x}, not a canonical address",
        ),
        (
            ReadOnlyWrite(0x1000, TABLE),
            "read-only-write",
            "page fault: write to read-only 0x1000 (pfn 7efe4, mfn 4101b, a live L1 page table (type count 1))",
        ),
        (
            ReadOnlyWrite(0x1000, FOREIGN),
            "read-only-write",
            "page fault: write to read-only 0x1000 (mfn 00123, not a frame of the domain)",
        ),
        (
            PtwrRefused(0x1008, TABLE, slot=1, value=0x67, reason="Bad type"),
            "ptwr-refused",
            "page fault: write of 0x67 to slot 0x1 of a page table at 0x1008 "
            "(pfn 7efe4, mfn 4101b, a live L1 page table (type count 1)) refused: Bad type",
        ),
        (BugHit("BUG_ON", "mm/a.c", 12), "bug", "BUG_ON at mm/a.c:12"),
        (Panic("no memory"), "panic", "panic: no memory"),
        (GuestShutdown("crash"), "shutdown", "guest shut itself down (crash)"),
    ],
)
def test_every_fault_has_a_kind_and_words(fault: MachineFault, kind: str, message: str) -> None:
    assert (fault.kind, str(fault), fault.message) == (kind, message, message)


def test_a_fault_is_a_verdict_and_no_error_of_ours() -> None:
    """Three roots that are never mixed: who catches one does not catch the other."""
    assert not issubclass(MachineFault, KpatchError)
    assert not issubclass(KpatchError, MachineFault)


def test_the_fields_of_a_fault_can_be_compared() -> None:
    refused = PtwrRefused(0x1008, TABLE, slot=1, value=0x67, reason="Bad type")
    assert (refused.va, refused.frame, refused.slot, refused.value, refused.reason) == (
        0x1008,
        TABLE,
        1,
        0x67,
        "Bad type",
    )
    assert (BugHit("BUG", "a.c", 3).file, BugHit("BUG", "a.c", 3).line, BugHit("BUG", "a.c", 3).va) == ("a.c", 3, None)
    assert (Panic("x").text, GuestShutdown("crash").reason) == ("x", "crash")
