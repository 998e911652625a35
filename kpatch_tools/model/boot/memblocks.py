"""Early memory as the kernel keeps it, read from the guest: what it believes to be memory, and to be taken.

Three books have been kept: the e820 map with a list of reservations (early_res, until v2.6.36), memblock (since
v2.6.37), and in either case bootmem's bitmap from initmem_init on, where a kernel has that allocator.
"""

from dataclasses import dataclass

from kpatch_tools.model.cexec.types import Pointer
from kpatch_tools.model.layouts import PAGE_SIZE, MemoryType
from kpatch_tools.model.machine import PAGE_SHIFT

from .guest import Guest

REGION_LIMIT = 4096
"""More regions than this are garbage, not a memory map."""
NOWHERE = (1 << 64) - 1

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Memblocks:
    """Half-open ranges of pseudo-physical bytes, ascending, as the kernel keeps them."""

    memory: Ranges
    reserved: Ranges


def read_memblocks(guest: Guest) -> Memblocks:
    return Memblocks(memory_ranges(guest), reserved_ranges(guest))


def keeps_early_res(guest: Guest) -> bool:
    """Whether the tree keeps its early reservations in a list of their own, not in memblock."""
    return guest.has("reserve_early")


def memory_ranges(guest: Guest) -> Ranges:
    """RAM, of the e820 map or of memblock."""
    return _e820_ram(guest) if keeps_early_res(guest) else _regions(guest, "memory")


def reserved_ranges(guest: Guest) -> Ranges:
    """What is taken; once bootmem is in charge, what its bitmap says."""
    bitmap = _bootmem(guest)
    if bitmap is not None:
        return bitmap
    return _early_res(guest) if keeps_early_res(guest) else _regions(guest, "reserved")


def has_bitmap(guest: Guest) -> bool:
    """Whether bootmem is in charge."""
    return _bootmem(guest) is not None


def reserve(guest: Guest, start: int, end: int, *, overlap_ok: bool = False, checked: bool = True) -> None:
    """Reserve start <= address < end with the tree's own function.

    Up to v3.2 the second argument was an end (`reserve_early`, then `memblock_x86_reserve_range`), then a size
    (`memblock_reserve`; 24aa07882b6, "memblock, x86: Replace memblock_x86_reserve/free_range() with generic ones").
    `overlap_ok`: later reservations may overlap this one. Not `checked`: the range was just found to be free. Only a
    list of reservations wants to be told.
    """
    functions = ["reserve_early", "memblock_x86_reserve_range"]
    if overlap_ok:
        functions.insert(0, "reserve_early_overlap_ok")
    elif not checked:
        functions.insert(0, "reserve_early_without_check")
    for function in functions:
        if guest.has(function):
            guest.call(function, start, end, guest.literal("model"))
            return
    guest.call("memblock_reserve", start, end - start)


def find_free(guest: Guest, start: int, end: int, size: int, align: int) -> int | None:
    """`size` free bytes of RAM in start <= address < end, found by the tree's own function: None if there are none."""
    function = "find_e820_area" if keeps_early_res(guest) else "memblock_find_in_range"
    found = guest.call(function, start, end, size, align)
    return None if found in (0, NOWHERE) else found


def overlaps(ranges: Ranges, start: int, end: int) -> bool:
    """Whether any byte of start <= address < end is in `ranges`."""
    return any(low < end and start < high for low, high in ranges)


def _regions(guest: Guest, kind: str) -> Ranges:
    """memblock.memory or memblock.reserved."""
    program = guest.program
    count = guest.member("memblock", f"{kind}.cnt").load()
    regions = guest.member("memblock", f"{kind}.regions")
    if count > REGION_LIMIT:
        return ()
    region = program.struct("memblock_region")
    start = regions.load() if regions.is_pointer else regions.address
    base, size = region.offset("base"), region.offset("size")
    found = []
    for index in range(count):
        at = start + index * region.size
        low = guest.load(at + base)
        found.append((low, low + guest.load(at + size)))
    return tuple(entry for entry in found if entry[0] < entry[1])


def _e820_ram(guest: Guest) -> Ranges:
    """The usable entries of e820.map."""
    entry = guest.program.struct("e820entry")
    count = guest.member("e820", "nr_map").load()
    if count > REGION_LIMIT:
        return ()
    address, size, kind = (entry.offset(name) for name in ("addr", "size", "type"))
    found = []
    for index in range(count):
        at = guest.member("e820", "map").address + index * entry.size
        if guest.load(at + kind, 4) == MemoryType.USABLE:
            low = guest.load(at + address)
            found.append((low, low + guest.load(at + size)))
    return tuple(sorted(found))


def _early_res(guest: Guest) -> Ranges:
    """The list `early_res`, an array or a pointer to one, which ends with the first entry whose end is 0."""
    struct = guest.program.struct("early_res")
    pointed = isinstance(guest.program.type_of("early_res"), Pointer)
    at = guest.get("early_res") if pointed else guest.program.address_of("early_res")
    start, end = struct.offset("start"), struct.offset("end")
    found: list[tuple[int, int]] = []
    while at and len(found) < REGION_LIMIT:
        past = guest.load(at + end)
        if not past:
            break
        found.append((guest.load(at + start), past))
        at += struct.size
    return tuple(sorted(found))


def _bootmem(guest: Guest) -> Ranges | None:
    """The bitmap of node 0, one bit per page, set where it is taken; None before there is one."""
    if not guest.program.has_member("pglist_data", "bdata") or not guest.program.has_member(
        "bootmem_data", "node_bootmem_map"
    ):
        return None
    node = first_node(guest)
    data = guest.load(node + guest.program.struct("pglist_data").offset("bdata")) if node else 0
    if not data:
        return None
    struct = guest.program.struct("bootmem_data")
    bitmap = guest.load(data + struct.offset("node_bootmem_map"))
    if not bitmap:
        return None
    first = guest.load(data + struct.offset("node_min_pfn"))
    count = guest.load(data + struct.offset("node_low_pfn")) - first
    bits = int.from_bytes(guest.memory.read(bitmap, -(-count // 8)), "little")
    text = f"{bits:0{count}b}"[-count:][::-1]
    found: list[tuple[int, int]] = []
    position = text.find("1")
    while position >= 0:
        end = text.find("0", position)
        end = count if end < 0 else end
        found.append(((first + position) << PAGE_SHIFT, (first + end) << PAGE_SHIFT))
        position = text.find("1", end)
    return tuple(found)


def first_node(guest: Guest) -> int:
    """The address of node 0's pg_data_t; 0 before a NUMA kernel has one, and in a tree that is not told of nodes."""
    if guest.has_global("node_data"):
        return guest.load(guest.program.address_of("node_data"))
    return guest.program.address_of("contig_page_data") if guest.has_global("contig_page_data") else 0


def whole_pages(ranges: Ranges) -> Ranges:
    """The pages that lie whole in each range, as pfns."""
    return tuple((-(-low // PAGE_SIZE), high // PAGE_SIZE) for low, high in ranges)
