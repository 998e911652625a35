"""Everything Xen knows about the guest, and the counting of references."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.machine import GuestMemory

from .domain import Domain, fast_translations
from .frametype import LOCKED, PINNED, TYPE_SHIFT, VALIDATED, FrameEvent, FrameState, FrameType, TypedFrame
from .refusal import Errno, Refusal, RuleId

Key = TypeVar("Key")
Value = TypeVar("Value")

INVALID_PFN = (1 << 64) - 1

CallChain = Callable[[], tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedState:
    """What `XenState.checkpoint` gives; `registers` are user root, LDT base and size, GDT frames, operation."""

    writable: list[int]
    typed: dict[int, TypedFrame]
    read_only: dict[int, int]
    m2p_updates: dict[int, int]
    ldt_frames: dict[int, Mfn]
    registers: tuple[Mfn | None, int, int, tuple[Mfn, ...], int]
    log: list[Refusal]


class XenState:
    """Reference counts, types and registers; the rules are functions over it.

    Type counts of writable frames are in `writable`, indexed by mfn - `base` because that is what validation of an L1
    table touches 512 times: a number of writable references, or -1 where a writable reference is impossible (a live
    page table or descriptor page, or a frame that is not the domain's). `typed` has the frames of all other types.
    `read_only` counts L1 entries that map a frame read-only (general references; absent means 0). The general count
    of a frame follows from the three.
    """

    def __init__(self, memory: GuestMemory, domain: Domain) -> None:
        self.memory = memory
        self.domain = domain
        self.geometry = memory.geometry
        self.base = domain.base
        self.size = domain.size
        self.writable = [0] * domain.nr_pages + [1] * domain.special_pages
        for pfn in domain.absent_pfns():
            self.writable[domain.scatter(pfn)] = -1
        self.typed: dict[int, TypedFrame] = {}
        self.read_only: dict[int, int] = {}
        self.m2p_updates: dict[int, int] = {}
        self.p2m, self.pfn_of = fast_translations(domain, self.m2p_updates)
        """`Domain.p2m`; and what the machine-to-physical table says, updates by the guest included."""
        self.user_root: Mfn | None = None
        self.ldt_base = 0
        self.ldt_entries = 0
        self.ldt_frames: dict[int, Mfn] = {}
        self.gdt_frames: tuple[Mfn, ...] = ()
        self.log: list[Refusal] = []
        self.operation = 0
        self.call_chain: CallChain = tuple
        self.on_event: Callable[[FrameEvent], None] | None = None
        self._locked: int | None = None

    # --- checkpoints

    def checkpoint(self) -> "SavedState":
        """Counts, types and registers as they are, for `rewind`."""
        return SavedState(
            writable=self.writable.copy(),
            typed={mfn: replace(frame) for mfn, frame in self.typed.items()},
            read_only=self.read_only.copy(),
            m2p_updates=self.m2p_updates.copy(),
            ldt_frames=self.ldt_frames.copy(),
            registers=(self.user_root, self.ldt_base, self.ldt_entries, self.gdt_frames, self.operation),
            log=self.log.copy(),
        )

    def rewind(self, saved: "SavedState") -> None:
        """As they were. Containers keep their identity: look-ups hold them."""
        self.writable[:] = saved.writable
        _refill(self.read_only, saved.read_only)
        _refill(self.m2p_updates, saved.m2p_updates)
        _refill(self.ldt_frames, saved.ldt_frames)
        self.typed.clear()
        self.typed.update((mfn, replace(frame)) for mfn, frame in saved.typed.items())
        self.user_root, self.ldt_base, self.ldt_entries, self.gdt_frames, self.operation = saved.registers
        self.log[:] = saved.log
        self._locked = None

    # --- who a frame belongs to

    def owns(self, mfn: int) -> bool:
        index = mfn - self.base
        return 0 <= index < self.size and (self.writable[index] >= 0 or mfn in self.typed)

    # --- operations and their log

    def begin(self) -> None:
        """A new operation of the guest: refusals from here on belong to it."""
        self.operation += 1

    def refuse(self, rule: RuleId, message: str, mfn: int | None = None) -> None:
        """Log one line; the caller returns the outcome code."""
        pfn = None if mfn is None else self.pfn_of(mfn)
        frame = None if mfn is None else Mfn(mfn)
        self.log.append(Refusal(rule, message, frame, pfn, self.operation, self.call_chain()))

    def event(self, what: str, mfn: int, kind: FrameType) -> None:
        if self.on_event is not None:
            self.on_event(FrameEvent(what, mfn, kind))

    def name(self, mfn: int) -> str:
        """A frame in Xen's words: "mfn 4101b (pfn 7efe4)"."""
        pfn = self.pfn_of(mfn)
        return f"mfn {mfn:05x} (pfn {INVALID_PFN if pfn is None else pfn:05x})"

    # --- types and counts

    def live(self, mfn: int) -> TypedFrame | None:
        """The record of a frame that is a page table or descriptor page now (type count above 0)."""
        frame = self.typed.get(mfn)
        return frame if frame is not None and frame.count else None

    def lock(self, mfn: int) -> None:
        """Page lock around one entry's update: it shows in the type word that a refusal prints, and nowhere else."""
        self._locked = mfn

    def unlock(self) -> None:
        self._locked = None

    def type_word(self, mfn: int) -> int:
        """Type word of a frame of the domain, as Xen prints it.

        Source: xen@RELEASE-4.17.5:xen/arch/x86/include/asm/mm.h#PGT_count_mask.
        """
        frame = self.live(mfn)
        if frame is None:
            count = self.writable[mfn - self.base]
            return FrameType.WRITABLE << TYPE_SHIFT | VALIDATED | count if count > 0 else 0
        word = frame.type << TYPE_SHIFT | frame.count
        word |= VALIDATED if frame.validated else 0
        word |= PINNED if frame.pinned else 0
        return word + (LOCKED | 1) if mfn == self._locked else word

    def bad_type(self, mfn: int, wanted: FrameType) -> Errno:
        """Rule frame-type, refused: a frame in use has another type."""
        self.refuse(
            RuleId.FRAME_TYPE,
            f"Bad type (saw {self.type_word(mfn):016x} != exp {wanted << TYPE_SHIFT:016x}) for {self.name(mfn)}",
            mfn,
        )
        return Errno.EINVAL

    def take_writable(self, mfn: int) -> bool:
        """Rule frame-type for PGT_writable_page, on a frame of the domain: nothing to validate."""
        index = mfn - self.base
        count = self.writable[index]
        if count < 0:
            self.bad_type(mfn, FrameType.WRITABLE)
            return False
        self.writable[index] = count + 1
        return True

    def drop_writable(self, mfn: int) -> None:
        index = mfn - self.base
        count = self.writable[index]
        if count < 1:
            raise AssertionError(f"writable reference of mfn {mfn:x} dropped that was never taken")
        self.writable[index] = count - 1

    def take_general(self, mfn: int) -> None:
        """A general reference only: a read-only mapping of a frame of the domain."""
        self.read_only[mfn] = self.read_only.get(mfn, 0) + 1

    def drop_general(self, mfn: int) -> None:
        count = self.read_only[mfn] - 1
        if count:
            self.read_only[mfn] = count
        else:
            del self.read_only[mfn]

    def state_of(self, mfn: int) -> FrameState:
        """The state of a frame of the domain; KeyError for any other."""
        if not self.owns(mfn):
            raise KeyError(f"mfn {mfn:x} is not the domain's")
        readers = self.read_only.get(mfn, 0)
        frame = self.live(mfn)
        if frame is not None:
            return FrameState(frame.type, frame.count, 1 + readers + frame.count, frame.validated, frame.pinned)
        count = self.writable[mfn - self.base]
        kind = FrameType.WRITABLE if count else FrameType.NONE
        return FrameState(kind, count, 1 + readers + count, bool(count))


def _refill(mine: dict[Key, Value], kept: Mapping[Key, Value]) -> None:
    mine.clear()
    mine.update(kept)
