"""A memory map in terms of table spans, on the scaled machine and on the real one."""

from collections.abc import Callable
from dataclasses import dataclass

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model.boot.domain_builder import structures_for
from kpatch_tools.model.boot.machine import REAL_MACHINE, Machine
from kpatch_tools.model.layouts import PAGE_SIZE, Layout, MemoryRange, MemoryType
from kpatch_tools.model.machine import PAGE_SHIFT, REAL
from kpatch_tools.model.scaled import SCALED

_BITS = SCALED.geometry.level_bits
_DIGIT = SCALED.geometry.entries - 1
_L3_PAGES = SCALED.geometry.span(3) >> PAGE_SHIFT
_LOW_PAGES = SCALED.low_end >> PAGE_SHIFT
_LOW_L3 = SCALED.low_end // SCALED.geometry.span(3)
_REAL_LOW_L3 = REAL_MACHINE.low_end // REAL.span(3)
_KERNEL_ROOM = 48 << 20
_UPPER_TABLES = 6
_USUAL_IMAGE = SCALED.image.end >> PAGE_SHIFT

SPARE_PAGES = 44
"""Free pages that the first range must have besides the boot structures: a memory map of 16 that begins at a table
span, tables, and what early boot asks for. With less, kernels end for want of memory, which a PC never does."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Shape:
    """One layout of the scaled machine, in pages.

    RAM ends at `low` below the boundary. The last `top` pages before that end are reserved; before them lie `island`
    pages of RAM above a reserved hole of `hole` pages (0: no hole, and `island` is 0). `high` pages of RAM lie above
    the boundary. The kernel image ends at `image`. `acpi` and `numa` are as in a Layout.
    """

    low: int
    hole: int = 0
    island: int = 0
    top: int = 0
    high: int = 0
    image: int = _USUAL_IMAGE
    acpi: bool = True
    numa: bool = False

    @property
    def first(self) -> int:
        """Where the first range, which the kernel is in, ends."""
        return self.low - self.top - self.island - self.hole

    @property
    def pages(self) -> int:
        """Pages of RAM, holes left out."""
        return self.first + self.island + self.high

    @property
    def name(self) -> str:
        words = [f"{self.low}p"]
        words += [f"hole={self.first}p+{self.hole}p"] if self.hole else []
        words += [f"top={self.top}p"] if self.top else []
        words += [f"high={self.high}p"] if self.high else []
        words += [f"image={self.image}p"] if self.image != _USUAL_IMAGE else []
        words += ["noacpi"] if not self.acpi else []
        words += ["numa"] if self.numa else []
        return ",".join(words)


def scaled_layout(shape: Shape) -> Layout:
    """The layout of the scaled machine."""
    image_end = None if shape.image == _USUAL_IMAGE else shape.image * PAGE_SIZE
    return _placed(shape, SCALED, _edges(shape, lambda page: page * PAGE_SIZE), image_end, shape.name)


def is_held(shape: Shape) -> bool:
    """Whether the scaled machine has room for the shape, the kernel, its boot structures and what it must allocate."""
    if shape.low > _LOW_PAGES or shape.high > (SCALED.max_end >> PAGE_SHIFT) - _LOW_PAGES:
        return False
    if bool(shape.hole) != bool(shape.island) or min(shape.hole, shape.island, shape.top, shape.high) < 0:
        return False
    try:
        geometry = SCALED.geometry_for(shape.image * PAGE_SIZE)
        structures = structures_for(geometry, scaled_layout(shape))
    except (KpatchError, StopIteration):
        return False
    taken = (structures.tables_end - geometry.kernel_map) >> PAGE_SHIFT
    tables = (_LOW_PAGES + shape.high >> _BITS) + _UPPER_TABLES if shape.high else 0
    return shape.first >= taken + SPARE_PAGES + tables


def real_layouts(shape: Shape) -> tuple[Layout, ...]:
    """Layouts of a PC that lie in the same way to what its tables span.

    Always the same: which part of its L1 table's span an address is at (a page is 1/16 of it, or 32 pages of 512), and
    that the boundary is 4 GiB. An L2 table, though, has 16 entries on the one machine and 512 on the other, and the
    tables for all of memory take about one L1 span for each L3 span on both. So the first layout stretches the first
    range to the same part of its L2 table and counts L1 spans in all that follows; the second stretches everything, the
    third counts everything.
    """
    moved = shape.image - _USUAL_IMAGE
    image_end = None if not moved else REAL_MACHINE.image.end + _in_spans(moved)
    stretched, counted = _edges(shape, _stretched), _edges(shape, _counted)
    first = stretched[0]
    lengths = (shape.hole, shape.island, shape.top)
    following = (first + _in_spans(sum(lengths[: number + 1])) for number in range(len(lengths)))
    mixed = (first, *following, counted[-1])
    name = f"as scaled {shape.name}"
    layouts = [_placed(shape, REAL_MACHINE, edges, image_end, name) for edges in (mixed, stretched, counted)]
    return tuple(dict.fromkeys(layouts))


def _edges(shape: Shape, place: Callable[[int], int]) -> tuple[int, ...]:
    """Where the first range, the hole, the island, RAM below the boundary and RAM above it end, in bytes."""
    pages = (shape.first, shape.first + shape.hole, shape.low - shape.top, shape.low, _LOW_PAGES + shape.high)
    return tuple(place(page) for page in pages)


def _stretched(page: int) -> int:
    """The real address, in bytes, at the same part of every table's span."""
    upper, page = divmod(page, _L3_PAGES)
    upper += _REAL_LOW_L3 - _LOW_L3 if upper >= _LOW_L3 else 0
    return upper * REAL.span(3) + (page >> _BITS) * (REAL.span(3) >> _BITS) + _in_spans(page & _DIGIT)


def _counted(page: int) -> int:
    """The real address as many L1 spans behind the last L3 boundary (below the first: behind what a kernel needs)."""
    upper, rest = divmod(page, _L3_PAGES)
    base = 0 if upper else _KERNEL_ROOM
    upper += _REAL_LOW_L3 - _LOW_L3 if upper >= _LOW_L3 else 0
    return upper * REAL.span(3) + base + _in_spans(rest)


def _in_spans(pages: int) -> int:
    """A length: as many L1 spans, and the same part of one."""
    return pages * (REAL.span(2) >> _BITS)


def _placed(shape: Shape, machine: Machine, edges: tuple[int, ...], image_end: int | None, name: str) -> Layout:
    """The shape's ranges on `machine`, with the byte addresses of `_edges`."""
    first, hole_end, island_end, low, high_end = edges
    ranges = [
        MemoryRange(0, machine.isa_usable_end),
        MemoryRange(machine.isa_reserved, machine.isa_end, MemoryType.RESERVED),
        MemoryRange(machine.isa_end, first),
    ]
    if shape.hole:
        ranges += [MemoryRange(first, hole_end, MemoryType.RESERVED), MemoryRange(hole_end, island_end)]
    if shape.top:
        ranges.append(MemoryRange(island_end, low, MemoryType.RESERVED))
    if shape.high:
        ranges.append(MemoryRange(machine.low_end, high_end))
    return Layout(
        name=name,
        ranges=tuple(ranges),
        pages=ranges[-1].end // PAGE_SIZE,
        acpi=shape.acpi,
        numa=shape.numa,
        image_end=image_end,
    )
