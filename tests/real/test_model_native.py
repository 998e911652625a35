"""Real kernels on bare hardware; the fix with and without the hook: equal everywhere, told apart by one check."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from kpatch_tools.app.checking import check_changes
from kpatch_tools.core.finding import Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks.patches.generate import Generated, generate_hook
from kpatch_tools.hooks.patches.inline import generate_inline
from kpatch_tools.hooks.patches.spec import load_hook
from kpatch_tools.model import PLATFORMS, ModelRun, Verdict, get_platform, parse_layout, parse_profile, run_model
from kpatch_tools.tree import KernelTree

pytestmark = [pytest.mark.real, pytest.mark.slow]

BEFORE, HOOK, FIXED = "92bdaef7b2c", "279b706bf80", "v2.6.39"
TREES = ("v2.6.38", "v2.6.39-rc7", BEFORE, HOOK, FIXED, "v3.1", "tree-3.8.13", "tree-3.9.6")
LAYOUTS = tuple(parse_layout(text) for text in ("512M", "1200M,hole=1180M+18M", "5120M"))
SMALL = tuple(parse_layout(text) for text in ("64M", "1200M,hole=1180M+18M", "4160M,hole=64M+4032M,noacpi"))
BARE = tuple(platform.name for platform in PLATFORMS if platform.name != "xen")


@pytest.fixture(scope="module")
def tree(linux_git: Path) -> KernelTree:
    return KernelTree.open(linux_git)


def at(tree: KernelTree, revision: str) -> BlobSource:
    return tree.at(tree.resolve(revision).oid)


def edited(source: BlobSource, path: str, old: bytes, new: bytes) -> BlobSource:
    text = source.read(RepoPath(path)) or b""
    assert text.count(old) == 1
    return Overlay(source, {RepoPath(path): text.replace(old, new)})


@pytest.mark.parametrize("platform", BARE)
@pytest.mark.parametrize("revision", TREES)
def test_every_tree_boots_without_xen(tree: KernelTree, revision: str, platform: str) -> None:
    runs = run_model(at(tree, revision), LAYOUTS, platform=get_platform(platform))
    assert [run.verdict for run in runs] == [Verdict.OK] * len(LAYOUTS)
    assert all(run.unknown_symbols == () for run in runs)


@pytest.mark.parametrize("profile", ["x86_64-native", "x86_64-xen-pv", "x86_64-native-debug-pagealloc"])
@pytest.mark.parametrize("platform", BARE)
def test_the_hook_changes_nothing_without_xen(tree: KernelTree, platform: str, profile: str) -> None:
    before, after = (
        run_model(at(tree, one), LAYOUTS, platform=get_platform(platform), profile=parse_profile(profile))
        for one in (BEFORE, HOOK)
    )
    assert [run.reserved for run in before] == [run.reserved for run in after]
    assert all(run.verdict is Verdict.OK and run.reserved for run in after)


@pytest.mark.parametrize("platform", BARE)
def test_a_hook_without_default_is_found_on_any_machine_but_xen(tree: KernelTree, platform: str) -> None:
    source = edited(at(tree, FIXED), "arch/x86/kernel/x86_init.c", b"= native_pagetable_reserve,", b"= 0,")
    (run,) = run_model(source, LAYOUTS[1:2], platform=get_platform(platform))
    assert run.fault is not None
    assert run.fault.kind == "null-slot"
    assert "x86_init.mapping.pagetable_reserve" in run.fault.message
    assert run_model(source, LAYOUTS[1:2])[0].verdict is Verdict.OK


@pytest.mark.parametrize("platform", BARE)
@pytest.mark.parametrize(("new", "verdicts"), [
    (b"PFN_PHYS(pgt_buf_end) - PAGE_SIZE);", {Verdict.CRASH, Verdict.UNRESERVED}),
    (b"PFN_PHYS(pgt_buf_top));", {Verdict.LEAK}),
])  # fmt: skip
def test_another_range_is_found(tree: KernelTree, platform: str, new: bytes, verdicts: set[Verdict]) -> None:
    source = edited(at(tree, FIXED), "arch/x86/mm/init.c", b"PFN_PHYS(pgt_buf_end));", new)
    (run,) = run_model(source, LAYOUTS[1:2], platform=get_platform(platform))
    assert run.verdict in verdicts


@pytest.fixture(scope="module")
def fixes(tree: KernelTree) -> Mapping[str, Generated]:
    spec, source = load_hook("pagetable_reserve"), at(tree, BEFORE)
    made = {"hook": generate_hook(source, spec), "inline": generate_inline(source, spec)}
    return {name: one for name, one in made.items() if isinstance(one, Generated)}


def outcome(run: ModelRun) -> tuple[object, ...]:
    return run.verdict, run.reserved, run.rw_done, run.free_read_only, run.tables


@pytest.mark.parametrize("profile", ["x86_64-xen-pv", "x86_64-native"])
@pytest.mark.parametrize("platform", [platform.name for platform in PLATFORMS])
def test_both_fixes_do_the_same(tree: KernelTree, fixes: Mapping[str, Generated], platform: str, profile: str) -> None:
    if (platform, profile) == ("xen", "x86_64-native"):
        pytest.skip("a kernel without Xen does not boot on it")
    hook, inline = (
        run_model(
            Overlay(at(tree, BEFORE), fixes[name].changes),
            SMALL,
            platform=get_platform(platform),
            profile=parse_profile(profile),
        )
        for name in ("hook", "inline")
    )
    assert [outcome(run) for run in hook] == [outcome(run) for run in inline]
    assert all(run.verdict is Verdict.OK for run in hook)


def test_what_is_wrong_with_one_of_them_is_where_it_stands(tree: KernelTree, fixes: Mapping[str, Generated]) -> None:
    found = {
        name: list(check_changes(tree, at(tree, BEFORE), made.changes, made.messages[0]))
        for name, made in fixes.items()
    }
    assert all(one.status in (Status.PASS, Status.SKIP) for one in found["hook"])
    warned = [one for one in found["inline"] if one.status not in (Status.PASS, Status.SKIP)]
    assert {(one.id, one.status, one.file) for one in warned} == {("layering", Status.WARN, "arch/x86/mm/init.c")}
    assert "init_memory_mapping() asks xen_pv_domain()" in warned[0].message
