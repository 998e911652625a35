"""What a change does to the machine: nothing, something, or nobody knows."""

import pytest
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.app.model_compare import Changes, compare, without_loops
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.model import Verdict, parse_layout
from kpatch_tools.tree import KernelTree

LAYOUTS = tuple(parse_layout(text) for text in ("64M", "4160M,hole=64M+4032M"))
MMU = RepoPath("arch/x86/xen/mmu.c")
NO_HOOK = Changes(without_hook="pagetable_reserve")
NO_LOOP = Changes(without_loops_of="xen_mapping_pagetable_reserve")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))


@pytest.mark.parametrize("changes", [NO_HOOK, NO_LOOP])
def test_once_the_tables_are_low_the_loop_is_redundant(tree, changes):
    report = compare(tree, "v3.1", "v3.1", LAYOUTS, changes=changes)
    assert [one.verdict for one in report.comparisons] == ["identical", "identical"]
    assert report.is_redundant
    assert report.exit is Exit.DONE
    # The kernel says less, and that decides nothing.
    assert bool(report.comparisons[0].printed) == (changes is NO_HOOK)


@pytest.mark.parametrize("changes", [NO_HOOK, NO_LOOP])
def test_while_they_are_high_it_is_not(tree, changes):
    report = compare(tree, "v3.0", "v3.0", LAYOUTS[1:], changes=changes)
    (one,) = report.comparisons
    assert (one.before.run.verdict, one.after.run.verdict) == (Verdict.OK, Verdict.CRASH)
    assert one.verdict == "differs"
    assert ("direct map", "RW", "RO") in {(piece.aspect, piece.before, piece.after) for piece in one.differences}
    assert not report.is_redundant
    assert report.exit is Exit.PERSON


def test_two_revisions_alike_are_identical_but_nothing_is_redundant(tree):
    report = compare(tree, "v2.6.39~1", "v2.6.39", LAYOUTS[:1], jobs=1)
    assert report.exit is Exit.DONE
    assert not report.is_redundant


def test_a_loop_is_blanked_in_its_place(tree):
    source = tree.at("v3.1")
    (changed,) = without_loops(source, "xen_mapping_pagetable_reserve").values()
    before = source.read(MMU) or b""
    assert len(changed) == len(before)
    assert changed.count(b"\n") == before.count(b"\n")
    assert changed.count(b"for (") == before.count(b"for (") - 1


@pytest.mark.parametrize(
    ("changes", "revision", "code"),
    [
        (NO_HOOK, "v2.6.38", "cannot-remove"),
        (Changes(without_hook="no_such_hook"), "v3.1", "unknown-hook"),
        (NO_LOOP, "v2.6.38", "cannot-remove"),
        (Changes(without_loops_of="native_pagetable_reserve"), "v3.1", "cannot-remove"),
    ],
)
def test_what_is_not_there_cannot_be_taken_out(tree, changes, revision, code):
    with pytest.raises(KpatchError) as caught:
        compare(tree, revision, revision, LAYOUTS, changes=changes)
    assert caught.value.code == code
