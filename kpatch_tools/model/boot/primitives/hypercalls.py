"""The hypercalls that early boot makes: requests are read from guest memory here, the rules are in model.xen."""

from kpatch_tools.model.boot.guest import Guest, Primitives
from kpatch_tools.model.cexec import Unsupported
from kpatch_tools.model.machine import PRESENT, RW, GuestShutdown
from kpatch_tools.model.xen import (
    DOMID_SELF,
    MMUEXT_NEW_BASEPTR,
    MMUEXT_NEW_USER_BASEPTR,
    MMUEXT_PIN_L4_TABLE,
    MMUEXT_SET_LDT,
    MMUEXT_UNPIN_TABLE,
)

_ENOSYS = -38
_FRAME = 0x000F_FFFF_FFFF_F000
_MMUEXT_NAMES = {
    **{level - 1: f"MMUEXT_PIN_L{level}_TABLE" for level in range(1, 5)},
    MMUEXT_UNPIN_TABLE: "MMUEXT_UNPIN_TABLE",
    MMUEXT_NEW_BASEPTR: "MMUEXT_NEW_BASEPTR",
    MMUEXT_NEW_USER_BASEPTR: "MMUEXT_NEW_USER_BASEPTR",
    MMUEXT_SET_LDT: "MMUEXT_SET_LDT",
}
_SHUTDOWN_REASONS = {0: "poweroff", 1: "reboot", 2: "suspend", 3: "crash", 4: "watchdog"}


def primitives(guest: Guest) -> Primitives:
    page_offset = guest.memory.geometry.page_offset
    direct_map_end = page_offset + guest.machine.max_end

    def mmu_update(requests: int, count: int, done: int, domid: int = DOMID_SELF) -> int:
        """xen/interface/xen.h#mmu_update: an array of (ptr, val); stops at the first failure."""
        size = guest.program.struct("mmu_update").size
        for index in range(count):
            at = requests + index * size
            pointer, value = guest.load(at), guest.load(at + 8)
            outcome = guest.xen.mmu_update(pointer, value, domid & 0xFFFF)
            guest.note_hypercall("mmu_update", outcome)
            if outcome:
                guest.request = f"mmu_update(ptr {pointer:#x}, val {value:#x})"
                return _finish(guest, done, index, outcome)
        return _finish(guest, done, count, 0)

    def update_va_mapping(va: int, entry: int, _flags: int, *_rest: int) -> int:
        direct = page_offset <= va < direct_map_end
        before = guest.memory.paging.walk(va).entry if direct else 0
        outcome = guest.note_hypercall("update_va_mapping", guest.xen.update_va_mapping(va, entry))
        if outcome:
            guest.request = f"update_va_mapping(va {va:#x}, entry {entry:#x})"
        elif before & entry & PRESENT and (entry ^ before) & RW and not (entry ^ before) & _FRAME:
            guest.note_rights(va - page_offset, writable=bool(entry & RW))
        return outcome

    def mmuext_op(operations: int, count: int, done: int, domid: int = DOMID_SELF) -> int:
        """xen/interface/xen.h#mmuext_op: cmd, arg1 and arg2 by their place in the tree's own struct."""
        struct = guest.program.struct("mmuext_op")
        first, second = struct.offset("arg1"), struct.offset("arg2")
        for index in range(count):
            at = operations + index * struct.size
            command = guest.load(at + struct.offset("cmd"), 4)
            argument = guest.load(at + first)
            outcome = guest.xen.mmuext(command, argument, guest.load(at + second, 4), domid & 0xFFFF)
            guest.note_hypercall("pin" if command <= MMUEXT_PIN_L4_TABLE else f"mmuext {command}", outcome)
            if outcome:
                name = _MMUEXT_NAMES.get(command, f"command {command}")
                guest.request = f"mmuext_op({name}, {argument:#x})"
                return _finish(guest, done, index, outcome)
        return _finish(guest, done, count, 0)

    def dispatch(number: int, arguments: list[int]) -> int:
        match number:
            case 1:  # __HYPERVISOR_mmu_update
                return mmu_update(*arguments[:4])
            case 14:  # __HYPERVISOR_update_va_mapping
                return update_va_mapping(*arguments[:3])
            case 26:  # __HYPERVISOR_mmuext_op
                return mmuext_op(*arguments[:4])
            case _:
                raise Unsupported(None, f"hypercall {number} in early boot")

    def multicall(entries: int, count: int) -> int:
        """xen/interface/xen.h#multicall_entry: each call's outcome goes into its entry."""
        struct = guest.program.struct("multicall_entry")
        arguments, result = struct.offset("args"), struct.offset("result")
        refused = request = ""
        for index in range(count):
            at = entries + index * struct.size
            values = [guest.load(at + arguments + 8 * number) for number in range(6)]
            guest.store(at + result, 8, dispatch(guest.load(at), values))
            if guest.refused and not refused:
                refused, request = guest.hypercall, guest.request
        if refused:
            guest.hypercall, guest.refused, guest.request = refused, True, request
        return 0

    def sched_op(command: int, argument: int) -> int:
        if command == 2:  # SCHEDOP_shutdown
            raise GuestShutdown(_SHUTDOWN_REASONS.get(guest.load(argument, 4), "unknown"))
        return 0

    def refuse(*_arguments: int) -> int:
        return _ENOSYS

    return {
        "HYPERVISOR_mmu_update": mmu_update,
        "HYPERVISOR_update_va_mapping": update_va_mapping,
        "HYPERVISOR_mmuext_op": mmuext_op,
        "HYPERVISOR_multicall": multicall,
        "privcmd_call": lambda number, *arguments: dispatch(number, list(arguments)),
        "HYPERVISOR_sched_op": sched_op,
        "HYPERVISOR_memory_op": refuse,
        "HYPERVISOR_xen_version": refuse,
        "HYPERVISOR_vm_assist": refuse,
        "HYPERVISOR_console_io": refuse,
        "HYPERVISOR_set_trap_table": refuse,
    }


def _finish(guest: Guest, done: int, count: int, outcome: int) -> int:
    """Tell how many requests were carried out, where the guest asks for it."""
    if done:
        guest.store(done, 4, count)
    return outcome
