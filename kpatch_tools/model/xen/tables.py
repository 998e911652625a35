"""Page-table frames: taking and dropping typed references, validation and de-validation, linear tables."""

from kpatch_tools.model.machine import PRESENT, RW, mfn_of
from kpatch_tools.model.machine.geometry import LEVELS

from .frametype import TYPE_SHIFT, FrameType, TypedFrame
from .l1 import demote_l1_table, promote_l1_table, read_entries
from .pte import adjust_upper, check_flags
from .refusal import Errno, RuleId
from .segment import validate_segdesc_page
from .state import XenState


def get_page_and_type(xen: XenState, mfn: int, kind: FrameType) -> int:
    """A general and a `kind` reference to a frame; 0, or an outcome code and nothing taken.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#get_page_and_type_from_mfn.
    """
    return get_page_type(xen, mfn, kind) if get_page(xen, mfn) else Errno.EINVAL


def get_page(xen: XenState, mfn: int) -> bool:
    """Rule owner: whether the frame is the domain's. A general reference is implied in what the caller takes.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#get_page. Omitted: the two count words of the line.
    """
    owned = xen.owns(mfn)
    if not owned:
        xen.refuse(RuleId.OWNER, f"Error mfn {mfn:05x}: rd=d0 od=NULL", mfn)
    return owned


def get_page_type(xen: XenState, mfn: int, kind: FrameType) -> int:
    """Rule frame-type: a reference of an exclusive type other than writable, to a frame of the domain.

    The type may change only while the type count is 0, and then the frame is validated for its new use.
    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#_get_page_type.
    Omitted: preemption, count overflow, the IOMMU and shadow mode; the TLB flush on a type change (ours is never
    stale).
    """
    frame = xen.live(mfn)
    if frame is not None:
        if frame.type is not kind:
            # A table one level too high may yet be a linear mapping: the caller speaks.
            if not (kind < FrameType.L4 and frame.type == kind + 1):
                xen.bad_type(mfn, kind)
            return Errno.EINVAL
        if not frame.validated:
            raise AssertionError(f"mfn {mfn:x} asked for as {kind.name} while it is being validated: Xen would hang")
        frame.count += 1
        return 0
    index = mfn - xen.base
    if xen.writable[index]:
        return xen.bad_type(mfn, kind)
    frame = xen.typed[mfn] = TypedFrame(kind, count=1)
    xen.writable[index] = -1
    outcome = _validate_page(xen, mfn, kind)
    if outcome:
        frame.count = 0
        frame.type = FrameType.NONE
        xen.writable[index] = 0
        return outcome
    frame.validated = True
    xen.event("validated", mfn, kind)
    return 0


def _validate_page(xen: XenState, mfn: int, kind: FrameType) -> int:
    """Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#validate_page.

    Omitted: a partly validated table that is taken apart only at the guest's next call; here it is at once.
    """
    if kind is FrameType.L1:
        outcome = promote_l1_table(xen, mfn)
    elif kind.level:
        outcome = promote_upper_table(xen, mfn, kind.level)
    else:
        outcome = validate_segdesc_page(xen, mfn)
    if outcome:
        xen.refuse(
            RuleId.VALIDATE_L1 if kind is FrameType.L1 else RuleId.VALIDATE_UPPER,
            f"Error while validating {xen.name(mfn)} for type {kind << TYPE_SHIFT:016x}: "
            f"caf={0x8000000000000000 | xen.state_of(mfn).general:08x} taf={xen.type_word(mfn):016x}",
            mfn,
        )
    return outcome


def put_page_type(xen: XenState, mfn: int, parent: TypedFrame | None = None) -> None:
    """Drop one type reference; a page table whose last one goes is no longer one.

    `parent` is the table whose entry held the reference, if one did: between tables of the same type it was a linear
    use. Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#_put_page_type.
    """
    frame = xen.typed[mfn]
    if frame.count < 1 or not frame.validated:
        raise AssertionError(f"type reference of mfn {mfn:x} dropped that was never taken")
    if frame.count == 1 and frame.type.level:
        devalidate_page(xen, mfn, frame)
    if parent is not None and parent.type is frame.type:
        frame.linear += 1
        parent.linear -= 1
    frame.count -= 1
    if frame.count == 0:
        frame.validated = False
        xen.writable[mfn - xen.base] = 0
        if frame.linear:
            raise AssertionError(f"mfn {mfn:x} is no page table any more but counts linear uses")


def devalidate_page(xen: XenState, mfn: int, frame: TypedFrame) -> None:
    """Rule devalidate: a page table drops everything that its entries hold. Its label stays.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#devalidate_page.
    """
    frame.validated = False
    if frame.type is FrameType.L1:
        demote_l1_table(xen, mfn)
    else:
        demote_upper_table(xen, mfn, frame.type.level)
    xen.event("devalidated", mfn, frame.type)


def get_page_from_upper(xen: XenState, entry: int, table: int, level: int) -> int:
    """Take what a present entry of an L2, L3 or L4 table needs: a table of the level below, or a linear one.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#get_page_from_l2e (and l3e, l4e).
    """
    if not check_flags(xen, entry, level, table):
        return Errno.EINVAL
    outcome = get_page_and_type(xen, mfn_of(entry), FrameType(level - 1))
    if outcome == Errno.EINVAL and get_linear_pagetable(xen, entry, table, level):
        return 0
    return outcome


def get_linear_pagetable(xen: XenState, entry: int, table: int, level: int) -> bool:
    """Rule linear-table: an entry that points to a table of its own level, read-only, one step deep.

    A table's entry for itself takes nothing. Another table must be validated already, must have no linear entries of
    its own, and `table` must not be used linearly elsewhere.
    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#define_get_linear_pagetable.
    """
    if entry & RW:
        xen.refuse(RuleId.LINEAR_TABLE, "Attempt to create linear p.t. with write perms", table)
        return False
    mfn = mfn_of(entry)
    if mfn == table:
        return True
    parent, target = xen.typed[table], xen.live(mfn)
    if target is None or target.type.level != level or not target.validated:
        return False
    if parent.linear < 0 or target.linear > 0:
        return False
    parent.linear += 1
    target.linear -= 1
    target.count += 1
    return True


def put_page_from_upper(xen: XenState, entry: int, table: int) -> None:
    """Drop what `get_page_from_upper` took for an entry of `table`.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#put_page_from_l2e (and l3e, l4e).
    """
    mfn = mfn_of(entry)
    if entry & PRESENT and mfn != table:
        put_page_type(xen, mfn, xen.typed[table])


def is_reserved(xen: XenState, level: int, slot: int) -> bool:
    """Rule reserved-slots: a top-level slot that is Xen's.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/include/asm/x86_64/page.h#is_guest_l4_slot.
    """
    return level == LEVELS and slot in xen.geometry.reserved_l4_slots


def promote_upper_table(xen: XenState, mfn: int, level: int) -> int:
    """Rule validate-upper: take what every present entry needs, or drop what was taken and return the outcome code.

    Xen's slots of a top-level table are not looked at but overwritten; here with entries that are not present, as no
    modelled code reads through them.
    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#promote_l2_table (and l3, l4), #init_xen_l4_slots.
    """
    frame, stride = xen.memory.frame(mfn), xen.geometry.entry_words
    entries = read_entries(xen, mfn)
    for slot, entry in enumerate(entries):
        if not entry & PRESENT or is_reserved(xen, level, slot):
            continue
        outcome = get_page_from_upper(xen, entry, mfn, level)
        if outcome:
            xen.refuse(RuleId.VALIDATE_UPPER, f"Failure {int(outcome)} in promote_l{level}_table: slot {slot:#x}", mfn)
            _drop_entries(xen, mfn, level, slot)
            return outcome
        frame[slot * stride] = adjust_upper(entry)
    if level == LEVELS:
        for slot in xen.geometry.reserved_l4_slots:
            frame[slot * stride] = 0
    return 0


def demote_upper_table(xen: XenState, mfn: int, level: int) -> None:
    """Drop what all entries hold. Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#demote_l2_table (and l3, l4)."""
    _drop_entries(xen, mfn, level, xen.geometry.entries)


def _drop_entries(xen: XenState, mfn: int, level: int, end: int) -> None:
    """Drop what the entries below slot `end` hold, last first."""
    entries = read_entries(xen, mfn)
    for slot in range(end - 1, -1, -1):
        if not is_reserved(xen, level, slot):
            put_page_from_upper(xen, entries[slot], mfn)
