"""Frame types, and what is kept per frame that has one of the exclusive types."""

from dataclasses import dataclass
from enum import IntEnum


class FrameType(IntEnum):
    """Mutually exclusive uses of a frame; values as in Xen's type_info, bits 61 to 63.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/include/asm/mm.h#PGT_type_mask.
    """

    NONE = 0
    L1 = 1
    L2 = 2
    L3 = 3
    L4 = 4
    SEG_DESC = 5
    SHARED = 6
    WRITABLE = 7

    @property
    def level(self) -> int:
        """1 to 4 for page tables, else 0."""
        return self.value if self <= FrameType.L4 else 0


TYPE_SHIFT = 61
LOCKED = 1 << 60
PINNED = 1 << 59
VALIDATED = 1 << 58


@dataclass(slots=True)
class TypedFrame:
    """A frame that is, or was, a page table or holds segment descriptors.

    `count` is the type count. At 0 the frame may take any type; `type` is then only the label of its last use.
    `linear` counts same-level entries in this table (positive) or its uses as a same-level entry elsewhere (negative).
    """

    type: FrameType
    count: int = 0
    validated: bool = False
    pinned: bool = False
    linear: int = 0


@dataclass(frozen=True, slots=True)
class FrameState:
    """A frame at one moment: its type, type count and general count as Xen counts them.

    `general` includes the reference that an allocated frame always has. A frame with type count 0 is shown as NONE.
    """

    type: FrameType
    count: int
    general: int
    validated: bool = False
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class FrameEvent:
    """What happened to a frame, for explanations: "validated", "devalidated", "pinned", "unpinned" or "root"."""

    what: str
    mfn: int
    type: FrameType
