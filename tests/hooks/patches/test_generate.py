from collections.abc import Callable

import pytest
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks.patches.generate import Generated, Refusal, generate_hook
from kpatch_tools.hooks.patches.lacks import Need
from kpatch_tools.hooks.patches.parts import HookPart
from kpatch_tools.hooks.patches.spec import HookSpec, load_hook
from kpatch_tools.hooks.patches.written import Upstream

Tree = Callable[..., BlobSource]

TABLE_HEADER = RepoPath("arch/x86/include/asm/x86_init.h")
TABLE_FILE = RepoPath("arch/x86/kernel/x86_init.c")
PROTOTYPES = RepoPath("arch/x86/include/asm/pgtable_types.h")
CALLER = RepoPath("arch/x86/mm/init.c")
OVERRIDE = RepoPath("arch/x86/xen/mmu.c")


@pytest.fixture
def spec() -> HookSpec:
    return load_hook("pagetable_reserve")


def generated(source: BlobSource, spec: HookSpec, **options: object) -> dict[str, str]:
    hook = generate_hook(source, spec, **options)  # type: ignore[arg-type]
    assert isinstance(hook, Generated), hook
    return {path: (data or b"").decode() for path, data in hook.changes.items()}


def test_all_five_files_and_parts(pagetable_tree: Tree, spec: HookSpec) -> None:
    hook = generate_hook(pagetable_tree(), spec)
    assert isinstance(hook, Generated)
    assert set(hook.changes) == {TABLE_HEADER, TABLE_FILE, PROTOTYPES, CALLER, OVERRIDE}
    assert {one.part for one in hook.parts} == set(HookPart)
    assert len(hook.messages) == 1
    assert hook.messages[0].startswith(b"x86, xen: add the x86_init.mapping.pagetable_reserve hook\n\n")


def test_refused_where_only_a_prototype_of_what_the_override_calls_is_left(
    pagetable_tree: Tree, spec: HookSpec
) -> None:
    definition = "void make_lowmem_page_readwrite(void *vaddr)\n"
    renamed = definition.replace("readwrite", "rw")
    tree = pagetable_tree((OVERRIDE, definition, definition.replace(")\n", ");\n\n") + renamed))
    hook = generate_hook(tree, spec)
    assert isinstance(hook, Refusal)
    assert [lack.need for lack in hook.lacks] == [Need.DEFINITION]
    assert "make_lowmem_page_readwrite()" in hook.lacks[0].message


def test_declared_before_the_neighbour_with_its_columns(pagetable_tree: Tree, spec: HookSpec) -> None:
    text = generated(pagetable_tree(), spec)[TABLE_HEADER]
    assert "\tstruct x86_init_mapping\t\tmapping;\n\tstruct x86_init_paging\t\tpaging;\n" in text
    assert "};\n\n/**\n * struct x86_init_mapping - " in text
    assert "};\n\n/**\n * struct x86_init_paging - " in text


def test_default_in_table_order(pagetable_tree: Tree, spec: HookSpec) -> None:
    text = generated(pagetable_tree(), spec)[TABLE_FILE]
    assert "\t.mapping = {\n\t\t.pagetable_reserve\t= native_pagetable_reserve,\n\t},\n\n\t.paging = {" in text


def test_default_at_the_end_where_no_later_member_is_initialised(pagetable_tree: Tree, spec: HookSpec) -> None:
    paging = "\n\t.paging = {\n\t\t.pagetable_init\t= native_pagetable_init,\n\t},\n"
    tree = pagetable_tree(
        (TABLE_FILE, paging, ""),
        (
            TABLE_FILE,
            "\t.oem = {\n\t\t.banner\t\t= banner,\n\t},\n",
            "\t.paging = { .pagetable_init = native_pagetable_init },\n",
        ),
    )
    assert ".mapping = {" in generated(tree, spec)[TABLE_FILE]


def test_prototype_outside_of_configuration_but_inside_of_the_guards(pagetable_tree: Tree, spec: HookSpec) -> None:
    text = generated(pagetable_tree(), spec)[PROTOTYPES]
    assert "pte_t pte);\n\nextern void native_pagetable_reserve(u64 start, u64 end);\n#ifdef CONFIG_X86_32\n" in text


def test_reserving_call_replaced_where_it_stands(pagetable_tree: Tree, spec: HookSpec) -> None:
    text = generated(pagetable_tree(), spec)[CALLER]
    assert (
        "\tif (!after_bootmem && pgt_buf_end > pgt_buf_start)\n"
        "\t\tx86_init.mapping.pagetable_reserve(PFN_PHYS(pgt_buf_start),\n"
        "\t\t\t\tPFN_PHYS(pgt_buf_end));\n"
    ) in text
    assert text.count("memblock_x86_reserve_range") == 1
    assert (
        "}\n\nvoid __init native_pagetable_reserve(u64 start, u64 end)\n{\n"
        '\tmemblock_x86_reserve_range(start, end, "PGTABLE");\n}\n\nstruct map_range {'
    ) in text


def test_override_follows_its_neighbours_convention(pagetable_tree: Tree, spec: HookSpec) -> None:
    text = generated(pagetable_tree(), spec)[OVERRIDE]
    assert "static __init void xen_mapping_pagetable_reserve(u64 start, u64 end)\n{" in text
    assert text.index("xen_mapping_pagetable_reserve(u64") < text.index("mask_rw_pte(")
    other = pagetable_tree((OVERRIDE, "static __init void", "static void __init"))
    assert "static void __init xen_mapping_pagetable_reserve(u64 start, u64 end)\n{" in generated(other, spec)[OVERRIDE]


def test_assigned_before_the_later_member(pagetable_tree: Tree, spec: HookSpec) -> None:
    text = generated(pagetable_tree(), spec)[OVERRIDE]
    assert (
        "\tx86_init.mapping.pagetable_reserve = xen_mapping_pagetable_reserve;\n\tx86_init.paging.pagetable_init ="
    ) in text


def test_assigned_behind_earlier_members(pagetable_tree: Tree, spec: HookSpec) -> None:
    assignment = "\tx86_init.paging.pagetable_init = xen_pagetable_init;\n"
    tree = pagetable_tree((OVERRIDE, assignment, "\tx86_init.oem.banner = xen_pagetable_init;\n"))
    assert (
        "x86_init.oem.banner = xen_pagetable_init;\n"
        "\tx86_init.mapping.pagetable_reserve = xen_mapping_pagetable_reserve;\n"
    ) in generated(tree, spec)[OVERRIDE]


def test_override_stays_below_what_it_calls(pagetable_tree: Tree, spec: HookSpec) -> None:
    helper = "void make_lowmem_page_readwrite(void *vaddr)\n{\n\t*(char *)vaddr = 0;\n}\n\n"
    tree = pagetable_tree((OVERRIDE, helper, ""), (OVERRIDE, "void __init xen_init", helper + "void __init xen_init"))
    text = generated(tree, spec)[OVERRIDE]
    assert text.index("void make_lowmem") < text.index("xen_mapping_pagetable_reserve(u64") < text.index("xen_init_mmu")


def test_size_instead_of_end(pagetable_tree: Tree, spec: HookSpec) -> None:
    old = 'memblock_x86_reserve_range(pgt_buf_start << PAGE_SHIFT,\n\t\t\t\tpgt_buf_end << PAGE_SHIFT, "PGTABLE");'
    new = "memblock_reserve(pgt_buf_start << PAGE_SHIFT,\n\t\t\t(pgt_buf_end - pgt_buf_start) << PAGE_SHIFT);"
    assert "\tmemblock_reserve(start, end - start);" in generated(pagetable_tree((CALLER, old, new)), spec)[CALLER]


def test_other_names_for_the_buffer(pagetable_tree: Tree, spec: HookSpec) -> None:
    text = generated(pagetable_tree((None, "pgt_buf_", "e820_table_")), spec)
    assert "PFN_PHYS(e820_table_start)" in text[CALLER]
    assert "u64 top = PFN_PHYS(e820_table_top);" in text[OVERRIDE]
    assert not any("pgt_buf" in data for data in text.values())


def test_buffer_in_bytes(pagetable_tree: Tree, spec: HookSpec) -> None:
    tree = pagetable_tree(
        (CALLER, "pgt_buf_start << PAGE_SHIFT", "pgt_buf_start"), (CALLER, "pgt_buf_end << PAGE_SHIFT", "pgt_buf_end")
    )
    text = generated(tree, spec)
    assert "x86_init.mapping.pagetable_reserve(pgt_buf_start, pgt_buf_end);" in text[CALLER]
    assert "u64 top = pgt_buf_top;" in text[OVERRIDE]


def test_without_the_conversion_macro(pagetable_tree: Tree, spec: HookSpec) -> None:
    tree = pagetable_tree(
        ("include/linux/base.h", "#define PFN_PHYS(x) ((phys_addr_t)(x) << PAGE_SHIFT)\n", ""),
    )
    text = generated(tree, spec)
    assert "((u64)pgt_buf_start << PAGE_SHIFT)" in text[CALLER]
    assert "u64 top = ((u64)pgt_buf_top << PAGE_SHIFT);" in text[OVERRIDE]


def test_split_in_two_steps(pagetable_tree: Tree, spec: HookSpec) -> None:
    hook, whole = generate_hook(pagetable_tree(), spec, split=True), generate_hook(pagetable_tree(), spec)
    assert isinstance(hook, Generated)
    assert isinstance(whole, Generated)
    first, second = hook.steps
    assert b"\nvoid native_pagetable_reserve(u64" in first.changes[CALLER]
    assert set(second.changes) == {CALLER}
    assert b"\nvoid __init native_pagetable_reserve(u64" in second.changes[CALLER]
    assert hook.changes == whole.changes
    assert first.message == whole.messages[0]
    assert b"memblock_x86_reserve_range(), which is __init" in b" ".join(second.message.split())


def test_messages_name_the_commits_they_follow(pagetable_tree: Tree, spec: HookSpec) -> None:
    upstream = Upstream(ObjectId("0123456789abcdef0123456789abcdef01234567"), "x86: a subject")
    hook = generate_hook(pagetable_tree(), spec, upstream=upstream)
    assert isinstance(hook, Generated)
    assert b'upstream commit 0123456789ab ("x86: a subject")' in b" ".join(hook.messages[0].split())
    assert all(len(line) <= 75 for line in hook.messages[0].splitlines())


@pytest.mark.parametrize(
    ("edits", "parts"),
    [
        (((CALLER, "if (!after_bootmem && pgt_buf_end > pgt_buf_start)", "if (0)"),), {Need.SITE}),
        (
            (
                (CALLER, "\tif (!after_bootmem && pgt", "#ifdef CONFIG_RESERVE\n\tif (!after_bootmem && pgt"),
                (CALLER, '"PGTABLE");\n', '"PGTABLE");\n#endif\n'),
            ),
            {Need.SITE},
        ),
        (((CALLER, "pgt_buf_top = pgt_buf_start +", "pgt_buf_top = 0 *"),), {Need.BUFFER}),
        (((OVERRIDE, "#include <asm/init.h>\n", ""),), {Need.VISIBILITY}),
        (((OVERRIDE, "pte_t none = { 0 };", "pte_t none = { 0 ;"),), {Need.SYNTAX}),
        (((CALLER, "return end - start;", "return end - ;"),), {Need.SYNTAX}),
        (((OVERRIDE, "pfn < pgt_buf_top)\n\t\tpte =", "pfn < 7)\n\t\tpte ="),), {Need.PREMISE}),
        (((OVERRIDE, "xen_init_mmu_ops", "xen_init_other"),), {Need.INSTALLER, Need.PREMISE}),
        (((None, "\tstruct x86_init_paging\t\tpaging;\n", ""),), {Need.TABLE, Need.INSTALLER}),
        (
            (
                (None, "(u64 start, u64 end, char *name)", "(u64 from, u64 until, char *name)"),
                (
                    "arch/x86/mm/memblock.c",
                    "if (start >= end)\n\t\treturn;\n\tmemblock_reserve(start, end - start);",
                    "",
                ),
            ),
            {Need.RESERVE},
        ),
    ],
)
def test_refusals_name_what_is_missing(
    pagetable_tree: Tree, spec: HookSpec, edits: tuple[tuple[str | None, str, str], ...], parts: set[Need]
) -> None:
    hook = generate_hook(pagetable_tree(*edits), spec)
    assert isinstance(hook, Refusal)
    assert {lack.need for lack in hook.lacks} == parts
    assert all(lack.message for lack in hook.lacks)
