"""A verdict for every commit, merges included; and the commit by which it changed."""

import shutil

import pygit2
import pytest
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.app.model_bisect import Term, bisect
from kpatch_tools.app.model_timeline import timeline
from kpatch_tools.app.verdict_journal import VerdictJournal
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks import load_hook, remove_hook
from kpatch_tools.model import Verdict, parse_layout
from kpatch_tools.tree import KernelTree, Signature

INIT = RepoPath("arch/x86/mm/init.c")
SMALL, TWO, NOACPI = layouts = tuple(
    parse_layout(text) for text in ("64M", "4160M,hole=64M+4032M", "4160M,hole=64M+4032M,noacpi")
)
OK, CRASH = "OK", "CRASH"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A miniature that may be written to."""
    found = build_miniature(tmp_path_factory.mktemp("cache"))
    copy = tmp_path_factory.mktemp("own") / "kernel.git"
    shutil.copytree(found, copy)
    return copy


@pytest.fixture(scope="module")
def journal():
    """Shared by the module's tests: what one has settled, the others need not boot."""
    return VerdictJournal()


@pytest.fixture(scope="module")
def tree(path):
    return KernelTree.open(path)


def commit(tree, base, changes, subject):
    who = Signature("A", "a@example.org", 1_400_000_000, 0)
    oid = tree.resolve(base).oid
    return tree.write(base=oid, changes=changes, message=f"{subject}\n".encode(), author=who, committer=who)


def merge(path, first, second, tree_of):
    repository = pygit2.Repository(str(path))
    who = pygit2.Signature("A", "a@example.org", 1_400_000_100, 0)
    return str(repository.create_commit(None, who, who, "Merge", repository[tree_of].tree_id, [first, second]))


def text(tree, revision, before=None, after=None):
    data = (tree.at(revision).read(INIT) or b"").decode()
    if before is not None:
        assert data.count(before) == 1
        data = data.replace(before, after)
    return data.encode()


def flips(report):
    return [
        (entry.commit.subject.split(":")[-1].strip(), flip.layout.name, *map(str, flip.before), str(flip.after))
        for entry in report.entries
        for flip in entry.flips
        if flip.before[0].verdict is not flip.after.verdict
    ]


def verdicts(answers):
    return [answer.verdict.value for answer in answers]


def test_flips_are_where_the_story_has_them(tree, journal):
    report = timeline(tree, "v2.6.38..v2.6.39", (SMALL, NOACPI), journal=journal, jobs=2)
    assert verdicts(report.base_answers) == verdicts(report.tip_answers) == [OK, OK]
    assert [(subject, layout) for subject, layout, *_ in flips(report)] == [
        ("put the early page tables at the top of memory", "64M"),
        ("put the early page tables at the top of memory", NOACPI.name),
        ("map tables in use read-only in the early fixmap, too", "64M"),
        ('work around the early page tables being put high"', "64M"),
        ("introduce x86_init.mapping.pagetable_reserve", "64M"),
        ("introduce x86_init.mapping.pagetable_reserve", NOACPI.name),
    ]
    assert report.exit is Exit.PERSON
    assert report.commits == 15
    # Tags, version numbers and comments are no units of their own.
    assert report.units < report.commits


def test_what_is_settled_is_not_executed_again(tree, tmp_path):
    def run():
        return timeline(tree, "v3.0..v3.1", (SMALL,), journal=VerdictJournal.open(tmp_path, "key"), jobs=1)

    first, again = run(), run()
    assert first.effort.outlined
    assert first.effort.booted
    assert (again.effort.outlined, again.effort.booted, again.effort.alike) == (0, 0, 0)
    assert (again.entries, again.tip_answers) == (first.entries, first.tip_answers)


def test_an_interrupted_run_leaves_what_it_had(tree, tmp_path):
    def stop(step):
        if "by booting" in step:
            raise KeyboardInterrupt

    def journal():
        return VerdictJournal.open(tmp_path, "key")

    arguments = (tree, "v2.6.39-rc1..v2.6.39-rc5", (SMALL,))
    with pytest.raises(KeyboardInterrupt):
        timeline(*arguments, journal=journal(), jobs=2, progress=stop)
    kept = journal()
    assert len(kept.answers) == 1
    # A line that was cut off counts as absent.
    with (tmp_path / "key.jsonl").open("a") as file:
        file.write('{"unit": "x", "lay')
    resumed = timeline(*arguments, journal=journal(), jobs=1)
    whole = timeline(*arguments, journal=VerdictJournal(), jobs=1)
    assert resumed.entries == whole.entries
    assert resumed.effort.booted + resumed.effort.alike < whole.effort.booted + whole.effort.alike


def test_units_that_a_boot_cannot_tell_apart_are_booted_once(tree):
    more = commit(tree, "v3.1", {INIT: text(tree, "v3.1") + b"\nint nobody_asks_for_this;\n"}, "more")
    report = timeline(tree, f"v3.1..{more}", (SMALL,), jobs=1)
    assert (report.units, report.effort.booted, report.effort.alike) == (2, 1, 1)
    assert [verdicts(entry.answers) for entry in report.entries] == [[OK]]


@pytest.fixture(scope="module")
def evil(tree, path):
    """Two changes that boot, each on its own branch of v3.1, and their merge, which does not."""
    removed = remove_hook(tree.at("v3.1"), load_hook("pagetable_reserve"))
    assert removed is not None
    high = ("(PAGE_SIZE, good_end,", "(PAGE_SIZE, end,")
    left = commit(tree, "v3.1", removed, "drop the hook")
    right = commit(tree, "v3.1", {INIT: text(tree, "v3.1", *high)}, "put the tables high")
    both = commit(tree, left, {INIT: text(tree, left, *high)}, "both")
    return left, right, merge(path, left, right, both)


def test_a_merge_has_a_verdict_of_its_own(tree, journal, evil):
    left, right, merged = evil
    report = timeline(tree, f"v3.1..{merged}", (TWO,), journal=journal)
    by_id = {entry.commit.oid: entry for entry in report.entries}
    assert {oid: verdicts(entry.answers) for oid, entry in by_id.items()} == {
        left: [OK],
        right: [OK],
        merged: [CRASH],
    }
    assert by_id[merged].is_merge
    assert [(verdicts(flip.before), flip.after.verdict) for flip in by_id[merged].flips] == [([OK, OK], Verdict.CRASH)]
    assert not by_id[left].flips
    assert not by_id[right].flips


def test_on_first_parents_a_merge_is_held_against_the_one_before(tree, journal, evil):
    left, _, merged = evil
    report = timeline(tree, f"v3.1..{merged}", (TWO,), first_parent=True, journal=journal)
    assert [entry.commit.oid for entry in report.entries] == [left, merged]
    assert [verdicts(flip.before) for flip in report.entries[-1].flips] == [[OK]]


def test_paths_choose_commits(tree, journal):
    report = timeline(tree, "v2.6.39~3..v2.6.39", (SMALL,), paths=("arch/x86/include",), journal=journal)
    assert [entry.commit.subject for entry in report.entries] == [
        "x86, xen: introduce x86_init.mapping.pagetable_reserve"
    ]
    assert report.commits == 1


@pytest.mark.parametrize(
    ("old", "new", "layout", "subject"),
    [
        ("v2.6.38", "v2.6.39-rc7", NOACPI, "x86-64, mm: put the early page tables at the top of memory"),
        ("v2.6.39-rc1~3", "v2.6.39-rc7", SMALL, "xen: map tables in use read-only in the early fixmap, too"),
        ("v2.6.39-rc7", "v3.0", NOACPI, "x86, xen: introduce x86_init.mapping.pagetable_reserve"),
    ],
)
def test_bisection_finds_a_fault_or_its_repair(tree, journal, old, new, layout, subject):
    report = bisect(tree, old, new, layout, journal=journal)
    assert report.first is not None
    assert report.first.subject == subject
    assert report.exit is Exit.DONE
    assert report.answer is not None
    assert (report.answer.verdict is Verdict.OK) == (report.new_answer.verdict is Verdict.OK)
    assert [answer.verdict for answer in report.before] == [report.old_answer.verdict]


def test_bisection_finds_the_merge_that_nobody_tested(tree, journal, evil):
    _, _, merged = evil
    report = bisect(tree, "v3.1", merged, TWO, journal=journal)
    assert report.first is not None
    assert report.first.oid == merged
    assert verdicts(report.before) == [OK, OK]


def test_a_branch_that_was_never_broken_is_not_the_repair(tree, path, journal, evil):
    left, _, merged = evil
    # Broken and repaired on one branch; on the other, another unit that boots as it always did.
    repaired = commit(tree, merged, {INIT: text(tree, left)}, "repair")
    aside = commit(tree, "v3.1", {INIT: text(tree, "v3.1") + b"\nint aside;\n"}, "aside")
    for number in range(3):
        aside = commit(tree, aside, {INIT: text(tree, aside) + b"int more%d;\n" % number}, "more aside")
    together = commit(tree, repaired, {INIT: text(tree, left) + b"\nint aside;\n"}, "both")
    report = bisect(tree, merged, merge(path, repaired, aside, together), TWO, journal=journal)
    assert report.first is not None
    assert report.first.oid == repaired


@pytest.fixture(scope="module")
def chain(tree):
    """Of v3.1: one that cannot be executed, one that repairs it, one that crashes; and without the repair."""
    opening = "(PAGE_SIZE, good_end,"
    unclear = text(tree, "v3.1", opening, '(({ asm volatile("hlt"); PAGE_SIZE; }), good_end,')
    removed = remove_hook(tree.at("v3.1"), load_hook("pagetable_reserve"))
    assert removed is not None
    crashing = dict(removed)
    crashing[INIT] = removed[INIT].replace(opening.encode(), b"(PAGE_SIZE, end,")
    first = commit(tree, "v3.1", {INIT: unclear}, "unclear")
    second = commit(tree, first, {INIT: text(tree, "v3.1")}, "repaired")
    third = commit(tree, second, crashing, "broken")
    hidden = commit(tree, first, crashing, "hidden")
    return first, second, third, hidden


def test_bisection_skips_what_has_no_verdict(tree, journal, chain):
    report = bisect(tree, "v3.1", chain[2], TWO, journal=journal)
    assert report.first is not None
    assert report.first.oid == chain[2]
    assert chain[1] in {trial.commit.oid for trial in report.trials if trial.term is Term.OLD}


def test_bisection_names_what_it_had_to_skip(tree, journal, chain):
    report = bisect(tree, "v3.1", chain[3], TWO, journal=journal)
    assert report.first is None
    assert [one.oid for one in report.suspects] == [chain[0], chain[3]]
    assert [one.oid for one in report.skipped] == [chain[0]]
    assert report.exit is Exit.UNDETERMINED


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("v3.0", "v3.1", "same-verdict"),
        ("v3.1", "v3.0", "empty-range"),
        ("v9", "v3.0", "unknown-revision"),
    ],
)
def test_bisection_needs_two_verdicts_in_order(tree, journal, old, new, code):
    with pytest.raises(KpatchError) as caught:
        bisect(tree, old, new, SMALL, journal=journal)
    assert caught.value.code == code


def test_bisection_needs_ends_with_a_verdict(tree, journal, chain):
    with pytest.raises(KpatchError) as caught:
        bisect(tree, "v3.1", chain[0], TWO, journal=journal)
    assert caught.value.code == "undetermined-end"


@pytest.mark.parametrize("spelled", ["v3.0", "v3.0...v3.1"])
def test_a_range_has_two_dots(tree, spelled):
    with pytest.raises(KpatchError) as caught:
        timeline(tree, spelled, (SMALL,))
    assert caught.value.code == "bad-range"
