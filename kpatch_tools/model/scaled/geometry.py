"""The scaled machine: every address of the real one, kept in the same proportion to what a table spans.

A page stays 4096 bytes, because flags live in the low 12 bits of an entry and the kernel is full of that. A table has
16 entries instead of 512, one every 256 bytes. What an entry covers: L1 4 KiB, L2 64 KiB, L3 1 MiB, L4 16 MiB (really
4 KiB, 2 MiB, 1 GiB, 512 GiB). The address space that translation knows is 256 MiB.
"""

from kpatch_tools.model.boot.machine import ImagePlan, Machine
from kpatch_tools.model.machine import PAGE_SIZE

from .overrides import LOW_END_SHIFT, SCALED_GEOMETRY, SCALED_MACROS, SCALED_SYMBOLS
from .rewriting import check_scaled, scaled_source

SPAN = SCALED_GEOMETRY.span(2)
"""Bytes that one L1 table maps on the scaled machine (really 2 MiB): the unit in which layouts of both compare."""

_IMAGE_START = 4 * SPAN
_IMAGE = ImagePlan(
    start=_IMAGE_START,
    pages=_IMAGE_START + 4 * PAGE_SIZE,
    # The used part of the brk area and the image end under one L2 entry, as on the real machine: what lies between an
    # entry's end and the next is cleared by trees that clean up after the brk area.
    end=_IMAGE_START + 44 * PAGE_SIZE,
    brk_size=12 * PAGE_SIZE,
    text_size=2 * PAGE_SIZE,
    data_size=2 * PAGE_SIZE,
    data_base=0xFFFF_FFFF_B000_0000,
    room=20 * PAGE_SIZE,
)

SCALED = Machine(
    name=(
        "scaled x86-64: 16 entries a table (PTRS_PER_* 16, entries 256 bytes apart); one entry covers "
        "4 KiB, 64 KiB, 1 MiB, 16 MiB; the second part of memory begins at 4 MiB"
    ),
    geometry=SCALED_GEOMETRY,
    image=_IMAGE,
    low_end=1 << LOW_END_SHIFT,
    isa_usable_end=4 * PAGE_SIZE,
    isa_reserved=4 * PAGE_SIZE + 0xC00,
    isa_end=8 * PAGE_SIZE,
    acpi_table=7 * PAGE_SIZE,
    dma_end=_IMAGE_START,
    section_size=4 * SCALED_GEOMETRY.span(3),
    max_end=6 * SCALED_GEOMETRY.span(3),
    overrides=SCALED_MACROS,
    config=SCALED_SYMBOLS,
    source=scaled_source,
    check=check_scaled,
)
"""Boots like any other machine: `load_kernel(source, machine=SCALED)`."""
