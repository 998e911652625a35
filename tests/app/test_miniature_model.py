"""The model on the miniature kernel: who dies, who boots, and the one token that decides."""

from collections.abc import Mapping

import pytest
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks import Generated, generate_hook, load_hook, remove_hook
from kpatch_tools.model import Verdict, parse_layout, run_model
from kpatch_tools.tree import KernelTree

HOOK = load_hook("pagetable_reserve")
MMU, INIT = RepoPath("arch/x86/xen/mmu.c"), RepoPath("arch/x86/mm/init.c")

SMALL = "64M"
"""One range, all of it below the first GiB."""
TWO = "4160M,hole=64M+4032M"
"""64 MiB of memory at 0 and again at 4 GiB."""
NOACPI = f"{TWO},noacpi"

OK, CRASH, LEFT_OVER = Verdict.OK, Verdict.CRASH, Verdict.RO_LEFT_OVER


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> KernelTree:
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))


def verdicts(source: BlobSource, *layouts: str) -> list[Verdict]:
    runs = run_model(source, [parse_layout(text) for text in layouts])
    assert not [run.reason for run in runs if run.verdict == Verdict.UNDETERMINED]
    return [run.verdict for run in runs]


def edited(source: BlobSource, path: RepoPath, before: str, after: str) -> Overlay:
    text = (source.read(path) or b"").decode()
    assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {path}"
    return Overlay(source, {path: text.replace(before, after).encode()})


def with_hook(source: BlobSource) -> Overlay:
    generated = generate_hook(source, HOOK)
    assert isinstance(generated, Generated)
    return Overlay(source, generated.changes)


def without_hook(source: BlobSource) -> Overlay:
    removed: Mapping[RepoPath, bytes] | None = remove_hook(source, HOOK)
    assert removed is not None
    return Overlay(source, removed)


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        ("v2.6.38", [OK, OK, OK]),
        ("v2.6.39-rc1~3", [CRASH, CRASH, CRASH]),
        ("v2.6.39-rc1", [OK, CRASH, CRASH]),
        ("v2.6.39-rc5", [OK, CRASH, CRASH]),
        ("v2.6.39-rc6~2", [OK, CRASH, CRASH]),
        ("v2.6.39-rc6", [OK, OK, CRASH]),
        ("v2.6.39-rc7", [OK, OK, CRASH]),
        ("v2.6.39~3", [CRASH, CRASH, CRASH]),
        ("v2.6.39~2", [OK, OK, OK]),
        ("v2.6.39", [OK, OK, OK]),
        ("v3.0", [OK, OK, OK]),
        ("v3.1", [OK, OK, OK]),
        ("v3.3", [OK, OK, OK]),
        ("v3.9", [OK, OK, OK]),
    ],
)
def test_each_commit_boots_where_the_readme_says(tree: KernelTree, revision: str, expected: list[Verdict]) -> None:
    assert verdicts(tree.at(revision), SMALL, TWO, NOACPI) == expected


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        ("v2.6.39-rc5", [CRASH, CRASH]),
        ("v2.6.39-rc6~1", [OK, CRASH]),
        ("v2.6.39-rc7", [OK, CRASH]),
        ("v2.6.39~3", [OK, OK]),
    ],
)
def test_the_hook_needs_what_came_before_it(tree: KernelTree, revision: str, expected: list[Verdict]) -> None:
    assert verdicts(with_hook(tree.at(revision)), TWO, NOACPI) == expected


@pytest.mark.parametrize(("revision", "expected"), [("v2.6.39", CRASH), ("v3.0", CRASH), ("v3.1", OK), ("v3.3", OK)])
def test_the_hook_is_needed_while_the_tables_are_high(tree: KernelTree, revision: str, expected: Verdict) -> None:
    assert verdicts(without_hook(tree.at(revision)), TWO) == [expected]


def test_a_hole_high_in_memory_shows_it_as_memory_above_4_gib_does(tree: KernelTree) -> None:
    layout = "1200M,hole=1180M+18M"
    assert verdicts(tree.at("v2.6.39-rc5"), layout) == [CRASH]
    assert verdicts(tree.at("v2.6.39~3"), layout) == [LEFT_OVER]
    assert verdicts(tree.at("v2.6.39~2"), layout) == [OK]


@pytest.mark.parametrize(
    ("revision", "path", "before", "after", "layout"),
    [
        ("v2.6.39-rc1", MMU, "pgt_buf_end - 1)", "pgt_buf_end - 0)", SMALL),
        ("v2.6.39", MMU, "pfn < pgt_buf_top)", "pfn < pgt_buf_end)", TWO),
        ("v2.6.39", MMU, "end < PFN_PHYS(pgt_buf_top);", "end < PFN_PHYS(pgt_buf_end);", TWO),
        ("v2.6.39", MMU, "native_pagetable_reserve(start, end);", "native_pagetable_reserve(start, start);", TWO),
        ("v2.6.39", MMU, "= xen_mapping_pagetable_reserve;", "= native_pagetable_reserve;", TWO),
        ("v3.9", INIT, "INIT_PGT_BUF_PAGES\t6", "INIT_PGT_BUF_PAGES\t1", TWO),
    ],
)
def test_one_token_flips_the_verdict(
    tree: KernelTree, revision: str, path: RepoPath, before: str, after: str, layout: str
) -> None:
    source = tree.at(revision)
    assert verdicts(source, layout) == [OK]
    assert verdicts(edited(source, path, before, after), layout) != [OK]


def test_one_token_makes_the_hook_needed_again(tree: KernelTree) -> None:
    source = without_hook(tree.at("v3.1"))
    assert verdicts(source, TWO) == [OK]
    assert verdicts(edited(source, INIT, "(PAGE_SIZE, good_end,", "(PAGE_SIZE, end,"), TWO) == [CRASH]
