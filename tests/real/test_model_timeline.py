"""Where verdicts flip on real history: where real boots have them flip."""

import pytest
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.model_bisect import bisect
from kpatch_tools.app.model_compare import Changes, compare
from kpatch_tools.app.model_timeline import timeline
from kpatch_tools.app.verdict_journal import VerdictJournal
from kpatch_tools.model import Verdict, parse_layout
from kpatch_tools.tree import KernelTree

pytestmark = [pytest.mark.real, pytest.mark.slow]

SIMPLE, HOLE, TWO, NOACPI = LAYOUTS = tuple(
    parse_layout(text)
    for text in ("64M", "1200M,hole=1180M+18M", "4160M,hole=64M+4032M", "4160M,hole=64M+4032M,noacpi")
)


@pytest.fixture(scope="module")
def tree(linux_git):
    return KernelTree.open(linux_git)


@pytest.fixture(scope="module")
def journal():
    return VerdictJournal()


@pytest.mark.parametrize(
    ("old", "new", "layout", "commit"),
    [
        ("v2.6.38", "v2.6.39-rc1", HOLE, "4b239f458c22"),
        ("14988a4d350c", "v2.6.39-rc1", SIMPLE, "d8aa5ec3382e"),
        ("v2.6.39-rc5", "v2.6.39-rc6", HOLE, "b9269dc7bfdf"),
        ("v2.6.39-rc6", "92bdaef7b2c5", HOLE, "92bdaef7b2c5"),
        ("92bdaef7b2c5", "v2.6.39", HOLE, "279b706bf800"),
    ],
)
def test_bisection_finds_the_commit_of_the_story(tree, journal, old, new, layout, commit):
    report = bisect(tree, old, new, layout, journal=journal)
    assert report.first is not None
    assert report.first.oid.startswith(commit)


def flips(report):
    return {
        (entry.commit.oid[:12], flip.layout.name, flip.before[0].verdict, flip.after.verdict)
        for entry in report.entries
        for flip in entry.flips
    }


def test_the_last_week_of_the_release(tree, journal):
    ok, left = Verdict.OK, Verdict.RO_LEFT_OVER
    report = timeline(tree, "v2.6.39-rc7..v2.6.39", (HOLE,), journal=journal)
    assert flips(report) == {
        ("92bdaef7b2c5", HOLE.name, ok, left),
        ("279b706bf800", HOLE.name, left, ok),
    }
    assert report.exit is Exit.PERSON
    # Nothing of it was ever on the main line.
    report = timeline(tree, "v2.6.39-rc7..v2.6.39", (HOLE,), first_parent=True, journal=journal)
    assert not report.flips
    assert report.exit is Exit.DONE


@pytest.mark.parametrize(
    "changes",
    [Changes(without_hook="pagetable_reserve"), Changes(without_loops_of="xen_mapping_pagetable_reserve")],
)
@pytest.mark.parametrize(("revision", "redundant"), [("v3.0", False), ("v3.1", True), ("tree-3.8.13", True)])
def test_the_loop_is_redundant_from_v3_1_on(tree, changes, revision, redundant):
    report = compare(tree, revision, revision, (SIMPLE, TWO), changes=changes)
    assert report.is_redundant is redundant
    assert report.exit is (Exit.DONE if redundant else Exit.PERSON)
