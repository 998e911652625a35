"""Functions without effect on page tables or on who owns memory: they do nothing here and answer 0."""

from kpatch_tools.model.boot.guest import Guest, Primitives

INERT: tuple[str, ...] = (
    # locking, preemption, tracing: one CPU, no interrupts
    "__might_sleep",
    "_raw_spin_lock",
    "_raw_spin_unlock",
    "_raw_spin_unlock_irqrestore",
    "spin_lock",
    "spin_unlock",
    # control registers and TLB: the modelled TLB is never stale, features are chosen by the profile
    "check_efer",
    "set_in_cr4",
    "set_nx",
    "write_cr4",
    "native_write_cr4",
    "__native_flush_tlb",
    "__native_flush_tlb_global",
    "local_flush_tlb",
    # memory debugging and accounting
    "early_memtest",
    "kmemleak_alloc",
    "kmemleak_free_part",
    "kmemleak_ignore",
    "memblock_dump_all",
    "__memblock_dump_all",
    "update_page_count",
    # node bookkeeping of one node without NUMA
    "node_clear_state",
    "numa_init_array",
    "set_dma_reserve",
    "set_pageblock_order",
    "check_usemap_section_nr",
    # other subsystems
    "early_printk",
    "reserve_crashkernel",
    "trim_platform_memory_ranges",
    "vm_unmap_aliases",
    "vmalloc_sync_all",
    "warn_slowpath_fmt",
    "warn_slowpath_null",
    "xen_raw_printk",
    # the guest's own p2m tree (p2m.c is replaced as a whole: see translation.py); 0 = "there is no new list"
    "xen_revector_p2m_tree",
    "xen_setup_mfn_list_list",
)


def primitives(_guest: Guest) -> Primitives:
    return dict.fromkeys(INERT, _nothing)


def _nothing(*_arguments: int) -> int:
    return 0
