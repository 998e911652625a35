"""Extended page-table operations: pinning, base pointers, the LDT, flushes."""

from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.machine.geometry import PAGE_SHIFT, PAGE_SIZE

from .domain import DOMID_SELF
from .frametype import FrameType
from .refusal import Errno, RuleId
from .segment import check_descriptor
from .state import XenState
from .tables import get_page, get_page_and_type, get_page_type, put_page_type
from .update import is_guest_address

MMUEXT_PIN_L1_TABLE = 0
MMUEXT_PIN_L2_TABLE = 1
MMUEXT_PIN_L3_TABLE = 2
MMUEXT_PIN_L4_TABLE = 3
MMUEXT_UNPIN_TABLE = 4
MMUEXT_NEW_BASEPTR = 5
MMUEXT_TLB_FLUSH_LOCAL = 6
MMUEXT_INVLPG_LOCAL = 7
MMUEXT_TLB_FLUSH_MULTI = 8
MMUEXT_INVLPG_MULTI = 9
MMUEXT_TLB_FLUSH_ALL = 10
MMUEXT_INVLPG_ALL = 11
MMUEXT_FLUSH_CACHE = 12
MMUEXT_SET_LDT = 13
MMUEXT_NEW_USER_BASEPTR = 15

_MAX_LDT_ENTRIES = 8192
_FIRST_RESERVED_GDT_ENTRY = 14 * 512
_DESCRIPTORS_PER_PAGE = 512


def mmuext_op(xen: XenState, command: int, arg1: int, arg2: int = 0, foreigndom: int = DOMID_SELF) -> int:
    """One operation; `arg1` is a frame number or an address, as the command wants it.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#do_mmuext_op.
    Omitted: MMUEXT_CLEAR_PAGE, COPY_PAGE, FLUSH_CACHE_GLOBAL and (UN)MARK_SUPER, which answer -ENOSYS here.
    """
    if command <= MMUEXT_PIN_L4_TABLE:
        return pin_table(xen, arg1, FrameType(command + 1))
    if command == MMUEXT_UNPIN_TABLE:
        return unpin_table(xen, arg1)
    if command > MMUEXT_NEW_USER_BASEPTR or command == 14:
        return Errno.ENOSYS
    if foreigndom != DOMID_SELF:
        return Errno.EPERM
    if command == MMUEXT_NEW_BASEPTR:
        return new_baseptr(xen, arg1)
    if command == MMUEXT_NEW_USER_BASEPTR:
        return new_user_baseptr(xen, arg1)
    if command == MMUEXT_SET_LDT:
        return set_ldt(xen, arg1, arg2)
    return flush()


def flush() -> int:
    """Rule tlb-flush: nothing to do, the modelled TLB is never stale.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#do_mmuext_op (MMUEXT_TLB_FLUSH_LOCAL to MMUEXT_FLUSH_CACHE).
    """
    return 0


def pin_table(xen: XenState, mfn: int, kind: FrameType) -> int:
    """Rule pin: one typed reference and a flag; pins do not nest.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#do_mmuext_op (pin_page).
    """
    if not get_page(xen, mfn):
        return Errno.EINVAL
    outcome = get_page_type(xen, mfn, kind)
    if outcome:
        xen.refuse(RuleId.PIN, f"Error {int(outcome)} while pinning mfn {mfn:05x}", mfn)
        return outcome
    frame = xen.typed[mfn]
    if frame.pinned:
        xen.refuse(RuleId.PIN, f"mfn {mfn:05x} already pinned", mfn)
        put_page_type(xen, mfn)
        return Errno.EINVAL
    frame.pinned = True
    xen.event("pinned", mfn, kind)
    return 0


def unpin_table(xen: XenState, mfn: int) -> int:
    """Rule unpin: only what is pinned; the reference of the pin goes.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#do_mmuext_op (MMUEXT_UNPIN_TABLE).
    """
    if not get_page(xen, mfn):
        xen.refuse(RuleId.UNPIN, f"mfn {mfn:05x} bad, or bad owner d0", mfn)
        return Errno.EINVAL
    frame = xen.live(mfn)
    if frame is None or not frame.pinned:
        xen.refuse(RuleId.UNPIN, f"mfn {mfn:05x} not pinned", mfn)
        return Errno.EINVAL
    frame.pinned = False
    xen.event("unpinned", mfn, frame.type)
    put_page_type(xen, mfn)
    return 0


def new_baseptr(xen: XenState, mfn: int) -> int:
    """Rule baseptr: the kernel's CR3 holds an L4 reference; the LDT's references go.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#new_guest_cr3.
    """
    old = xen.memory.paging.root
    if mfn == old:
        return 0
    outcome = get_page_and_type(xen, mfn, FrameType.L4)
    if outcome:
        xen.refuse(RuleId.BASEPTR, f"Error while installing new baseptr {mfn:05x}", mfn)
        return outcome
    destroy_ldt(xen)
    xen.memory.paging.load_root(Mfn(mfn))
    xen.event("root", mfn, FrameType.L4)
    if old is not None:
        put_page_type(xen, old)
    return 0


def new_user_baseptr(xen: XenState, mfn: int) -> int:
    """Rule user-baseptr: the same for the page tables of user mode; frame 0 means none.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#do_mmuext_op (MMUEXT_NEW_USER_BASEPTR).
    """
    old = xen.user_root
    if mfn == (old or 0):
        return 0
    if mfn:
        outcome = get_page_and_type(xen, mfn, FrameType.L4)
        if outcome:
            xen.refuse(RuleId.USER_BASEPTR, f"Error {int(outcome)} installing new mfn {mfn:05x}", mfn)
            return outcome
    xen.user_root = Mfn(mfn) if mfn else None
    if old is not None:
        put_page_type(xen, old)
    return 0


def set_ldt(xen: XenState, address: int, entries: int) -> int:
    """Rule ldt: remember where it is; its pages are referenced when the processor first touches them.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#do_mmuext_op (MMUEXT_SET_LDT).
    """
    if entries > _MAX_LDT_ENTRIES or (entries and (address % PAGE_SIZE or not is_guest_address(xen, address))):
        xen.refuse(RuleId.LDT, f"Bad args to SET_LDT: ptr={address:x}, ents={entries:x}")
        return Errno.EINVAL
    if (xen.ldt_base, xen.ldt_entries) != (address, entries):
        destroy_ldt(xen)
        xen.ldt_base, xen.ldt_entries = address, entries
    return 0


def map_ldt_page(xen: XenState, offset: int) -> bool:
    """Rule ldt: the processor touches byte `offset` of the LDT; False is the guest's fault.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/mm.c#pv_map_ldt_shadow_page.
    """
    page = offset >> PAGE_SHIFT
    if offset >> 3 >= xen.ldt_entries or page in xen.ldt_frames:
        return False
    walk = xen.memory.paging.walk(xen.ldt_base + offset)
    if not walk.mapped or get_page_and_type(xen, walk.mfn, FrameType.SEG_DESC):
        return False
    xen.ldt_frames[page] = walk.mfn
    return True


def destroy_ldt(xen: XenState) -> None:
    """Drop the references of the LDT pages in use. Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/descriptor-tables.c
    #pv_destroy_ldt."""
    for mfn in xen.ldt_frames.values():
        put_page_type(xen, mfn)
    xen.ldt_frames.clear()


def set_gdt(xen: XenState, frames: tuple[Mfn, ...], entries: int) -> int:
    """Rule gdt: the frames of a new GDT of `entries` descriptors become descriptor pages, those of the old one go.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/descriptor-tables.c#pv_set_gdt.
    """
    if entries > _FIRST_RESERVED_GDT_ENTRY:
        return Errno.EINVAL
    wanted = frames[: -(-entries // _DESCRIPTORS_PER_PAGE)]
    for done, mfn in enumerate(wanted):
        if get_page_and_type(xen, mfn, FrameType.SEG_DESC):
            for taken in reversed(wanted[:done]):
                put_page_type(xen, taken)
            return Errno.EINVAL
    for mfn in xen.gdt_frames:
        put_page_type(xen, mfn)
    xen.gdt_frames = wanted
    return 0


def update_descriptor(xen: XenState, machine_address: int, descriptor: int) -> int:
    """Rule segment-descriptors: one descriptor of a descriptor page, or of a frame that may be written.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/descriptor-tables.c#do_update_descriptor.
    """
    checked = check_descriptor(descriptor)
    mfn = machine_address >> PAGE_SHIFT
    if machine_address & 7 or checked is None or not xen.owns(mfn):
        return Errno.EINVAL
    kind = FrameType.SEG_DESC if mfn in xen.typed and xen.typed[mfn].type is FrameType.SEG_DESC else FrameType.WRITABLE
    if kind is FrameType.SEG_DESC and get_page_type(xen, mfn, kind):
        return Errno.EINVAL
    if kind is FrameType.WRITABLE and not xen.take_writable(mfn):
        return Errno.EINVAL
    word = (machine_address >> 3) & 511
    if xen.memory.watching:
        xen.memory.will_write(mfn, word, checked)
    xen.memory.frame(mfn)[word] = checked
    if kind is FrameType.SEG_DESC:
        put_page_type(xen, mfn)
    else:
        xen.drop_writable(mfn)
    return 0
