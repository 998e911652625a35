"""What the machine refuses: verdicts about the guest.

A MachineFault says that the guest did something that kills a real one. It is never an error of the program
(KpatchError) and never a statement about us.
"""

from dataclasses import dataclass

from kpatch_tools.core.ids import Mfn, Pfn


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """What a frame is at the moment of a fault. `pfn` is None for a frame that is not the guest's.

    `table_level` is 1 to 4 for a live page table, else 0; `what` says the same, and more, in words.
    """

    mfn: Mfn
    pfn: Pfn | None
    what: str
    table_level: int = 0

    def __str__(self) -> str:
        return f"pfn {self.pfn:05x}, mfn {self.mfn:05x}, {self.what}" if self.pfn is not None else self.what


class MachineFault(Exception):  # noqa: N818 (a fault is not an error: the field's word)
    """Base of all faults. `kind` is stable; `va` and `frame` are None where the fault has none."""

    kind = "fault"

    def __init__(self, message: str, *, va: int | None = None, frame: FrameInfo | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.va = va
        self.frame = frame


class NotPresent(MachineFault):
    """No translation for `va`; `level` is the table (4 to 1) whose entry is missing, 0 if `va` is not canonical."""

    kind = "not-present"

    def __init__(self, va: int, *, write: bool, level: int) -> None:
        where = f"no L{level} entry" if level else "not a canonical address"
        super().__init__(f"page fault: {'write to' if write else 'read of'} {va:#x}, {where}", va=va)
        self.write = write
        self.level = level


class ReadOnlyWrite(MachineFault):
    """A write through a mapping that is read-only, and that nothing emulates."""

    kind = "read-only-write"

    def __init__(self, va: int, frame: FrameInfo) -> None:
        super().__init__(f"page fault: write to read-only {va:#x} ({frame})", va=va, frame=frame)


class PtwrRefused(MachineFault):
    """A trapped write to a validated L1 table whose new entry the hypervisor refused.

    `frame` is the table, `slot` the entry, `value` the whole new entry, `reason` the hypervisor's first words.
    """

    kind = "ptwr-refused"

    def __init__(self, va: int, frame: FrameInfo, *, slot: int, value: int, reason: str) -> None:
        super().__init__(
            f"page fault: write of {value:#x} to slot {slot:#x} of a page table at {va:#x} ({frame}) refused: {reason}",
            va=va,
            frame=frame,
        )
        self.slot = slot
        self.value = value
        self.reason = reason


class NullSlot(MachineFault):
    """A call through an empty slot of a hook table; `slot` as C spells it, "x86_init.mapping.pagetable_reserve"."""

    kind = "null-slot"

    def __init__(self, slot: str) -> None:
        super().__init__(f"page fault: call through the empty slot {slot}", va=0)
        self.slot = slot


class BugHit(MachineFault):
    """The kernel's own BUG() or BUG_ON(); `file` and `line` as the kernel would print them."""

    kind = "bug"

    def __init__(self, what: str, file: str, line: int) -> None:
        super().__init__(f"{what} at {file}:{line}")
        self.what = what
        self.file = file
        self.line = line


class Panic(MachineFault):
    """The kernel's own panic(); `text` is its formatted message."""

    kind = "panic"

    def __init__(self, text: str) -> None:
        super().__init__(f"panic: {text}")
        self.text = text


class GuestShutdown(MachineFault):
    """The guest asked the hypervisor to end it; `reason` in Xen's spelling, e.g. "crash"."""

    kind = "shutdown"

    def __init__(self, reason: str) -> None:
        super().__init__(f"guest shut itself down ({reason})")
        self.reason = reason
