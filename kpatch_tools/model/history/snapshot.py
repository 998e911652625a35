"""The machine's pages at one moment: what each is used for and how it is mapped, as runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.memblocks import reserved_ranges
from kpatch_tools.model.layouts import PAGE_SIZE, MemoryType
from kpatch_tools.model.machine import PAGE_SHIFT, PRESENT, RW, mfn_of


class Use(IntEnum):
    """What a page is for, as the kernel and the machine see it. Of several, the last of this list counts."""

    ABSENT = 0
    """No memory: a gap in the map, or RAM whose frame was given back."""
    FIRMWARE = 1
    """In the map, but not RAM for the kernel."""
    FREE = 2
    RESERVED = 3
    """Taken, by the early allocator's list."""
    KERNEL = 4
    """The kernel's image, its heap (brk) included."""
    L1 = 5
    L2 = 6
    L3 = 7
    L4 = 8

    @property
    def level(self) -> int:
        """1 to 4 for a live page table, else 0."""
        return max(0, self - Use.KERNEL)


class Access(IntEnum):
    """How a page is mapped: through the direct map if that leads to it, else through any live L1 table."""

    NONE = 0
    READ_ONLY = 1
    WRITABLE = 2


@dataclass(frozen=True, slots=True)
class Run:
    """Pages `first` <= pfn < `past` that are alike."""

    first: int
    past: int
    use: Use
    access: Access


_RUN = re.compile(rb"(.)\1*", re.DOTALL)
_LOW_BYTE_TO_ACCESS = bytes(
    Access.NONE if not low & PRESENT else Access.WRITABLE if low & RW else Access.READ_ONLY for low in range(256)
)
_READ_ONLY = bytes(min(access, Access.READ_ONLY) for access in range(256))
"""What a level above without its RW bit leaves of them."""
_ACCESS_SHIFT = 4


def snapshot(guest: Guest) -> tuple[Run, ...]:
    """All pages below the end of the map, in ascending order. Reads the machine only."""
    size = max(entry.end for entry in guest.layout.ranges) // PAGE_SIZE
    pages = _uses(guest, size)
    access = _access(guest, size)
    whole = int.from_bytes(pages, "little") | int.from_bytes(access, "little") << _ACCESS_SHIFT
    return tuple(
        Run(match.start(), match.end(), Use(match[1][0] & 15), Access(match[1][0] >> _ACCESS_SHIFT))
        for match in _RUN.finditer(whole.to_bytes(size, "little"))
    )


def _uses(guest: Guest, size: int) -> bytearray:
    pages = bytearray(size)
    populated = guest.xen.domain.nr_pages
    for entry in guest.layout.ranges:
        first, past = entry.start // PAGE_SIZE, -(-entry.end // PAGE_SIZE)
        if entry.type is MemoryType.USABLE:
            _fill(pages, first, min(past, populated), Use.FREE)
        else:
            _fill(pages, first, past, Use.FIRMWARE)
    for start, end in reserved_ranges(guest):
        first, past = start // PAGE_SIZE, min(-(-end // PAGE_SIZE), size)
        pages[first:past] = pages[first:past].replace(bytes([Use.FREE]), bytes([Use.RESERVED]))
    geometry = guest.memory.geometry
    image = (geometry.image_start - geometry.kernel_map, geometry.image_end - geometry.kernel_map)
    _fill(pages, image[0] // PAGE_SIZE, image[1] // PAGE_SIZE, Use.KERNEL)
    for mfn, state in guest.xen.live_tables():
        pfn = guest.xen.m2p(mfn)
        if pfn is not None and pfn < size:
            pages[pfn] = Use.KERNEL + state.type.level
    return pages


def _fill(pages: bytearray, first: int, past: int, value: int) -> None:
    pages[first:past] = bytes([value]) * (min(past, len(pages)) - first)


def _access(guest: Guest, size: int) -> bytearray:
    access = bytearray(size)
    direct: set[Mfn] = set()
    geometry, memory = guest.memory.geometry, guest.memory
    if memory.paging.root is not None:
        start = geometry.page_offset
        for leaf in memory.paging.leaves(start, start + size * PAGE_SIZE):
            if leaf.table is None:
                continue
            direct.add(leaf.table)
            first = (leaf.va - start) >> PAGE_SHIFT
            found = _entries(guest, leaf.table)[leaf.first_slot : leaf.first_slot + len(leaf.entries)]
            access[first : first + len(found)] = found if leaf.writable else found.translate(_READ_ONLY)
    for pfn, how in _mapped_elsewhere(guest, direct):
        if pfn < size and not access[pfn]:
            access[pfn] = how
    return access


def _mapped_elsewhere(guest: Guest, direct: set[Mfn]) -> Iterator[tuple[int, int]]:
    """Pages that L1 tables outside of the direct map map; writable ones first."""
    m2p, stride = guest.xen.m2p, guest.memory.geometry.entry_words
    found: list[tuple[int, int]] = []
    for mfn, state in guest.xen.live_tables():
        if state.type.level != 1 or mfn in direct:
            continue
        for entry in guest.memory.frame(mfn).tolist()[::stride]:
            pfn = m2p(mfn_of(entry)) if entry & PRESENT else None
            if pfn is not None:
                found.append((pfn, _LOW_BYTE_TO_ACCESS[entry & 0xFF]))
    yield from sorted(found, key=lambda item: -item[1])


def _entries(guest: Guest, table: Mfn) -> bytes:
    """What each entry of an L1 table allows: an Access a byte. The low bytes of little-endian words decide."""
    frame = memoryview(guest.memory.frame(table)).cast("B")
    return bytes(frame[:: 8 * guest.memory.geometry.entry_words]).translate(_LOW_BYTE_TO_ACCESS)
