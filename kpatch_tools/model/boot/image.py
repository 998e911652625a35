"""The kernel image in memory: where it lies, its linker symbols, and the page tables it is linked with."""

from collections.abc import Callable
from dataclasses import dataclass

from kpatch_tools.model.cexec import GlobalVariable
from kpatch_tools.model.cexec.types import Array, Record
from kpatch_tools.model.layouts import PAGE_SIZE
from kpatch_tools.model.machine import Geometry, GuestMemory

from .guest import Guest
from .machine import REAL_IMAGE, REAL_MACHINE, ImagePlan

DEFAULT_END = REAL_IMAGE.end

_TABLE_ENTRIES = frozenset({"pte", "pmd", "pud", "pgd"})
_FIXED_PAGES = frozenset({"dummy_mapping", "empty_zero_page"})


def image_geometry(image_end: int | None) -> Geometry:
    """Real geometry with the image from 16 MiB to `image_end` (pseudo-physical; None: the usual)."""
    return REAL_MACHINE.geometry_for(image_end)


def place_globals(memory: GuestMemory, image: ImagePlan = REAL_IMAGE) -> Callable[[GlobalVariable], int | None]:
    """Where variables go that are not mere data: linker symbols, page tables, pages that are mapped by frame number."""
    symbols = linker_symbols(memory.geometry, image)

    def placed(variable: GlobalVariable) -> int | None:
        if variable.name in symbols:
            return symbols[variable.name]
        if variable.name in _FIXED_PAGES or _is_page_table(variable):
            return memory.alloc_image_pages(variable.size)
        return None

    return placed


def _is_page_table(variable: GlobalVariable) -> bool:
    """An array of page-table entries, or of such arrays, of at least a page, or of unknown length."""
    kind = variable.type
    if not isinstance(kind, Array) or 0 < variable.size < PAGE_SIZE:
        return False
    entry = kind.of
    while isinstance(entry, Array):
        entry = entry.of
    return (
        isinstance(entry, Record)
        and len(entry.layout.fields) == 1
        and next(iter(entry.layout.fields)) in _TABLE_ENTRIES
    )


def linker_symbols(geometry: Geometry, image: ImagePlan = REAL_IMAGE) -> dict[str, int]:
    """Symbols of vmlinux.lds.S that early code takes the address of."""
    text_end = geometry.kernel_map + image.start + image.text_size
    data = geometry.kernel_map + image.pages
    data_end = data + image.data_size
    return {
        "_text": geometry.image_start,
        "_stext": geometry.image_start,
        "_etext": text_end,
        "__start_rodata": text_end,
        "__end_rodata": data,
        "__end_rodata_hpage_align": data,
        "_sdata": data,
        "_edata": data_end,
        "__init_begin": data_end,
        "__init_end": data_end + 0x1000,
        "__bss_start": data_end + 0x1000,
        "__bss_stop": geometry.brk_start,
        "__brk_base": geometry.brk_start,
        "__brk_limit": geometry.brk_end,
        "_end": geometry.image_end,
        "__vsyscall_0": geometry.image_start,
        "__vsyscall_page": geometry.image_start,
    }


@dataclass(frozen=True, slots=True)
class TableEntry:
    """Slot `slot` of the linked table `table` points at `target`, with `flags`."""

    table: str
    slot: int
    target: str
    flags: int


_KERNPG = 0x63
_TABLE = 0x67


def linked_tables(geometry: Geometry) -> tuple[TableEntry, ...]:
    """arch/x86/kernel/head_64.S#init_level4_pgt and what hangs off it, in pfns as the image is linked.

    The same in all trees from v2.6.24 to v3.9 as far as Xen's start-up reads them; `level1_fixmap_pgt` only exists in
    some.
    """
    last = geometry.entries - 1
    return (
        TableEntry("init_level4_pgt", 0, "level3_ident_pgt", _KERNPG),
        TableEntry("init_level4_pgt", geometry.slot(geometry.page_offset, 4), "level3_ident_pgt", _KERNPG),
        TableEntry("init_level4_pgt", geometry.slot(geometry.kernel_map, 4), "level3_kernel_pgt", _TABLE),
        TableEntry("level3_ident_pgt", 0, "level2_ident_pgt", _KERNPG),
        TableEntry("level3_kernel_pgt", geometry.slot(geometry.kernel_map, 3), "level2_kernel_pgt", _KERNPG),
        TableEntry("level3_kernel_pgt", last, "level2_fixmap_pgt", _TABLE),
        TableEntry("level2_fixmap_pgt", last - 5, "level1_fixmap_pgt", _TABLE),
    )


def write_linked_tables(guest: Guest) -> None:
    """Put the entries of `linked_tables` into the image's frames."""
    geometry = guest.memory.geometry
    for entry in linked_tables(geometry):
        if not (guest.has_global(entry.table) and guest.has_global(entry.target)):
            continue
        words = guest.memory.frame(_frame(guest, entry.table))
        physical = guest.program.address_of(entry.target) - geometry.kernel_map
        words[entry.slot * geometry.entry_words] = physical & ~(PAGE_SIZE - 1) | entry.flags


def _frame(guest: Guest, name: str) -> int:
    address = guest.program.address_of(name) - guest.memory.geometry.kernel_map
    mfn = guest.frames.p2m(address // PAGE_SIZE)
    assert mfn is not None
    return mfn
