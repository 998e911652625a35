"""The early allocator's regions, read from the guest: what the kernel believes to be memory, and to be taken."""

from dataclasses import dataclass

from .guest import Guest

REGION_LIMIT = 4096
"""More regions than this are garbage, not a memory map."""


@dataclass(frozen=True, slots=True)
class Memblocks:
    """Half-open ranges of pseudo-physical bytes, ascending, as the kernel keeps them."""

    memory: tuple[tuple[int, int], ...]
    reserved: tuple[tuple[int, int], ...]


def read_memblocks(guest: Guest) -> Memblocks:
    return Memblocks(_ranges(guest, "memory"), _ranges(guest, "reserved"))


def memory_ranges(guest: Guest) -> tuple[tuple[int, int], ...]:
    return _ranges(guest, "memory")


def reserved_ranges(guest: Guest) -> tuple[tuple[int, int], ...]:
    return _ranges(guest, "reserved")


def reserve(guest: Guest, start: int, end: int) -> None:
    """Reserve start <= address < end with the tree's own function.

    Up to v3.2 the second argument was an end (`memblock_x86_reserve_range`), then a size (`memblock_reserve`;
    24aa07882b6, "memblock, x86: Replace memblock_x86_reserve/free_range() with generic ones").
    """
    if guest.has("memblock_x86_reserve_range"):
        guest.call("memblock_x86_reserve_range", start, end, guest.literal("model"))
    else:
        guest.call("memblock_reserve", start, end - start)


def overlaps(ranges: tuple[tuple[int, int], ...], start: int, end: int) -> bool:
    """Whether any byte of start <= address < end is in `ranges`."""
    return any(low < end and start < high for low, high in ranges)


def _ranges(guest: Guest, kind: str) -> tuple[tuple[int, int], ...]:
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
