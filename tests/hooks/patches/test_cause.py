from collections.abc import Callable

import pytest
from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks import CauseState, probe_cause, probe_features
from kpatch_tools.hooks.patches.cause import Placement
from kpatch_tools.hooks.patches.protection import ReadOnlyUpTo
from kpatch_tools.hooks.patches.reserve import Second
from kpatch_tools.hooks.patches.units import Unit

Tree = Callable[..., BlobSource]

CALLER = "arch/x86/mm/init.c"
OVERRIDE = "arch/x86/xen/mmu.c"
RANGE = "arch/x86/mm/memblock.c"
RANGE_BODY = "if (start >= end)\n\t\treturn;\n\tmemblock_reserve(start, end - start);"
LIMIT = "\tgood_end = max_pfn_mapped << PAGE_SHIFT;"
SEARCH = "base = memblock_find_in_range(0, good_end, tables, PAGE_SIZE);\n\tpgt_buf_start = base >> PAGE_SHIFT;"
DIRECT = "pgt_buf_start = memblock_find_in_range(0, max_pfn_mapped << PAGE_SHIFT, tables, PAGE_SIZE);"
A_SIZE = "(pgt_buf_end - pgt_buf_start) << PAGE_SHIFT"
BASE = "include/linux/base.h"


def test_present_where_the_buffer_may_be_unmapped(pagetable_tree: Tree) -> None:
    cause = probe_cause(pagetable_tree())
    assert cause.state is CauseState.PRESENT
    assert cause.placement is Placement.UNMAPPED
    assert cause.read_only_up_to is ReadOnlyUpTo.TOP
    assert [one.where.file for one in cause.evidence] == [CALLER, OVERRIDE]


@pytest.mark.parametrize(
    "edit",
    [
        (CALLER, f"#ifdef CONFIG_X86_32\n{LIMIT}\n#endif", LIMIT),
        (CALLER, "#ifdef CONFIG_X86_32", "#ifdef CONFIG_X86_64"),
        (CALLER, "#ifdef CONFIG_X86_32", "#ifndef CONFIG_X86_32"),
        (CALLER, "#ifdef CONFIG_X86_32", "#if defined(CONFIG_64BIT)"),
        (CALLER, "range(0, good_end,", "range(0, max_pfn_mapped << PAGE_SHIFT,"),
        (CALLER, SEARCH, DIRECT),
    ],
)
def test_absent_where_the_search_is_bounded(pagetable_tree: Tree, edit: tuple[str, str, str]) -> None:
    cause = probe_cause(pagetable_tree(edit))
    assert cause.state is CauseState.ABSENT
    assert cause.placement is Placement.MAPPED
    assert "max_pfn_mapped << PAGE_SHIFT" in cause.evidence[0].statement


@pytest.mark.parametrize(
    "edits",
    [
        # Which value holds depends on the configuration, or on a condition of the program.
        ((CALLER, "#ifdef CONFIG_X86_32", "#ifdef CONFIG_NUMA"),),
        ((CALLER, "#ifdef CONFIG_X86_32\n\tgood_end", "#ifdef CONFIG_X86_64\n\tif (after_bootmem)\n\t\tgood_end"),),
        # The bound is neither known to be mapped nor about the memory to map.
        ((CALLER, "good_end = end;", "good_end = 1UL << 30;"),),
        # Nothing searches.
        ((CALLER, "base = memblock_find_in_range(0, good_end, tables, PAGE_SIZE);", "base = 0x8000;"),),
        # Nothing keeps pages read-only.
        ((OVERRIDE, "\t\tpte = pte_wrprotect(pte);", "\t\treturn pte;"),),
        ((OVERRIDE, "if (pfn >= pgt_buf_start && pfn < pgt_buf_top)", "if (pfn)"),),
        # Code that is not C, as far as the grammar knows.
        ((CALLER, "\treturn end - start;", "\treturn end - ;"),),
        ((CALLER, "\tpgt_buf_end = pgt_buf_start;", "\tpgt_buf_end = pgt_buf_start; )"),),
        # No such function; a site without a set-up.
        ((None, "init_memory_mapping", "map_memory"),),
        ((CALLER, "pgt_buf_top = pgt_buf_start + (tables", "pgt_buf_top = (tables"),),
        ((CALLER, "if (!after_bootmem && pgt_buf_end > pgt_buf_start)", "if (end)"),),
    ],
)
def test_undetermined_is_said(pagetable_tree: Tree, edits: tuple[tuple[str | None, str, str], ...]) -> None:
    cause = probe_cause(pagetable_tree(*edits))
    assert cause.state is CauseState.UNDETERMINED
    assert cause.reason


def test_superseded_is_shown_by_who_takes_pages_now(pagetable_tree: Tree) -> None:
    taker = (
        "u64 alloc_low_pages(unsigned int num)\n{\n\tu64 got;\n\n"
        "\tgot = memblock_find_in_range(0, max_pfn_mapped << PAGE_SHIFT, num, PAGE_SIZE);\n"
        "\tmemblock_reserve(got, PAGE_SIZE * num);\n\treturn got;\n}\n\nunsigned long init_memory_mapping("
    )
    tree = pagetable_tree(
        (CALLER, "if (!after_bootmem && pgt_buf_end > pgt_buf_start)", "if (end)"),
        (CALLER, "unsigned long init_memory_mapping(", taker),
    )
    cause = probe_cause(tree)
    assert cause.state is CauseState.SUPERSEDED
    assert cause.evidence[1].statement.startswith("alloc_low_pages() looks below max_pfn_mapped << PAGE_SHIFT")


def test_an_allocator_keeps_what_it_finds_itself(pagetable_tree: Tree) -> None:
    taker = (
        "u64 alloc_low_pages(unsigned int num)\n{\n\tu64 got;\n\n"
        "\tgot = memblock_phys_alloc_range(num, PAGE_SIZE, 0, max_pfn_mapped << PAGE_SHIFT);\n"
        "\treturn got;\n}\n\nunsigned long init_memory_mapping("
    )
    tree = pagetable_tree(
        (CALLER, "if (!after_bootmem && pgt_buf_end > pgt_buf_start)", "if (end)"),
        (CALLER, "unsigned long init_memory_mapping(", taker),
    )
    cause = probe_cause(tree)
    assert cause.state is CauseState.SUPERSEDED
    assert "from memblock_phys_alloc_range()" in cause.evidence[1].statement


def test_only_part_of_the_buffer_read_only(pagetable_tree: Tree) -> None:
    cause = probe_cause(pagetable_tree((OVERRIDE, "pfn < pgt_buf_top", "pgt_buf_end > pfn")))
    assert cause.state is CauseState.PRESENT
    assert cause.read_only_up_to is ReadOnlyUpTo.END


def test_a_late_repair_is_named(pagetable_tree: Tree) -> None:
    repair = (
        "static void mark_rw(void)\n{\n\tu64 at = PFN_PHYS(pgt_buf_end);\n\n"
        "\twhile (at < PFN_PHYS(pgt_buf_top)) {\n\t\tmake_lowmem_page_readwrite(__va(at));\n"
        "\t\tat += PAGE_SIZE;\n\t}\n}\n\n"
    )
    cause = probe_cause(
        pagetable_tree((OVERRIDE, "void __init xen_init_mmu_ops", repair + "void __init xen_init_mmu_ops"))
    )
    assert [one.statement for one in cause.repairs] == ["mark_rw() makes spare pages of the buffer writable"]


def test_features_say_where_each_was_read(pagetable_tree: Tree) -> None:
    features = probe_features(pagetable_tree())
    assert not features.lacks
    assert features.site is not None
    assert (features.site.callee, features.site.through_slot) == ("memblock_x86_reserve_range", False)
    assert features.reserve is not None
    assert (features.reserve.second, features.reserve.further) == (Second.END, ('"PGTABLE"',))
    assert features.reserve.section == "__init"
    assert str(features.reserve.defined) == "arch/x86/mm/memblock.c:3"
    assert features.buffer is not None
    assert [one.name for one in (features.buffer.start, features.buffer.end, features.buffer.top)] == [
        "pgt_buf_start",
        "pgt_buf_end",
        "pgt_buf_top",
    ]
    assert features.buffer.top.unit is Unit.PFN
    assert features.buffer.set_up_at.function == "find_early_table_space"
    seen = {(one.file, one.name): str(one.declared) for one in features.visible}
    assert seen[OVERRIDE, "pgt_buf_top"] == "arch/x86/include/asm/init.h:5"
    assert seen[CALLER, "PFN_PHYS"].startswith(BASE)
    assert features.override_convention.before_type
    assert not features.default_convention.before_type


@pytest.mark.parametrize(
    ("edits", "second"),
    [
        # By the body alone, by the names alone, and through a function that is handed both.
        (((RANGE, "u64 start, u64 end", "u64 a, u64 b"), (RANGE, "start >= end", "a >= b")), Second.END),
        (((RANGE, RANGE_BODY, ""),), Second.END),
        (
            (
                (RANGE, "u64 start, u64 end, char *name)", "u64 a, u64 b, char *name)"),
                (RANGE, RANGE_BODY, "memblock_reserve(a, b);"),
                (CALLER, "pgt_buf_end << PAGE_SHIFT", A_SIZE),
            ),
            Second.SIZE,
        ),
        # Names and body contradict each other; the call's arguments contradict the function.
        (((RANGE, "u64 end, char", "u64 size, char"), (RANGE, "start >= end", "start >= size")), None),
        (((CALLER, "pgt_buf_end << PAGE_SHIFT", A_SIZE),), None),
    ],
)
def test_end_or_size(
    pagetable_tree: Tree, edits: tuple[tuple[str | None, str, str], ...], second: Second | None
) -> None:
    reserve = probe_features(pagetable_tree(*edits)).reserve
    assert (reserve.second if reserve is not None else None) is second
