"""The boot of a machine without hypervisor: from the boot loader to setup_arch, which it has in common with Xen's.

Nothing here asks for a version: what x86_64_start_kernel does is probed from its body, because the rest of it (the
interrupt table, the boot loader's data) cannot be executed.
"""

from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.image import write_linked_tables
from kpatch_tools.model.boot.memblocks import reserve
from kpatch_tools.model.boot.stages import STAGES as XEN_STAGES
from kpatch_tools.model.boot.stages import Boot, Stage, initialise_list
from kpatch_tools.model.machine import PAGE_SHIFT, PAGE_SIZE

from .paging import NativePaging

_START = "x86_64_start_kernel"
_IDENT_LARGE = 0xE3
"""arch/x86/include/asm/pgtable_types.h#__PAGE_KERNEL_IDENT_LARGE_EXEC."""
_KERNEL_LARGE = 0x1E3
"""#__PAGE_KERNEL_LARGE_EXEC: the same and global."""
_TABLE = 0x67
_KERNEL_IMAGE_SIZE = 512 << 20
"""arch/x86/include/asm/page_64_types.h#KERNEL_IMAGE_SIZE."""
_PAGE_VSYSCALL = 0x165


def load_image(boot: Boot) -> None:
    """The image as it is linked, and head_64.S: the first GiB at the direct map, the image at its own address."""
    guest = boot.guest
    guest.memory.load_image(guest.frames.p2m)
    write_linked_tables(guest)
    _map_large(guest, "level2_ident_pgt", guest.memory.geometry.entries, _IDENT_LARGE)
    _map_large(guest, "level2_kernel_pgt", _KERNEL_IMAGE_SIZE // guest.memory.geometry.span(2), _KERNEL_LARGE)
    _link_fixmap(guest)
    root = "init_level4_pgt"
    if guest.has_global("early_level4_pgt"):
        # Since 8170e6bed46 ("x86, 64bit: Use a #PF handler to materialize early mappings on demand"), in v3.9.
        root = "early_level4_pgt"
        _set(guest, root, guest.memory.geometry.entries - 1, _physical(guest, "level3_kernel_pgt") | _TABLE)
    _paging(guest).load_root(Mfn(_physical(guest, root) >> PAGE_SHIFT))


def start_kernel(boot: Boot) -> None:
    """head64.c, and what runs before memory is looked at. A tree without it only says its size."""
    guest = boot.guest
    if guest.has("early_make_pgtable"):
        _paging(guest).on_not_present = lambda va: guest.call("early_make_pgtable", va) == 0
    guest.call_if_defined("reset_early_page_tables", "zap_identity_mappings")
    if guest.mentions(_START, "cleanup_highmap"):
        guest.call("cleanup_highmap")
    if guest.mentions(_START, "max_pfn_mapped") or not guest.has(_START):
        guest.set("max_pfn_mapped", _KERNEL_IMAGE_SIZE >> PAGE_SHIFT)
    if guest.has_global("early_level4_pgt"):
        last = guest.memory.geometry.entries - 1
        for slot in range(last):
            _set(guest, "init_level4_pgt", slot, 0)
        _set(guest, "init_level4_pgt", last, _physical(guest, "level3_kernel_pgt") | _TABLE)
    initialise_list(guest, "pgd_list")
    if guest.has_member("init_mm", "pgd"):
        guest.member("init_mm", "pgd").store(guest.program.address_of("init_level4_pgt"))
    guest.call_if_defined("memblock_init")


def set_up_memory_map(boot: Boot) -> None:
    """The firmware's map as it is; the image and the last of conventional memory are taken."""
    guest = boot.guest
    geometry = guest.memory.geometry
    for entry in guest.layout.ranges:
        guest.call("e820_add_region", entry.start, entry.end - entry.start, int(entry.type))
    reserve(guest, geometry.image_start - geometry.kernel_map, geometry.brk_start - geometry.kernel_map)
    reserve(guest, guest.machine.isa_usable_end, guest.machine.isa_end)


def map_vsyscall(boot: Boot) -> None:
    """map_vsyscall: a fixmap entry whose page tables come from ordinary early memory."""
    guest = boot.guest
    index = guest.constant("VSYSCALL_FIRST_PAGE")
    if index is not None and guest.has("native_set_fixmap"):
        geometry = guest.memory.geometry
        guest.call("native_set_fixmap", index, geometry.image_start - geometry.kernel_map, _PAGE_VSYSCALL)


_ON_XEN_ONLY = ("load-domain", "start-on-xen", "memory-map", "vsyscall")

STAGES: tuple[Stage, ...] = (
    Stage("load-image", "arch/x86/kernel/head_64.S", load_image),
    Stage("start-kernel", "arch/x86/kernel/head64.c#x86_64_start_kernel", start_kernel),
    Stage("memory-map", "arch/x86/kernel/e820.c#setup_memory_map (its result)", set_up_memory_map),
    *(stage for stage in XEN_STAGES if stage.name not in _ON_XEN_ONLY),
    Stage("vsyscall", "setup_arch: map_vsyscall", map_vsyscall),
)
"""setup_arch is the same on every platform."""


def _paging(guest: Guest) -> NativePaging:
    paging = guest.memory.paging
    assert isinstance(paging, NativePaging)
    return paging


def _physical(guest: Guest, table: str) -> int:
    return guest.program.address_of(table) - guest.memory.geometry.kernel_map


def _set(guest: Guest, table: str, slot: int, entry: int) -> None:
    words = guest.memory.frame(_physical(guest, table) >> PAGE_SHIFT)
    words[slot * guest.memory.geometry.entry_words] = entry


def _map_large(guest: Guest, table: str, count: int, flags: int) -> None:
    """head_64.S#PMDS: the first `count` large pages, where the tree has the table."""
    if guest.has_global(table):
        for slot in range(count):
            _set(guest, table, slot, slot * guest.memory.geometry.span(2) | flags)


def _link_fixmap(guest: Guest) -> None:
    """head_64.S#level2_fixmap_pgt: its one L1 table, a page of the image also where no C file declares it."""
    geometry = guest.memory.geometry
    if guest.has_global("level2_fixmap_pgt") and not guest.has_global("level1_fixmap_pgt"):
        page = geometry.brk_start - geometry.kernel_map - PAGE_SIZE
        _set(guest, "level2_fixmap_pgt", geometry.entries - 6, page | _TABLE)
