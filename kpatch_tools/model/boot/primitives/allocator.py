"""Edges of the early allocators that lie in mm/page_alloc.c, which is not executed.

mm/nobootmem.c, mm/sparse.c and mm/sparse-vmemmap.c run as they are: who asks for memory, when, how much and what is
written into it is the tree's own. Here stands only what the old `early_node_map` (one node, all of memory) answers:
it moved into memblock in v3.3 (0608f70c78a, "x86: Use HAVE_MEMBLOCK_NODE_MAP"), and newer trees need none of it.
"""

from kpatch_tools.model.boot import memblocks
from kpatch_tools.model.boot.guest import INVALID_P2M_ENTRY, Guest, Primitives
from kpatch_tools.model.layouts import PAGE_SIZE
from kpatch_tools.model.trace import PageTaken

_CACHE_LINE = 64
_EINVAL = -22
_WAIT_QUEUE_HEAD = 24
_PAGES_PER_WAITQUEUE = 256


def primitives(guest: Guest) -> Primitives:
    """Only for what the tree does not define itself, except `free_area_init_nodes` and `zone_sizes_init`."""
    page_offset = guest.memory.geometry.page_offset
    machine = guest.machine
    zone_ends = (machine.dma_end // PAGE_SIZE, machine.low_end // PAGE_SIZE, 1 << 40)
    """End pfns of ZONE_DMA, ZONE_DMA32 and ZONE_NORMAL."""

    def nodes() -> list[tuple[int, int]]:
        """Whole pages of each memory region, as pfns."""
        return list(memblocks.whole_pages(memblocks.memory_ranges(guest)))

    def find_memory_core_early(_node: int, size: int, align: int, goal: int, limit: int) -> int:
        """mm/page_alloc.c: room in one range of memory, goal <= address < limit; from the top since 1a4a678b12c8."""
        ranges = memblocks.memory_ranges(guest)
        for low, high in reversed(ranges) if guest.has("last_active_region_index_in_nid") else ranges:
            start, end = max(low, goal), min(high, limit & (1 << 64) - 1)
            if start >= end:
                continue
            found = memblocks.find_free(guest, start, end, size, align)
            if found is not None:
                guest.tracer(PageTaken(found, size))
                return found
        return INVALID_P2M_ENTRY if guest.has("memblock_x86_reserve_range") else 0

    def alloc_memory_core_early(node: int, size: int, align: int, goal: int, limit: int) -> int:
        """mm/page_alloc.c#__alloc_memory_core_early: find, zero through the direct map, reserve."""
        found = find_memory_core_early(node, size, align, goal, min(limit & (1 << 64) - 1, allocation_limit()))
        if found in (0, INVALID_P2M_ENTRY):
            return 0
        guest.memory.write(page_offset + found, bytes(size))
        memblocks.reserve(guest, found, found + size, checked=False)
        return page_offset + found

    def allocation_limit() -> int:
        """Where the early allocator stops, in bytes."""
        if guest.has("get_max_mapped"):
            return guest.call("get_max_mapped")
        if guest.has_member("memblock", "current_limit"):
            return guest.member("memblock", "current_limit").load()
        return 1 << 64

    def free_bootmem_with_active_regions(_node: int, limit: int) -> None:
        """mm/page_alloc.c: bootmem's bitmap begins with everything taken; memory is free."""
        node = memblocks.first_node(guest)
        for start, end in nodes():
            size = (min(end, limit) - start) * PAGE_SIZE
            if size > 0:
                guest.call("free_bootmem_node", node, start * PAGE_SIZE, size)

    def add_from_early_node_map(ranges: int, size: int, count: int, _node: int) -> int:
        for start, end in nodes():
            count = guest.call("add_range", ranges, size, count, start, end)
        return count

    def work_with_active_regions(_node: int, function: int, data: int) -> None:
        for start, end in nodes():
            if guest.call_address(function, start, end, data):
                return

    def sparse_memory_present_with_active_regions(_node: int) -> None:
        for start, end in nodes():
            guest.call("memory_present", 0, start, end)

    def free_area_init_nodes(*_arguments: int) -> int:
        """mm/page_alloc.c: per zone, the hash table of wait queues is all that takes early memory."""
        if not guest.has("__alloc_bootmem_node"):
            return 0
        node = memblocks.first_node(guest)
        start, top = 0, guest.get("max_pfn")
        for limit in zone_ends:
            pages = min(top, limit) - start
            if pages <= 0:
                break
            size = _wait_table_entries(pages) * _WAIT_QUEUE_HEAD
            guest.call("__alloc_bootmem_node", node, size, _CACHE_LINE, machine.dma_end)
            start += pages
        return 0

    def absent_pages(_node: int, start: int, end: int) -> int:
        """mm/page_alloc.c#__absent_pages_in_range."""
        return end - start - sum(max(0, min(high, end) - max(low, start)) for low, high in nodes())

    def sections_end() -> int:
        """Past the last present section; see unit.BOUNDED_LOOPS."""
        return max((-(-high // machine.section_size) for _, high in memblocks.memory_ranges(guest)), default=1)

    return {
        "find_memory_core_early": find_memory_core_early,
        "__alloc_memory_core_early": alloc_memory_core_early,
        "add_from_early_node_map": add_from_early_node_map,
        "work_with_active_regions": work_with_active_regions,
        "sparse_memory_present_with_active_regions": sparse_memory_present_with_active_regions,
        "add_active_range": lambda _node, _start, _end: None,
        "remove_active_range": lambda _node, _start, _end: None,
        "remove_all_active_ranges": lambda: None,
        "sort_node_map": lambda: None,
        "__absent_pages_in_range": absent_pages,
        "absent_pages_in_range": lambda start, end: absent_pages(0, start, end),
        "free_bootmem_with_active_regions": free_bootmem_with_active_regions,
        "free_area_init_nodes": free_area_init_nodes,
        "zone_sizes_init": free_area_init_nodes,
        # No firmware tells a PV guest of nodes: the kernel makes up one for all memory.
        "acpi_scan_nodes": lambda _start, _end: -1,
        "k8_scan_nodes": lambda _start, _end: -1,
        "x86_acpi_numa_init": lambda: _EINVAL,
        "amd_numa_init": lambda: _EINVAL,
        "early_pfn_to_nid": lambda _pfn: 0,
        "__early_pfn_to_nid": lambda _pfn: 0,
        "slab_is_available": lambda: 0,
        "__model_sections_end": sections_end,
    }


DEFER_TO_TREE = (
    "free_bootmem_with_active_regions",
    "find_memory_core_early",
    "__alloc_memory_core_early",
    "add_from_early_node_map",
    "work_with_active_regions",
    "sparse_memory_present_with_active_regions",
)
"""Primitives that a definition in the tree replaces."""


def _wait_table_entries(pages: int) -> int:
    """mm/page_alloc.c#wait_table_hash_nr_entries, without memory hotplug.

    >>> [_wait_table_entries(pages) for pages in (0, 4096, 520192, 1 << 24)]
    [4, 16, 2048, 4096]
    """
    wanted = pages // _PAGES_PER_WAITQUEUE
    entries = 1
    while entries < wanted:
        entries <<= 1
    return max(4, min(entries, 4096))
