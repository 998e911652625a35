"""Which files boot, and the one change made to their text."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import concerns
from kpatch_tools.model.boot.unit import BOOTMEM, FILES, NOBOOTMEM, boot_files, boot_source

Sources = Callable[[Mapping[str, str]], BlobSource]

LOOP = "for (pnum = 0; pnum < NR_MEM_SECTIONS; pnum++)\n\tf(pnum_begin, NR_MEM_SECTIONS, n);\n"
SIZE = "size = sizeof(long) * NR_MEM_SECTIONS;\n"


def test_files_that_a_tree_lacks_are_left_out(sources: Sources) -> None:
    tree = sources({"arch/x86/mm/init.c": "", "arch/x86/xen/mmu.c": "", "net/core.c": ""})
    assert boot_files(tree) == ("arch/x86/xen/mmu.c", "arch/x86/mm/init.c")


def test_bootmem_only_where_nobootmem_is_not_a_file_of_its_own(sources: Sources) -> None:
    assert boot_files(sources({NOBOOTMEM: "", BOOTMEM: ""})) == (NOBOOTMEM,)
    assert boot_files(sources({BOOTMEM: ""})) == (BOOTMEM,)


def test_section_loops_end_early_and_sizes_stay(sources: Sources) -> None:
    text = boot_source(sources({"mm/sparse.c": LOOP + SIZE})).read(RepoPath("mm/sparse.c"))
    assert text is not None
    assert text.decode() == LOOP.replace("NR_MEM_SECTIONS", "__model_sections_end()") + SIZE


def test_lines_keep_their_numbers(sources: Sources) -> None:
    before = LOOP + SIZE
    after = boot_source(sources({"mm/sparse.c": before})).read(RepoPath("mm/sparse.c"))
    assert after is not None
    assert after.count(b"\n") == before.count("\n")


@pytest.mark.parametrize("text", [SIZE, ""])
def test_nothing_to_bound_changes_nothing(sources: Sources, text: str) -> None:
    tree = sources({"mm/sparse.c": text})
    assert boot_source(tree) is tree


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["arch/x86/xen/mmu.c"], True),
        (["include/linux/memblock.h"], True),
        (["Documentation/x86/boot.txt", "mm/nobootmem.c"], True),
        (["drivers/net/tun.c", "Makefile"], False),
        ([], False),
    ],
)
def test_what_a_change_must_touch_to_matter(paths: list[str], expected: bool) -> None:
    assert concerns(RepoPath(path) for path in paths) is expected


def test_the_unit_reads_no_file_twice() -> None:
    assert len(set(FILES)) == len(FILES)


def test_a_list_of_reservations_leaves_memblock_out(sources: Sources) -> None:
    tree = sources({"mm/memblock.c": "", "kernel/early_res.c": ""})
    assert boot_files(tree) == ("kernel/early_res.c",)


def test_without_its_symbol_bootmem_is_read_even_beside_nobootmem(sources: Sources) -> None:
    tree = sources({NOBOOTMEM: "", BOOTMEM: ""})
    assert boot_files(tree, {"CONFIG_XEN": "1"}) == (BOOTMEM,)


def test_files_for_nodes_are_read_only_where_they_are_built(sources: Sources) -> None:
    tree = sources({"arch/x86/mm/numa_64.c": ""})
    assert boot_files(tree) == ()
    assert boot_files(tree, {"CONFIG_NUMA": "1"}) == ("arch/x86/mm/numa_64.c",)


def test_of_page_alloc_one_function_is_read_in_its_place(sources: Sources) -> None:
    path = RepoPath("mm/page_alloc.c")
    before = "int a;\nstatic int __init last_active_region_index_in_nid(int nid)\n{\n\treturn -1;\n}\nint b;\n"
    after = boot_source(sources({path: before})).read(path)
    assert after == b"\nstatic int __init last_active_region_index_in_nid(int nid)\n{\n\treturn -1;\n}\n"
    assert boot_source(sources({path: "int a;\n"})).read(path) == b""


MM_STRUCT = "struct mm_struct {\n\tint users;\n};\n"


def test_a_struct_that_lost_its_root_table_is_completed_on_its_own_line(sources: Sources) -> None:
    path = RepoPath("include/linux/mm_types.h")
    broken = {path: MM_STRUCT, "mm/init-mm.c": "struct mm_struct init_mm = { .pgd = top };\n"}
    after = boot_source(sources(broken)).read(path)
    assert after is not None
    assert after.count(b"\n") == MM_STRUCT.count("\n")
    assert b"pgd_t *pgd;" in after
    whole = {**broken, path: MM_STRUCT.replace("int users", "pgd_t *pgd")}
    assert boot_source(sources(whole)).read(path) == whole[path].encode()
    unused = {**broken, "mm/init-mm.c": "struct mm_struct init_mm;\n"}
    assert boot_source(sources(unused)).read(path) == MM_STRUCT.encode()
