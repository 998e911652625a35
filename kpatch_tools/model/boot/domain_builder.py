"""Xen's domain builder: what dom0 finds in memory when it starts.

Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/dom0_build.c#dom0_construct_pv; the addresses agree with those that Xen
printed for the recorded boots (kernel, Phys-Mach map, start info, page tables, boot stack, rounded to 4 MiB).
"""

from dataclasses import dataclass

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model.layouts import PAGE_SIZE, Layout
from kpatch_tools.model.machine import PAGE_SHIFT, Geometry
from kpatch_tools.model.xen import MMUEXT_NEW_BASEPTR, MMUEXT_PIN_L4_TABLE

from .guest import Guest

_TABLE = 0x67
_READ_ONLY = 0x65
_SIF_PRIVILEGED_INITDOMAIN = 3


@dataclass(frozen=True, slots=True)
class BootStructures:
    """Virtual addresses of what the builder placed behind the image; all in the image's mapping."""

    p2m: int
    start_info: int
    tables: int
    table_count: int

    @property
    def tables_end(self) -> int:
        return self.tables + self.table_count * PAGE_SIZE


def place(guest: Guest) -> BootStructures:
    """The addresses, for the layout of this boot."""
    return structures_for(guest.memory.geometry, guest.layout)


def structures_for(geometry: Geometry, layout: Layout) -> BootStructures:
    """The addresses, for the image of `geometry`. KpatchError bad-layout where the memory has no room for them.

    Xen rounds the mapping to two L2 entries (4 MiB), after a quarter of an entry (512 KiB) to spare.
    """
    align, slack = 2 * geometry.span(2), geometry.span(2) // 4
    p2m = geometry.image_end
    start_info = p2m + -(-layout.pages * 8 // PAGE_SIZE) * PAGE_SIZE
    tables = start_info + PAGE_SIZE
    leaves = 1
    while True:
        end = tables + (3 + leaves) * PAGE_SIZE + PAGE_SIZE + slack
        needed = (-(-end // align) * align - geometry.kernel_map) >> (PAGE_SHIFT + geometry.level_bits)
        if needed <= leaves:
            break
        leaves = needed
    structures = BootStructures(p2m, start_info, tables, 3 + leaves)
    low_end = next(entry.end for entry in layout.usable if entry.end > geometry.image_end - geometry.kernel_map)
    if structures.tables_end - geometry.kernel_map + PAGE_SIZE > min(low_end, layout.pages * PAGE_SIZE):
        raise KpatchError("bad-layout", f"layout {layout.name}: no room for the kernel and its boot structures")
    return structures


def build(guest: Guest) -> BootStructures:
    """Initial page tables, validated and pinned, and the start info page."""
    structures = place(guest)
    _build_tables(guest, structures)
    _write_start_info(guest, structures)
    return structures


def _build_tables(guest: Guest, structures: BootStructures) -> None:
    geometry, memory = guest.memory.geometry, guest.memory
    stride = geometry.entry_words
    first = (structures.tables - geometry.kernel_map) >> PAGE_SHIFT
    mfn = [_mfn(guest, first + index) for index in range(structures.table_count)]
    top, third, second, leaves = mfn[0], mfn[1], mfn[2], mfn[3:]
    memory.frame(top)[geometry.slot(geometry.kernel_map, 4) * stride] = third << PAGE_SHIFT | _TABLE
    memory.frame(third)[geometry.slot(geometry.kernel_map, 3) * stride] = second << PAGE_SHIFT | _TABLE
    for number, leaf in enumerate(leaves):
        memory.frame(second)[number * stride] = leaf << PAGE_SHIFT | _TABLE
        words = memory.frame(leaf)
        for slot in range(geometry.entries):
            pfn = number * geometry.entries + slot
            frame = guest.xen.p2m(pfn)
            if frame is not None:
                is_table = first <= pfn < first + structures.table_count
                words[slot * stride] = frame << PAGE_SHIFT | (_READ_ONLY if is_table else _TABLE)
    for command in (MMUEXT_NEW_BASEPTR, MMUEXT_PIN_L4_TABLE):
        if guest.xen.mmuext(command, top):
            raise AssertionError(f"the builder's own tables are refused: {guest.xen.last_refusal()}")


def _write_start_info(guest: Guest, structures: BootStructures) -> None:
    """xen/interface/xen.h#start_info, the members that the tree's struct has."""
    struct = guest.program.struct("start_info")
    values = {
        "nr_pages": guest.layout.pages,
        "shared_info": guest.xen.domain.special_mfn(0) << PAGE_SHIFT,
        "flags": _SIF_PRIVILEGED_INITDOMAIN,
        "pt_base": structures.tables,
        "nr_pt_frames": structures.table_count,
        "mfn_list": structures.p2m,
    }
    for member, value in values.items():
        if struct.has(member):
            guest.store(structures.start_info + struct.offset(member), struct.type(member).size, value)
    guest.set("xen_start_info", structures.start_info)


def _mfn(guest: Guest, pfn: int) -> int:
    mfn = guest.xen.p2m(pfn)
    if mfn is None:
        raise KpatchError("bad-layout", f"layout {guest.layout.name}: no frame for pfn {pfn:#x} of the boot structures")
    return mfn
