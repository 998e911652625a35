"""Early memory in trees that keep it in a list of reservations, or in a bitmap."""

from collections.abc import Callable

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.model import Verdict, parse_layout
from kpatch_tools.model.boot import memblocks
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.primitives import all_primitives
from kpatch_tools.model.boot.profile import PROFILE, with_config
from kpatch_tools.model.run import boot, load_kernel
from kpatch_tools.model.trace import ignore

Miniature = Callable[[str], BlobSource]

MIB = 1 << 20
BOOK = RepoPath("kernel/early_res.c")
EARLY_RES = b"""
struct early_res { unsigned long long start, end; char name[15]; char overlap_ok; };
static struct early_res early_res_x[8];
static struct early_res *early_res = &early_res_x[0];
static int book_size;

static void note(unsigned long long start, unsigned long long end, int overlap_ok)
{
	early_res[book_size].start = start;
	early_res[book_size].end = end;
	early_res[book_size].overlap_ok = overlap_ok;
	book_size++;
}

void reserve_early(unsigned long long start, unsigned long long end, char *name)
{
	note(start, end, 0);
}

void reserve_early_overlap_ok(unsigned long long start, unsigned long long end, char *name)
{
	note(start, end, 1);
}

typedef unsigned long long bytes;

bytes find_e820_area(bytes start, bytes end, bytes size, bytes align)
{
	return size > end - start ? -1ULL : start;
}
"""
BITMAP = b"""
struct bootmem_data { unsigned long node_min_pfn, node_low_pfn; void *node_bootmem_map; };
struct pglist_data { struct bootmem_data *bdata; };
struct pglist_data contig_page_data;
struct bootmem_data bootmem_node_data[1];
static unsigned char bitmap[2] = { 0x06, 0x80 };

void init_bootmem_node(void)
{
	bootmem_node_data[0].node_low_pfn = 16;
	bootmem_node_data[0].node_bootmem_map = bitmap;
}

void initmem_init(void)
{
	init_bootmem_node();
}
"""


def listed(miniature: Miniature, more: bytes = b"") -> Guest:
    """The miniature with a list of reservations in the place of memblock, switched on."""
    guest = load_kernel(Overlay(miniature("13"), {BOOK: EARLY_RES + more}))
    guest.power_on(parse_layout("64M"), ignore)
    return guest


def test_reservations_are_read_up_to_the_first_that_is_empty(miniature: Miniature) -> None:
    guest = listed(miniature)
    assert memblocks.reserved_ranges(guest) == ()
    memblocks.reserve(guest, 4 * MIB, 5 * MIB)
    memblocks.reserve(guest, MIB, 2 * MIB, overlap_ok=True)
    assert memblocks.reserved_ranges(guest) == ((MIB, 2 * MIB), (4 * MIB, 5 * MIB))
    struct = guest.program.struct("early_res")
    noted = guest.get("early_res") + struct.offset("overlap_ok")
    assert [guest.load(noted + number * struct.size, 1) for number in range(2)] == [0, 1]


def test_memory_is_what_the_map_calls_usable(miniature: Miniature) -> None:
    guest = listed(miniature)
    guest.call("e820_add_region", 16 * MIB, 4 * MIB, 1)
    guest.call("e820_add_region", 20 * MIB, 4 * MIB, 2)
    guest.call("e820_add_region", MIB, MIB, 1)
    assert memblocks.memory_ranges(guest) == ((MIB, 2 * MIB), (16 * MIB, 20 * MIB))
    assert memblocks.whole_pages(((MIB + 1, 2 * MIB + 1),)) == ((0x101, 0x200),)


def test_room_is_found_by_the_trees_own_function(miniature: Miniature) -> None:
    guest = listed(miniature)
    assert memblocks.find_free(guest, MIB, 2 * MIB, 4096, 4096) == MIB
    assert memblocks.find_free(guest, MIB, 2 * MIB, 2 * MIB, 4096) is None


def test_once_there_is_a_bitmap_it_is_the_book(miniature: Miniature) -> None:
    guest = listed(miniature, BITMAP)
    memblocks.reserve(guest, 4 * MIB, 5 * MIB)
    assert not memblocks.has_bitmap(guest)
    guest.call("initmem_init")
    assert not memblocks.has_bitmap(guest)
    guest.store(memblocks.first_node(guest), 8, guest.program.address_of("bootmem_node_data"))
    assert memblocks.has_bitmap(guest)
    assert memblocks.reserved_ranges(guest) == ((0x1000, 0x3000), (0xF000, 0x10000))


def test_bootmem_that_initmem_init_does_not_set_up_is_no_verdict(miniature: Miniature) -> None:
    empty = BITMAP.replace(b"\tinit_bootmem_node();\n", b"")
    source = Overlay(miniature("13"), {RepoPath("mm/bootmem.c"): empty})
    run = boot(load_kernel(source, profile=with_config(PROFILE, {"CONFIG_NO_BOOTMEM": None})), parse_layout("64M"))
    assert run.verdict is Verdict.UNDETERMINED
    assert "CONFIG_NO_BOOTMEM" in run.reason


@pytest.mark.parametrize(
    ("size", "offset", "zero", "one"), [(16, 0, 0, 1), (16, 1, 3, 1), (16, 3, 3, 15), (15, 3, 3, 15), (16, 16, 16, 16)]
)
def test_bits_are_searched_as_the_kernel_does(kernel: Guest, size: int, offset: int, zero: int, one: int) -> None:
    functions = all_primitives(kernel)
    at = kernel.memory.alloc_static(8, 8)
    kernel.store(at, 8, 0x8006)
    assert functions["find_next_zero_bit"](at, size, offset) == zero
    assert functions["find_next_bit"](at, size, offset) == one


def test_bits_are_counted_up_to_the_size(kernel: Guest) -> None:
    functions = all_primitives(kernel)
    at = kernel.memory.alloc_static(8, 8)
    kernel.store(at, 8, 0x8006)
    assert [functions["__bitmap_weight"](at, size) for size in (1, 2, 16)] == [0, 1, 3]
    assert functions["__bitmap_empty"](at, 1) == 1


def test_text_is_copied_and_formatted_with_its_limit(kernel: Guest) -> None:
    functions = all_primitives(kernel)
    at = kernel.memory.alloc_static(8, 8)
    functions["strncpy"](at, kernel.literal("abcdef"), 4)
    assert kernel.memory.read(at, 5) == b"abcd\0"
    functions["strncpy"](at, kernel.literal("x"), 4)
    assert kernel.memory.read(at, 5) == b"x\0\0\0\0"
    assert functions["snprintf"](at, 4, kernel.literal("%d-%d"), 12, 345) == 6
    assert kernel.memory.read(at, 4) == b"12-\0"
