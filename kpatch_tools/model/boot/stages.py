"""The boot as a list of stages: what start_kernel does between Xen's entry point and the first ordinary allocation.

Each stage stands for a piece of xen_start_kernel or setup_arch and calls the tree's own functions, in the order in
which the kernel calls them; what a tree does not have is skipped. Nothing here asks for a version.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from kpatch_tools.model.cexec import Unsupported
from kpatch_tools.model.cexec.types import Function
from kpatch_tools.model.layouts import PAGE_SIZE
from kpatch_tools.model.machine import PAGE_SHIFT, NullSlot
from kpatch_tools.model.trace import PageTaken

from . import domain_builder
from .buffers import TableRange, observe_buffer
from .guest import Guest
from .image import write_linked_tables
from .memblocks import find_free, has_bitmap, memory_ranges, reserve

_PAGE_KERNEL = 0x8000_0000_0000_0063
_PAGE_VSYSCALL = 0x165
_IMAGE_MAPPING = 512 << 20
_CLAIM = r"max_pfn_mapped\s*=[\s(]*512"
"""setup_arch's `max_pfn_mapped = KERNEL_IMAGE_SIZE >> PAGE_SHIFT`, preprocessed."""


@dataclass(slots=True)
class Boot:
    """One boot in progress: what later stages need of earlier ones, and what the oracles need of them."""

    guest: Guest
    structures: domain_builder.BootStructures | None = None
    max_pfn: int = 0
    tables: list[TableRange] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stage:
    """`name` is stable; `stands_for` cites the code whose part it plays."""

    name: str
    stands_for: str
    run: Callable[[Boot], None]


def load_domain(boot: Boot) -> None:
    guest = boot.guest
    guest.memory.load_image(guest.xen.p2m)
    boot.structures = domain_builder.build(guest)
    write_linked_tables(guest)


def start_kernel_on_xen(boot: Boot) -> None:
    guest, structures = boot.guest, boot.structures
    assert structures is not None
    guest.set_if_declared("xen_domain_type", 1)  # XEN_PV_DOMAIN
    guest.set_if_declared("pat_enabled", 1)
    _set_features(guest)
    initialise_list(guest, "pgd_list")
    guest.call("xen_init_mmu_ops")
    guest.call_if_defined("memblock_init")
    guest.set("max_pfn", guest.layout.pages)
    if guest.has_member("init_mm", "pgd"):
        guest.member("init_mm", "pgd").store(guest.program.address_of("init_level4_pgt"))
    guest.call("xen_setup_kernel_pagetable", structures.tables, guest.layout.pages)
    guest.call_if_defined("xen_ident_map_ISA")


def set_up_memory_map(boot: Boot) -> None:
    guest, structures = boot.guest, boot.structures
    assert structures is not None
    geometry = guest.memory.geometry
    for entry in guest.layout.ranges:
        guest.call("e820_add_region", entry.start, entry.end - entry.start, int(entry.type))
    reserve(guest, geometry.image_start - geometry.kernel_map, geometry.brk_start - geometry.kernel_map)
    reserve(guest, structures.p2m - geometry.kernel_map, structures.tables - geometry.kernel_map)
    for start, end in unpopulated(guest):
        reserve(guest, start, end)
    reserve(guest, guest.machine.isa_usable_end, guest.machine.isa_end, overlap_ok=True)


def unpopulated(guest: Guest) -> tuple[tuple[int, int], ...]:
    """RAM at and above 4 GiB without pages behind it: xen_add_extra_mem reserves it ("XEN EXTRA")."""
    populated = max(guest.layout.pages * PAGE_SIZE, guest.machine.low_end)
    end = guest.layout.end
    return ((populated, end),) if end > populated else ()


def size_memory(boot: Boot) -> None:
    guest = boot.guest
    guest.call_if_defined("early_ioremap_init", "trim_bios_range")
    boot.max_pfn = guest.call("e820_end_of_ram_pfn")
    guest.set("max_pfn", boot.max_pfn)
    low = boot.max_pfn
    if boot.max_pfn > guest.machine.low_end // PAGE_SIZE:
        low = guest.call("e820_end_of_low_ram_pfn")
    guest.set("max_low_pfn", low)
    _claim_image_mapping(guest)
    guest.call_if_defined("early_alloc_pgt_buf", "reserve_brk")
    _clean_up_image_mapping(boot)
    # A tree with init_mem_mapping maps piece by piece and allows itself only the first megabyte before.
    whole = guest.has("init_mem_mapping")
    _set_allocation_limit(guest, guest.machine.isa_end if whole else guest.get("max_pfn_mapped") << PAGE_SHIFT)
    guest.call_if_defined("memblock_x86_fill")
    guest.call_if_defined("trim_platform_memory_ranges", "trim_low_memory_range")


def _claim_image_mapping(guest: Guest) -> None:
    """setup_arch's own idea of what is mapped before init_memory_mapping: all of the image's 512 MiB mapping.

    Since 67e87f0a1c5 (v2.6.37) the native entry point has it, and Xen's start knows better.
    """
    if guest.mentions("setup_arch", _CLAIM):
        guest.set("max_pfn_mapped", _IMAGE_MAPPING >> PAGE_SHIFT)


def _clean_up_image_mapping(boot: Boot) -> None:
    """cleanup_highmap, where setup_arch calls it: until e5f15b45ddf (v2.6.39-rc1) only the native entry point did.

    What the kernel goes on using at the image's mapping must have survived: on Xen its p2m list, which every pfn_to_mfn
    reads.
    """
    guest = boot.guest
    if not guest.has("cleanup_highmap") or not guest.mentions("setup_arch", "cleanup_highmap"):
        return
    guest.call("cleanup_highmap")
    if boot.structures is not None:
        for address in range(boot.structures.p2m, boot.structures.start_info, PAGE_SIZE):
            guest.load(address)


def map_memory(boot: Boot) -> None:
    guest = boot.guest
    if guest.has("init_mem_mapping"):
        guest.call("init_mem_mapping")
    else:
        guest.call_if_defined("init_gbpages")
        low = guest.get("max_low_pfn")
        mapped = _map_range(boot, 0, low << PAGE_SHIFT)
        guest.set_if_declared("max_low_pfn_mapped", mapped)
        guest.set("max_pfn_mapped", mapped)
        if boot.max_pfn > low:
            for start, end in _high_ranges(boot):
                guest.set("max_pfn_mapped", _map_range(boot, start, end))
            guest.set("max_low_pfn", boot.max_pfn)
    _set_allocation_limit(guest, guest.get("max_pfn_mapped") << PAGE_SHIFT)


def map_acpi_tables(boot: Boot) -> None:
    """acpi_boot_table_init: an early mapping, made and taken away. Nothing is read from the table."""
    guest = boot.guest
    if guest.layout.acpi and guest.has("early_ioremap", "early_iounmap"):
        address = guest.call("early_ioremap", guest.machine.acpi_table, PAGE_SIZE)
        guest.call("early_iounmap", address, PAGE_SIZE)


def allocate_node_data(boot: Boot) -> None:
    """initmem_init: a NUMA kernel allocates its nodes' data, one with bootmem a bitmap that then is the book.

    Other kernels only note which memory is whose. For them a layout with `numa` means the one allocation that a NUMA
    kernel would make for its single node: arch/x86/mm/numa_64.c#setup_node_bootmem.
    """
    guest = boot.guest
    has_nodes, has_bootmem = guest.has_global("node_data"), guest.has("init_bootmem_node")
    if has_bootmem and not has_nodes:
        # contig_page_data = { .bdata = … }, of a file that is not read
        guest.member("contig_page_data", "bdata").store(guest.program.address_of("bootmem_node_data"))
    if has_bootmem or has_nodes:
        guest.call("initmem_init", *(0, boot.max_pfn, 0, 0)[: _parameter_count(guest, "initmem_init")])
    if has_bootmem and not has_bitmap(guest):
        raise Unsupported(None, "CONFIG_NO_BOOTMEM is not set, but initmem_init of this tree sets up no bootmem")
    if has_bootmem:
        for inherit in ("early_res_to_bootmem", "memblock_x86_to_bootmem"):
            if guest.has(inherit) and guest.mentions("setup_arch", inherit):
                guest.call(inherit, 0, guest.get("max_low_pfn") << PAGE_SHIFT)
    if guest.layout.numa and not has_nodes:
        _take_node_data(boot)


def _take_node_data(boot: Boot) -> None:
    """Room for a pg_data_t, zeroed and reserved; a page in a tree without the type."""
    guest = boot.guest
    known = guest.program.has_member("pglist_data", "node_id")
    size = -(-guest.program.struct("pglist_data").size // PAGE_SIZE) * PAGE_SIZE if known else PAGE_SIZE
    address = find_free(guest, 0, boot.max_pfn << PAGE_SHIFT, size, PAGE_SIZE)
    if address is None:
        raise Unsupported(None, "no room for the node's own data")
    guest.tracer(PageTaken(address, size))
    guest.memory.write(guest.memory.geometry.page_offset + address, bytes(size))
    reserve(guest, address, address + size)


def find_dma_reserve(boot: Boot) -> None:
    boot.guest.call_if_defined("memblock_find_dma_reserve")


def init_paging(boot: Boot) -> None:
    """The platform's own hooks around paging_init; on Xen up to and including xen_post_allocator_init."""
    guest = boot.guest
    base = guest.program.address_of("init_level4_pgt")
    if _slot(guest, "paging.pagetable_init"):
        _call_slot(guest, "paging.pagetable_init")
        return
    _call_slot(guest, "paging.pagetable_setup_start", base)
    guest.call_if_defined("paging_init")
    _call_slot(guest, "paging.pagetable_setup_done", base)


def map_vsyscall(boot: Boot) -> None:
    """map_vsyscall: a fixmap entry whose page tables come from ordinary early memory."""
    guest = boot.guest
    index = guest.constant("VSYSCALL_FIRST_PAGE")
    if index is not None and guest.has("xen_set_fixmap"):
        geometry = guest.memory.geometry
        guest.call("xen_set_fixmap", index, geometry.image_start - geometry.kernel_map, _PAGE_VSYSCALL)


STAGES: tuple[Stage, ...] = (
    Stage("load-domain", "Xen's domain builder", load_domain),
    Stage("start-on-xen", "arch/x86/xen/enlighten.c#xen_start_kernel", start_kernel_on_xen),
    Stage("memory-map", "arch/x86/xen/setup.c#xen_memory_setup (its result)", set_up_memory_map),
    Stage("size-memory", "arch/x86/kernel/setup.c#setup_arch up to memblock_x86_fill", size_memory),
    Stage("map-memory", "setup_arch: init_memory_mapping", map_memory),
    Stage("acpi-tables", "setup_arch: acpi_boot_table_init", map_acpi_tables),
    Stage("node-data", "setup_arch: initmem_init, *_to_bootmem", allocate_node_data),
    Stage("dma-reserve", "setup_arch: memblock_find_dma_reserve", find_dma_reserve),
    Stage("paging", "setup_arch: x86_init.paging.*, paging_init", init_paging),
    Stage("vsyscall", "setup_arch: map_vsyscall", map_vsyscall),
)


def xen_setup_shared_info(guest: Guest) -> Callable[..., int | None]:
    """Primitive for arch/x86/xen/enlighten.c#xen_setup_shared_info: the fixmap entry for a page that Xen owns."""

    def set_fixmap(*_arguments: int) -> None:
        index = guest.constant("FIX_PARAVIRT_BOOTMAP")
        if index is None or not guest.has("xen_set_fixmap"):
            return
        guest.call("xen_set_fixmap", index, guest.xen.domain.special_mfn(0) << PAGE_SHIFT, _PAGE_KERNEL)

    return set_fixmap


def _map_range(boot: Boot, start: int, end: int) -> int:
    """init_memory_mapping(start, end), with an eye on its table buffer. The pfn it returns."""
    guest = boot.guest
    observation = observe_buffer(guest, start, end)
    try:
        mapped = guest.call("init_memory_mapping", start, end)
    finally:
        entry = observation()
        if entry is not None:
            boot.tables.append(entry)
    return mapped


def _high_ranges(boot: Boot) -> list[tuple[int, int]]:
    """What setup_arch maps above 4 GiB: in one piece, or range by range where a tree knows for_each_mem_pfn_range.

    The latter since 1bbbbe779aa ("x86: Exclude E820_RESERVED regions and memory holes above 4 GB from direct mapping").
    """
    end, low_end = boot.max_pfn << PAGE_SHIFT, boot.guest.machine.low_end
    if not boot.guest.has("__next_mem_pfn_range"):
        return [(low_end, end)]
    return [(max(low, low_end), high) for low, high in memory_ranges(boot.guest) if high > low_end]


def _slot(guest: Guest, path: str) -> int:
    """The function in a slot of x86_init; 0 where the tree has no such slot."""
    if not guest.has_member("x86_init", path):
        return 0
    return guest.member("x86_init", path).load()


def _call_slot(guest: Guest, path: str, *arguments: int) -> None:
    function = _slot(guest, path)
    if not function:
        slot = f"x86_init.{path}"
        if guest.has_member("x86_init", path) and "x86_init" not in guest.program.undefined_globals:
            raise NullSlot(slot)
        raise Unsupported(None, f"{slot} is absent, or its table is not read")
    guest.call_address(function, *arguments)


def _set_allocation_limit(guest: Guest, limit: int) -> None:
    """memblock.current_limit, in trees that have it."""
    if guest.has_member("memblock", "current_limit"):
        guest.member("memblock", "current_limit").store(limit)


def _set_features(guest: Guest) -> None:
    """XENFEAT_mmu_pt_update_preserve_ad (5): what Xen offers every PV guest."""
    if guest.has_global("xen_features"):
        guest.store(guest.program.address_of("xen_features") + 5, 1, 1)


def initialise_list(guest: Guest, name: str) -> None:
    """LIST_HEAD(name), of a file that is not read."""
    if guest.has_global(name):
        address = guest.program.address_of(name)
        guest.store(address, 8, address)
        guest.store(address + 8, 8, address)


def _parameter_count(guest: Guest, function: str) -> int:
    kind = guest.program.type_of(function)
    return len(kind.parameters) if isinstance(kind, Function) else 0
