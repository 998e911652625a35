from collections.abc import Callable

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks import Generated, HookPart, HookSpec, complete_hook, generate_hook, load_hook, recognise_hook
from kpatch_tools.patch import Patch, diff_sources

Tree = Callable[..., BlobSource]

CALLER = RepoPath("arch/x86/mm/init.c")
OVERRIDE = RepoPath("arch/x86/xen/mmu.c")


@pytest.fixture
def spec() -> HookSpec:
    return load_hook("pagetable_reserve")


def patch_of(source: BlobSource, spec: HookSpec, *paths: RepoPath) -> Patch:
    """The hook's patch, cut down to some of its files if any are named."""
    hook = generate_hook(source, spec)
    assert isinstance(hook, Generated)
    chosen = {path: data for path, data in hook.changes.items() if not paths or path in paths}
    return Patch(files=diff_sources(source, chosen))


def test_one_file_of_five(pagetable_tree: Tree, spec: HookSpec) -> None:
    tree = pagetable_tree()
    completion = complete_hook(patch_of(tree, spec, OVERRIDE), tree)
    assert completion is not None
    assert completion.brought == (HookPart.OVERRIDE, HookPart.ASSIGNMENT)
    assert {part.name for part in completion.missing} == set(HookPart) - {HookPart.OVERRIDE, HookPart.ASSIGNMENT}
    assert {one.name for one in completion.undefined} == {"native_pagetable_reserve", "x86_init.mapping"}
    assert all(one.where.file == OVERRIDE for one in completion.undefined)
    assert not completion.complete
    assert isinstance(completion.whole, Generated)


def test_names_that_the_target_spells_differently(pagetable_tree: Tree, spec: HookSpec) -> None:
    patch = patch_of(pagetable_tree(), spec, OVERRIDE)
    completion = complete_hook(patch, pagetable_tree((None, "pgt_buf_", "e820_table_")))
    assert completion is not None
    assert {one.name for one in completion.undefined} == {
        "native_pagetable_reserve",
        "x86_init.mapping",
        "pgt_buf_top",
    }
    assert isinstance(completion.whole, Generated)
    assert b"e820_table_top" in (completion.whole.changes[OVERRIDE] or b"")


def test_the_whole_hook_is_complete(pagetable_tree: Tree, spec: HookSpec) -> None:
    tree = pagetable_tree()
    completion = complete_hook(patch_of(tree, spec), tree)
    assert completion is not None
    assert completion.complete
    assert completion.brought == tuple(HookPart)


def test_what_does_not_apply_is_said(pagetable_tree: Tree, spec: HookSpec) -> None:
    patch = patch_of(pagetable_tree(), spec, OVERRIDE)
    completion = complete_hook(patch, pagetable_tree((OVERRIDE, "xen_pagetable_init", "xen_other_init")))
    assert completion is not None
    assert completion.rejects
    assert not completion.complete


def test_another_patch_is_about_no_hook(pagetable_tree: Tree) -> None:
    tree = pagetable_tree()
    data = (tree.read(CALLER) or b"").replace(b"start;\n}", b"start + 0;\n}")
    patch = Patch(files=diff_sources(tree, {CALLER: data}))
    assert patch.files
    assert recognise_hook(patch) is None
    assert complete_hook(patch, tree) is None
