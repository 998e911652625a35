"""A small tree with everything that the page-table hook touches, and a way to vary it."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.source import BlobSource

TABLE_HEADER = "arch/x86/include/asm/x86_init.h"
TABLE_FILE = "arch/x86/kernel/x86_init.c"
PROTOTYPES = "arch/x86/include/asm/pgtable_types.h"
CALLER = "arch/x86/mm/init.c"
OVERRIDE = "arch/x86/xen/mmu.c"

FILES: Mapping[str, str] = {
    TABLE_HEADER: """\
#ifndef TABLES_H
#define TABLES_H

#include <asm/pgtable_types.h>

/* Who we are. */
struct x86_init_oem {
	void (*banner)(void);
};

/**
 * struct x86_init_paging - when page tables are ready
 * @pagetable_init:	called once
 */
struct x86_init_paging {
	void (*pagetable_init)(void);
};

struct x86_init_ops {
	struct x86_init_oem		oem;
	struct x86_init_paging		paging;
};

extern struct x86_init_ops x86_init;

#endif
""",
    TABLE_FILE: """\
#include <asm/x86_init.h>

void banner(void);

struct x86_init_ops x86_init __initdata = {

	.oem = {
		.banner		= banner,
	},

	.paging = {
		.pagetable_init	= native_pagetable_init,
	},
};
""",
    PROTOTYPES: """\
#ifndef TYPES_H
#define TYPES_H

#include <linux/base.h>

#ifndef __ASSEMBLY__

void set_pte_vaddr(unsigned long vaddr, pte_t pte);

#ifdef CONFIG_X86_32
extern void native_pagetable_init(void);
#else
#define native_pagetable_init paging_init
#endif

extern void paging_init(void);

#endif
#endif
""",
    "include/linux/base.h": """\
#ifndef BASE_H
#define BASE_H
typedef unsigned long long u64;
typedef u64 phys_addr_t;
typedef struct { unsigned long pte; } pte_t;
#define __init
#define __initdata
#define __meminitdata
#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PFN_PHYS(x) ((phys_addr_t)(x) << PAGE_SHIFT)
#define KERN_DEBUG ""
#define __va(x) ((void *)(unsigned long)(x))
extern int printk(const char *format, ...);
extern unsigned long max_pfn_mapped;
extern void memblock_x86_reserve_range(u64 start, u64 end, char *name);
extern int memblock_reserve(phys_addr_t base, phys_addr_t size);
extern u64 memblock_find_in_range(u64 start, u64 end, u64 size, u64 align);
#endif
""",
    "arch/x86/include/asm/init.h": """\
#ifndef INIT_H
#define INIT_H
extern unsigned long __initdata pgt_buf_start;
extern unsigned long __meminitdata pgt_buf_end;
extern unsigned long __meminitdata pgt_buf_top;
#endif
""",
    "arch/x86/mm/memblock.c": """\
#include <linux/base.h>

void __init memblock_x86_reserve_range(u64 start, u64 end, char *name)
{
	if (start >= end)
		return;
	memblock_reserve(start, end - start);
}
""",
    "mm/memblock.c": """\
#include <linux/base.h>

static int add_region(phys_addr_t base, phys_addr_t size)
{
	return base + size > base;
}

int __init_memblock memblock_reserve(phys_addr_t base, phys_addr_t size)
{
	return add_region(base, size);
}
""",
    CALLER: """\
#include <linux/base.h>
#include <asm/x86_init.h>
#include <asm/init.h>

unsigned long __initdata pgt_buf_start;
unsigned long __meminitdata pgt_buf_end;
unsigned long __meminitdata pgt_buf_top;

static int after_bootmem;

static void __init find_early_table_space(unsigned long end)
{
	unsigned long tables = end >> 9, good_end = end;
	u64 base;

#ifdef CONFIG_X86_32
	good_end = max_pfn_mapped << PAGE_SHIFT;
#endif

	base = memblock_find_in_range(0, good_end, tables, PAGE_SIZE);
	pgt_buf_start = base >> PAGE_SHIFT;
	pgt_buf_end = pgt_buf_start;
	pgt_buf_top = pgt_buf_start + (tables >> PAGE_SHIFT);
}

struct map_range {
	unsigned long start;
};

unsigned long init_memory_mapping(unsigned long start, unsigned long end)
{
	if (!after_bootmem)
		find_early_table_space(end);

	/* the tables are built here */

	if (!after_bootmem && pgt_buf_end > pgt_buf_start)
		memblock_x86_reserve_range(pgt_buf_start << PAGE_SHIFT,
				pgt_buf_end << PAGE_SHIFT, "PGTABLE");

	return end - start;
}
""",
    OVERRIDE: """\
#include <linux/base.h>
#include <asm/x86_init.h>
#include <asm/init.h>

extern pte_t pte_wrprotect(pte_t pte);
extern void paging_init(void);

void make_lowmem_page_readwrite(void *vaddr)
{
	*(char *)vaddr = 0;
}

static __init void xen_pagetable_init(void)
{
	paging_init();
}

static unsigned long cr2;

static void xen_write_cr2(unsigned long value)
{
	cr2 = value;
}

static pte_t __init mask_rw_pte(unsigned long pfn, pte_t pte)
{
	if (pfn >= pgt_buf_start && pfn < pgt_buf_top)
		pte = pte_wrprotect(pte);
	return pte;
}

void __init xen_init_mmu_ops(void)
{
	pte_t none = { 0 };

	mask_rw_pte(0, none);
	xen_write_cr2(0);
	x86_init.paging.pagetable_init = xen_pagetable_init;
}
""",
}


@pytest.fixture
def pagetable_tree(sources: Callable[[Mapping[str, str]], BlobSource]) -> Callable[..., BlobSource]:
    """`pagetable_tree((file, old, new), …)`: the small tree, each edit's `old` (it must occur) replaced by `new`.

    A file of None means every file.
    """

    def build(*edits: tuple[str | None, str, str]) -> BlobSource:
        files = dict(FILES)
        for name, old, new in edits:
            chosen = [path for path in files if old in files[path] and name in (None, path)]
            assert chosen, f"{old!r} is not in {name}"
            for path in chosen:
                files[path] = files[path].replace(old, new)
        return sources(files)

    return build
