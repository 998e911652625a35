"""What Xen says when it refuses."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from kpatch_tools.core.ids import Mfn, Pfn


class Errno(IntEnum):
    """Outcome codes, negated as the guest gets them; values of Xen's public errno.h."""

    EPERM = -1
    EFAULT = -14
    EBUSY = -16
    EINVAL = -22
    ENOSYS = -38
    EOPNOTSUPP = -95


class RuleId(StrEnum):
    """Stable names of the rules; `rules.RULES` says what each states."""

    FRAME_TYPE = "frame-type"
    WRITABLE_MAPPING = "writable-mapping"
    READ_ONLY_MAPPING = "read-only-mapping"
    PIN = "pin"
    UNPIN = "unpin"
    VALIDATE_L1 = "validate-l1"
    VALIDATE_UPPER = "validate-upper"
    DEVALIDATE = "devalidate"
    LINEAR_TABLE = "linear-table"
    ENTRY_FLAGS = "entry-flags"
    ADJUST_ENTRY = "adjust-entry"
    MOD_L1 = "mod-l1"
    MOD_UPPER = "mod-upper"
    RESERVED_SLOTS = "reserved-slots"
    PTWR = "ptwr"
    MMU_UPDATE = "mmu-update"
    MACHPHYS_UPDATE = "machphys-update"
    UPDATE_VA_MAPPING = "update-va-mapping"
    BASEPTR = "baseptr"
    USER_BASEPTR = "user-baseptr"
    TLB_FLUSH = "tlb-flush"
    LDT = "ldt"
    GDT = "gdt"
    SEGMENT_DESCRIPTORS = "segment-descriptors"
    OWNER = "owner"
    IOMEM = "iomem"
    WRITE_PROTECT = "write-protect"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One line that a debug build of Xen prints while it refuses.

    `mfn` is the frame that the line is about and `pfn` the guest's number for it, None where there is none.
    `operation` counts the guest's operations from 1: all lines of one refused operation share it, the first is the
    cause. `chain` is what the call-chain callback said, innermost first.
    """

    rule: RuleId
    message: str
    mfn: Mfn | None
    pfn: Pfn | None
    operation: int
    chain: tuple[object, ...] = ()
