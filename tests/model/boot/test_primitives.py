"""Primitives: hypercalls read from guest memory, memory functions, bits, and the old early node map."""

from collections.abc import Callable

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.model import parse_layout
from kpatch_tools.model.boot import domain_builder
from kpatch_tools.model.boot.guest import INVALID_P2M_ENTRY, Guest
from kpatch_tools.model.boot.memblocks import memory_ranges, overlaps, reserved_ranges
from kpatch_tools.model.boot.primitives import all_primitives, allocator
from kpatch_tools.model.boot.primitives.inert import INERT
from kpatch_tools.model.cexec import Unsupported
from kpatch_tools.model.machine import GuestShutdown
from kpatch_tools.model.run import boot, load_kernel
from kpatch_tools.model.trace import ignore
from kpatch_tools.model.xen import MMUEXT_PIN_L1_TABLE, Domain, Errno, Xen

SMALL = parse_layout("64M")
MMU = RepoPath("arch/x86/xen/mmu.c")
MULTICALL = b"struct multicall_entry { unsigned long op; long result; unsigned long args[6]; };\n"
EINVAL, EBUSY = int(Errno.EINVAL), int(Errno.EBUSY)


def built(kernel: Guest) -> Guest:
    """A machine as the domain builder leaves it."""
    kernel.power_on(SMALL, ignore)
    kernel.frames = kernel.xen = Xen(kernel.memory, Domain(nr_pages=SMALL.pages))
    kernel.memory.load_image(kernel.xen.p2m)
    domain_builder.build(kernel)
    return kernel


@pytest.fixture
def guest(kernel: Guest) -> Guest:
    return built(kernel)


def words(guest: Guest, *values: int) -> int:
    """The address of 64-bit words in the guest's data."""
    address = guest.memory.alloc_static(8 * len(values), 8)
    for number, value in enumerate(values):
        guest.store(address + 8 * number, 8, value)
    return address


def table_page(guest: Guest) -> tuple[int, int]:
    """A page of the image's mapping that is nothing yet: (va, mfn)."""
    va = guest.memory.geometry.brk_start
    mfn = guest.xen.p2m((va - guest.memory.geometry.kernel_map) >> 12)
    assert mfn is not None
    return va, mfn


def pin(guest: Guest, mfn: int) -> int:
    struct = guest.program.struct("mmuext_op")
    at = guest.memory.alloc_static(struct.size, 8)
    guest.store(at + struct.offset("cmd"), 4, MMUEXT_PIN_L1_TABLE)
    guest.store(at + struct.offset("arg1"), 8, mfn)
    return at


def test_a_pin_needs_a_read_only_page(guest: Guest) -> None:
    functions = all_primitives(guest)
    va, mfn = table_page(guest)
    assert functions["HYPERVISOR_mmuext_op"](pin(guest, mfn), 1, 0) == EINVAL
    assert (guest.hypercall, guest.refused) == ("pin", True)
    assert functions["HYPERVISOR_update_va_mapping"](va, mfn << 12 | 0x61, 0) == 0
    assert functions["HYPERVISOR_mmuext_op"](pin(guest, mfn), 1, 0) == 0
    assert guest.xen.table_level(mfn) == 1
    assert functions["HYPERVISOR_update_va_mapping"](va, mfn << 12 | 0x63, 0) == EBUSY
    assert guest.hypercall == "update_va_mapping"


def test_updates_stop_at_the_first_failure_and_tell_how_many_were_made(guest: Guest) -> None:
    functions = all_primitives(guest)
    va, mfn = table_page(guest)
    walk = guest.memory.paging.walk(va)
    root = guest.memory.paging.root
    place = walk.table << 12 | walk.word << 3
    requests = words(guest, place, mfn << 12 | 0x61, place, root << 12 | 0x63, place, 0)
    done = words(guest, 0)
    assert functions["HYPERVISOR_mmu_update"](requests, 3, done) in (EINVAL, EBUSY)
    assert guest.load(done, 4) == 1
    assert guest.memory.paging.walk(va).entry & 3 == 1


def test_each_call_of_a_multicall_has_its_own_outcome(miniature: Callable[[str], BlobSource]) -> None:
    source = miniature("13")
    text = (source.read(MMU) or b"") + MULTICALL
    guest = built(load_kernel(Overlay(source, {MMU: text})))
    functions = all_primitives(guest)
    va, mfn = table_page(guest)
    struct = guest.program.struct("multicall_entry")
    at = guest.memory.alloc_static(3 * struct.size, 8)
    calls = [(26, (pin(guest, mfn), 1, 0)), (14, (va, mfn << 12 | 0x61, 0)), (26, (pin(guest, mfn), 1, 0))]
    for number, (operation, arguments) in enumerate(calls):
        entry = at + number * struct.size
        guest.store(entry + struct.offset("op"), 8, operation)
        for position, argument in enumerate(arguments):
            guest.store(entry + struct.offset("args") + 8 * position, 8, argument)
    assert functions["HYPERVISOR_multicall"](at, 3) == 0
    assert (guest.hypercall, guest.refused) == ("pin", True)
    outcomes = [guest.load(at + number * struct.size + struct.offset("result")) for number in range(3)]
    assert outcomes == [EINVAL & (1 << 64) - 1, 0, 0]


def test_an_unknown_hypercall_is_not_guessed(guest: Guest) -> None:
    with pytest.raises(Unsupported, match="hypercall 99"):
        all_primitives(guest)["privcmd_call"](99, 0, 0, 0, 0, 0)


def test_a_guest_can_end_itself(guest: Guest) -> None:
    with pytest.raises(GuestShutdown, match="crash"):
        all_primitives(guest)["HYPERVISOR_sched_op"](2, words(guest, 3))


def test_memory_functions(guest: Guest) -> None:
    functions = all_primitives(guest)
    at = words(guest, 0, 0, 0, 0)
    assert functions["memset"](at, 0x141, 8) == at
    assert guest.load(at) == 0x4141414141414141
    functions["memcpy"](at + 8, at, 4)
    assert guest.load(at + 8) == 0x41414141
    assert functions["memcmp"](at, at + 8, 4) == 0
    assert functions["memcmp"](at, at + 8, 5) > 0
    assert functions["strlen"](guest.literal("four")) == 4
    assert functions["strcmp"](guest.literal("a"), guest.literal("b")) < 0


def test_bits(guest: Guest) -> None:
    functions = all_primitives(guest)
    at = words(guest, 0, 0)
    functions["set_bit"](40, at)
    assert guest.load(at) == 1 << 40
    assert functions["variable_test_bit"](40, at) == 1
    assert functions["test_and_clear_bit"](40, at) == 1
    assert functions["test_and_set_bit"](3, at) == 0
    functions["clear_bit"](3, at)
    assert guest.load(at) == 0
    assert [functions["fls"](value) for value in (0, 1, 0x80000000)] == [0, 1, 32]
    assert functions["ilog2"](4096) == 12


def test_the_current_root_is_told_in_the_guests_numbering(guest: Guest) -> None:
    root = guest.memory.paging.root
    assert all_primitives(guest)["read_cr3"]() == guest.xen.m2p(root) << 12


def test_a_pfn_without_frame_is_invalid_until_the_guest_says_otherwise(guest: Guest) -> None:
    functions = all_primitives(guest)
    absent = SMALL.pages + 5
    assert functions["get_phys_to_machine"](absent) == INVALID_P2M_ENTRY
    functions["set_phys_to_machine"](absent, 77)
    assert functions["get_phys_to_machine"](absent) == 77
    assert functions["mfn_to_pfn"](77) == INVALID_P2M_ENTRY
    assert functions["mfn_to_pfn"](functions["get_phys_to_machine"](9)) == 9


@pytest.mark.parametrize("name", INERT)
def test_what_has_no_effect_answers_zero(guest: Guest, name: str) -> None:
    assert all_primitives(guest)[name](1, 2, 3) == 0


def test_the_early_node_map_hands_out_the_highest_page_zeroed_and_reserved(kernel: Guest) -> None:
    boot(kernel, SMALL)
    functions = allocator.primitives(kernel)
    address = functions["__alloc_memory_core_early"](0, 4096, 4096, 0, (1 << 64) - 1)
    page_offset = kernel.memory.geometry.page_offset
    assert overlaps(reserved_ranges(kernel), address - page_offset, address - page_offset + 1)
    assert kernel.memory.read(address, 4096) == bytes(4096)
    second = functions["find_memory_core_early"](0, 4096, 4096, 0, (1 << 64) - 1)
    assert second < address - page_offset
    assert functions["find_memory_core_early"](0, 1 << 40, 4096, 0, (1 << 64) - 1) == INVALID_P2M_ENTRY
    assert functions["__alloc_memory_core_early"](0, 1 << 40, 4096, 0, (1 << 64) - 1) == 0


def test_the_last_present_section(kernel: Guest) -> None:
    boot(kernel, parse_layout("4160M,hole=64M+4032M"))
    assert memory_ranges(kernel)[-1][1] == 4160 << 20
    assert allocator.primitives(kernel)["__model_sections_end"]() == 33
