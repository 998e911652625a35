"""The alternative to the hook: generic code asks for the platform and calls it."""

from collections.abc import Callable

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks.patches.generate import Generated, Refusal
from kpatch_tools.hooks.patches.inline import generate_inline
from kpatch_tools.hooks.patches.presence import PresenceState, probe_presence
from kpatch_tools.hooks.patches.spec import HookSpec, load_hook

Tree = Callable[..., BlobSource]

PROTOTYPES = RepoPath("arch/x86/include/asm/pgtable_types.h")
CALLER = RepoPath("arch/x86/mm/init.c")
OVERRIDE = RepoPath("arch/x86/xen/mmu.c")
XEN = RepoPath("include/xen/xen.h")
PREDICATE = b"extern int xen_domain_type;\n#define xen_pv_domain() (xen_domain_type == 1)\n"
CALL = "\tif (!after_bootmem && pgt_buf_end > pgt_buf_start)\n"


@pytest.fixture
def spec() -> HookSpec:
    return load_hook("pagetable_reserve")


def with_predicate(source: BlobSource) -> BlobSource:
    return Overlay(source, {XEN: PREDICATE})


def written(source: BlobSource, spec: HookSpec) -> dict[str, str]:
    made = generate_inline(with_predicate(source), spec)
    assert isinstance(made, Generated), made
    return {path: (data or b"").decode() for path, data in made.changes.items()}


def test_three_files_and_no_table(pagetable_tree: Tree, spec: HookSpec) -> None:
    files = written(pagetable_tree(), spec)
    assert set(files) == {PROTOTYPES, CALLER, OVERRIDE}
    assert "x86_init.mapping" not in "".join(files.values())


def test_the_reserving_call_stays_and_the_question_follows_it(pagetable_tree: Tree, spec: HookSpec) -> None:
    text = written(pagetable_tree(), spec)[CALLER]
    expected = (
        "\tif (!after_bootmem && pgt_buf_end > pgt_buf_start) {\n"
        "\t\tmemblock_x86_reserve_range(pgt_buf_start << PAGE_SHIFT,\n"
        '\t\t\t\tpgt_buf_end << PAGE_SHIFT, "PGTABLE");\n'
        "\t\tif (xen_pv_domain())\n"
        "\t\t\txen_release_pagetable_pages(PFN_PHYS(pgt_buf_end),\n"
        "\t\t\t\t\tPFN_PHYS(pgt_buf_top));\n"
        "\t}\n"
    )
    assert expected in text
    assert text.index("#include <xen/xen.h>") > text.index("#include <asm/init.h>")


def test_braces_that_are_there_are_not_doubled(pagetable_tree: Tree, spec: HookSpec) -> None:
    tree = pagetable_tree((CALLER, CALL, CALL.replace(")\n", ") {\n")), (CALLER, '"PGTABLE");\n', '"PGTABLE");\n\t}\n'))
    text = written(tree, spec)[CALLER]
    assert text.count("{") == text.count("}")
    assert "\t\t\t\t\tPFN_PHYS(pgt_buf_top));\n\t}\n\n\treturn" in text


def test_a_header_that_is_included_already_is_not_included_again(pagetable_tree: Tree, spec: HookSpec) -> None:
    line = "#include <asm/init.h>\n"
    text = written(pagetable_tree((CALLER, line, line + "#include <xen/xen.h>\n")), spec)[CALLER]
    assert text.count("#include <xen/xen.h>") == 1


def test_the_platforms_function_is_called_from_elsewhere(pagetable_tree: Tree, spec: HookSpec) -> None:
    files = written(pagetable_tree(), spec)
    assert "__init void xen_release_pagetable_pages(u64 start, u64 end)\n{" in files[OVERRIDE]
    assert "static __init void xen_release" not in files[OVERRIDE]
    assert "extern void xen_release_pagetable_pages(u64 start, u64 end);\n" in files[PROTOTYPES]


def test_it_is_no_part_of_the_hook(pagetable_tree: Tree, spec: HookSpec) -> None:
    source = with_predicate(pagetable_tree())
    made = generate_inline(source, spec)
    assert isinstance(made, Generated)
    assert probe_presence(Overlay(source, made.changes), spec).state is PresenceState.ABSENT


def test_refused_without_a_predicate_to_ask(pagetable_tree: Tree, spec: HookSpec) -> None:
    refused = generate_inline(pagetable_tree(), spec)
    assert isinstance(refused, Refusal)
    assert [lack.message for lack in refused.lacks] == ["no header declares xen_pv_domain()"]
