"""The macros that give a tree the scaled machine's addresses, and what each must find in the tree.

Every value is the real one in units of what a table entry covers, or keeps a relation that the real values have.
"""

from kpatch_tools.model.machine import PAGE_SHIFT, PAGE_SIZE, Geometry

LEVEL_BITS = 4
ENTRY_BYTES = PAGE_SIZE >> LEVEL_BITS
"""How far entries lie apart, so that a table still fills its page."""
LOW_END_SHIFT = PAGE_SHIFT + 2 * LEVEL_BITS + 2
"""log2 of where the second part of memory begins (really 32): at four times what an L3 entry covers, as 4 GiB is."""

TOP = 1 << 64
_L2, _L3, _L4 = (1 << PAGE_SHIFT + level * LEVEL_BITS for level in (1, 2, 3))

SCALED_GEOMETRY = Geometry(
    level_bits=LEVEL_BITS,
    entry_words=ENTRY_BYTES // 8,
    reserved_l4_slots=range(8, 9),
    page_offset=TOP - 7 * _L4,
    kernel_map=TOP - 2 * _L3,
    data_size=0x20_0000,
)

ESSENTIAL = frozenset(
    {
        "PTRS_PER_PGD",
        "PTRS_PER_PUD",
        "PTRS_PER_PMD",
        "PTRS_PER_PTE",
        "PMD_SHIFT",
        "PUD_SHIFT",
        "PGDIR_SHIFT",
        "__PAGE_OFFSET",
        "__START_KERNEL_map",
    }
)
"""Macros without which a tree cannot be scaled. What else a tree does not mention, it does not need."""


_VSYSCALL_START, _VSYSCALL_END = TOP - 5 * _L2, TOP - _L2
_VMALLOC, _VMEMMAP = SCALED_GEOMETRY.page_offset + 3 * _L4, SCALED_GEOMETRY.page_offset + 4 * _L4
# A section's memory map, 64 bytes a page, fills one L1 table's span: 2 MiB for 128 MiB, really.
_SECTION_BITS = 2 * PAGE_SHIFT + LEVEL_BITS - 6

_VALUES: dict[str, int] = {
    **{f"PTRS_PER_{name}": 1 << LEVEL_BITS for name in ("PGD", "PUD", "PMD", "PTE")},
    "PMD_SHIFT": PAGE_SHIFT + LEVEL_BITS,
    "PUD_SHIFT": PAGE_SHIFT + 2 * LEVEL_BITS,
    "PGDIR_SHIFT": PAGE_SHIFT + 3 * LEVEL_BITS,
    "__PAGE_OFFSET": SCALED_GEOMETRY.page_offset,
    "__START_KERNEL_map": SCALED_GEOMETRY.kernel_map,
    "KERNEL_IMAGE_SIZE": _L3,
    "MODULES_VADDR": SCALED_GEOMETRY.kernel_map + _L3,
    "MODULES_END": _VSYSCALL_START,
    "VSYSCALL_START": _VSYSCALL_START,
    "VSYSCALL_END": _VSYSCALL_END,
    "VVAR_ADDRESS": _VSYSCALL_START - PAGE_SIZE,
    "FIXADDR_TOP": _VSYSCALL_END - PAGE_SIZE,
    # One L1 table holds the permanent fixed mappings and all of these, as on the real machine.
    "NR_FIX_BTMAPS": 1,
    "FIX_BTMAPS_SLOTS": 4,
    "MAX_IO_APICS": 1,
    "TASK_SIZE_MAX": (_L4 << LEVEL_BITS - 1) - PAGE_SIZE,
    "VMALLOC_START": _VMALLOC,
    "VMALLOC_END": _VMALLOC + _L4 - 1,
    "VMEMMAP_START": _VMEMMAP,
    "SECTION_SIZE_BITS": _SECTION_BITS,
    "MAX_PHYSADDR_BITS": _SECTION_BITS + 10,
    "MAX_PHYSMEM_BITS": _SECTION_BITS + 10,
    "ISA_START_ADDRESS": 5 * PAGE_SIZE,
    "ISA_END_ADDRESS": 8 * PAGE_SIZE,
    "BIOS_BEGIN": 5 * PAGE_SIZE,
    "BIOS_END": 8 * PAGE_SIZE,
    "MAX_DMA_PFN": 4 << LEVEL_BITS,
    "MAX_DMA32_PFN": 1 << LOW_END_SHIFT - PAGE_SHIFT,
    # Each step maps what the tables mapped so far can hold; 16 entries a table hold less than 512 do.
    "STEP_SIZE_SHIFT": 2,
}
SCALED_MACROS = tuple(
    # In hexadecimal what is an address or a size, so that it does not read like a literal of the real machine.
    f"{name} {value:#x}UL" if value >> 31 else f"{name} {value:#x}" if value > 255 else f"{name} {value}"
    for name, value in _VALUES.items()
)
"""Object-like macros for x86-64 trees, as arguments of #define."""
OVERRIDDEN = frozenset(_VALUES)

SCALED_SYMBOLS: tuple[tuple[str, str], ...] = (
    ("CONFIG_PAGE_OFFSET", f"{SCALED_GEOMETRY.page_offset:#x}"),
    ("CONFIG_PHYSICAL_START", hex(4 * _L2)),
    ("CONFIG_PHYSICAL_ALIGN", hex(4 * _L2)),
    ("CONFIG_X86_RESERVE_LOW", "4"),
)
"""CONFIG_ symbols that stand for addresses or sizes of memory."""
