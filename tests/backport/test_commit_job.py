"""Every outcome for a commit, on small histories."""

from dataclasses import replace

import pytest
from kpatch_tools.backport import Job, Outcome, Verdict, backport_change, change_of_patch
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.patch import Patch, diff_sources

FILE = "mm/pool.c"
OLD = """\
static int pool_top;

int pool_first(int size)
{
	int page = pool_top;

	pool_top += size;
	return page;
}

int pool_second(int size)
{
	int page = pool_first(size);

	mark_page(page);
	return page;
}
"""
FIXED = OLD.replace("\tmark_page(page);\n", "\tif (page_is_spare(page))\n\t\tmark_page(page);\n")
FIX = "mm: mark only spare pages\n\nThe others are in use.\n"


@pytest.fixture
def run(history, ports):
    def run(subject, target, *, force=False, given=None):
        change = history.change(subject)
        revision = history.tree.resolve(target)
        return backport_change(Job(history.tree, change, change.message, revision, given or ports(), force))

    return run


@pytest.fixture
def fix(history):
    """`base` with the old code, and on top of it `fix`."""
    base = history.commit({FILE: OLD}, "mm: a pool", tag="base")
    return base, history.commit({FILE: FIXED}, FIX, on=base, tag="fix")


def ids(answer):
    return [one.id for one in answer.evidence]


def test_it_goes_on_cleanly(history, run, fix):
    base, subject = fix
    history.commit({FILE: "/* more */\n" + OLD}, "more", on=base, tag="target")
    answer = run(subject, "target")
    assert answer.outcome is Outcome.BACKPORTED
    assert answer.parts[0].changes == {FILE: ("/* more */\n" + FIXED).encode()}
    assert [hunk.kind for hunk in answer.hunks] == [HunkClass.EXACT]


def test_it_is_there_by_ancestry_and_code(run, fix):
    answer = run(fix[1], "fix")
    assert answer.outcome is Outcome.ALREADY_PRESENT
    assert ids(answer) == ["ancestor", "code-present"]


def test_it_is_there_by_code_alone(history, run, fix):
    history.commit({FILE: FIXED, "Makefile": "all:\n"}, "import of a vendor's tree", tag="vendor")
    answer = run(fix[1], "vendor")
    assert answer.outcome is Outcome.ALREADY_PRESENT
    assert ids(answer) == ["code-present"]


@pytest.mark.parametrize("line", ["commit {} upstream.", "[ Upstream commit {} ]"])
def test_it_is_there_as_a_backport(history, run, fix, line):
    base, subject = fix
    other = history.commit({FILE: "/* more */\n" + OLD}, "more", on=base)
    message = f"mm: mark only spare pages\n\n{line.format(subject)}\n"
    history.commit({FILE: "/* more */\n" + FIXED}, message, on=other, tag="stable")
    answer = run(subject, "stable")
    assert answer.outcome is Outcome.ALREADY_PRESENT
    assert ids(answer) == ["upstream-reference", "code-present"]


def test_a_reverted_change_is_not_present(history, run, fix):
    revert = history.commit({FILE: OLD}, 'Revert "mm: mark only spare pages"', on=fix[1], tag="reverted")
    answer = run(fix[1], "reverted")
    assert answer.outcome is Outcome.BACKPORTED
    assert {"ancestor", "reverted"} <= set(ids(answer))
    assert [one.commit for one in answer.followups] == [revert]


def test_a_revert_of_what_was_never_there_is_not_needed(history, run, fix):
    more = history.commit({FILE: OLD + "\nint pool_more(void)\n{\n\treturn pool_first(1);\n}\n"}, "more", on=fix[0])
    gone = history.commit({FILE: OLD}, 'Revert "more"', on=more)
    assert run(gone, "base").outcome is Outcome.NOT_AFFECTED


def test_a_part_of_it_is_there(history, run):
    base = history.commit({FILE: OLD, "mm/b.c": OLD}, "mm: a pool", tag="base")
    subject = history.commit({FILE: FIXED, "mm/b.c": FIXED}, FIX, on=base)
    history.commit({FILE: FIXED}, "half of it", on=base, tag="half")
    answer = run(subject, "half")
    assert answer.outcome is Outcome.PARTIALLY_PRESENT
    assert {(one.id, one.file) for one in answer.evidence} == {("code-present", FILE), ("code-absent", "mm/b.c")}


BOUND = "\t/* only so many entries */\n\tif (entry_count >= ENTRY_MAX)\n\t\tgoto out_unlock;\n\n"
LOOP = "\tfor (i = 0; i < entry_count; i++) {\n\t\tif (is_same(i))\n\t\t\tnote_entry(i);\n\t}\n\n"
ENTRIES = """\
int entry_add(int value)
{{
	int i;

	lock_entries();
{}	/* a new one */
	entry_put({});
out_unlock:
	return value;
}}
"""


def test_lines_that_a_change_moves_are_no_part_of_it(history, run):
    """They are in the target, in the right function, and the change goes on as it stands."""
    base = history.commit({FILE: ENTRIES.format(BOUND + LOOP, "value")}, "mm: entries")
    subject = history.commit({FILE: ENTRIES.format(LOOP + BOUND, "value, i")}, "mm: note them all", on=base)
    history.commit({FILE: "/* more */\n" + ENTRIES.format(BOUND + LOOP, "value")}, "more", on=base, tag="target")
    answer = run(subject, "target")
    assert (answer.outcome, answer.clean) == (Outcome.BACKPORTED, True)


def test_the_same_subject_is_a_sign_only_with_the_same_author(history, run, fix):
    base, subject = fix
    files, after = {RepoPath(FILE): OLD.replace("int page", "long page").encode()}, history.tree.commit(subject)
    own, later = after.author, replace(after.author, when=after.author.when + 60)
    for author, expected in ((own, ["same-subject"]), (replace(own, name="Another", email="other@x.org"), [])):
        target = history.tree.write(base=base, changes=files, message=after.message, author=author, committer=later)
        assert [one for one in ids(run(subject, target)) if one == "same-subject"] == expected


def test_what_it_repairs_is_not_there(history, run):
    before = history.commit({FILE: OLD.replace("\tmark_page(page);\n", "")}, "mm: a pool", tag="before")
    cause = history.commit({FILE: OLD}, "mm: mark pages", on=before)
    subject = history.commit({FILE: FIXED}, FIX + f'\nFixes: {cause[:12]} ("mm: mark pages")\n', on=cause)
    answer = run(subject, "before")
    assert answer.outcome is Outcome.NOT_AFFECTED
    assert [(one.id, one.commit) for one in answer.evidence if one.id.startswith("cause")] == [("cause-absent", cause)]
    assert run(subject, "before", force=True).outcome is Outcome.NEEDS_PREREQUISITE


def test_lines_to_repair_count_more_than_where_they_came_from(history, run):
    """The cause came to the target another way: as a part of something else."""
    before = history.commit({FILE: OLD.replace("\tmark_page(page);\n", "")}, "mm: a pool")
    cause = history.commit({FILE: OLD, "mm/b.c": FIXED, "mm/c.c": FIXED}, "mm: mark pages", on=before)
    broken = OLD.replace("mark_page(page)", "mark_page(page, 0)")
    later = history.commit({FILE: broken}, "mm: more", on=cause)
    mended = broken.replace("mark_page(page, 0)", "mark_page(page, 1)")
    subject = history.commit({FILE: mended}, f'mm: mend\n\nFixes: {cause[:12]} ("mm: mark pages")\n', on=later)
    history.commit({FILE: broken.replace("pool_top", "pool_end")}, "the same code, brought otherwise", tag="target")
    assert run(subject, "target").outcome is Outcome.BACKPORTED


def test_a_cause_cited_under_another_id_is_found_by_its_subject(history, run):
    before = history.commit({FILE: OLD.replace("\tmark_page(page);\n", "")}, "mm: a pool", tag="before")
    cause = history.commit({FILE: OLD}, "mm: mark pages", on=before)
    subject = history.commit({FILE: FIXED}, FIX + '\nFixes: 0123456789ab ("mm: mark pages")\n', on=cause)
    answer = run(subject, "before")
    assert answer.outcome is Outcome.NOT_AFFECTED
    assert [one.commit for one in answer.evidence if one.id == "cause-absent"] == [cause]


def test_a_conflict_names_the_hunk_and_keeps_the_rest(history, run):
    base = history.commit({FILE: OLD}, "mm: a pool")
    both = FIXED.replace("static int pool_top;", "static long pool_top;")
    subject = history.commit({FILE: both}, FIX, on=base)
    history.commit({FILE: OLD.replace("mark_page(page)", "count->used += 1")}, "other", on=base, tag="target")
    answer = run(subject, "target")
    assert answer.outcome is Outcome.CONFLICT
    assert [hunk.kind for hunk in answer.hunks] == [HunkClass.EXACT, HunkClass.NEEDS_HUMAN]
    assert not answer.clean
    assert b"static long pool_top;" in answer.parts[0].changes[FILE]


def test_the_commit_that_makes_it_clean_is_the_prerequisite(history, run):
    base = history.commit({FILE: OLD}, "mm: a pool", tag="target")
    history.commit({FILE: OLD + "\nint unrelated_end;\n"}, "mm: something else", on=base)
    named = OLD.replace("mark_page(page)", "mark_it(page, 1)")
    first = history.commit({FILE: named}, "mm: name it", on=base)
    second = history.commit({FILE: "int unrelated;\n\n" + named}, "mm: unrelated", on=first)
    subject = history.commit(
        {FILE: "int unrelated;\n\n" + named.replace("\tmark_it(page, 1);\n", "\tmark_it(page, 2);\n")}, FIX, on=second
    )
    answer = run(subject, "target")
    assert answer.outcome is Outcome.NEEDS_PREREQUISITE
    assert [(one.commit, one.kind, one.state) for one in answer.prerequisites] == [(first, "prerequisite", "missing")]


def model_of(ports, *needed):
    """A model that faults unless all of these lines are in the file."""

    def judge(source):
        data = source.read(FILE) or b""
        return Verdict.OK if all(line in data for line in needed) else Verdict.CRASH

    return ports(judge=judge, files={FILE})


def test_a_commit_and_its_revert_cancel(history, run, ports):
    """The target has neither a workaround, nor its revert, nor the real prerequisite between them."""
    base = history.commit({FILE: OLD}, "mm: a pool", tag="before")
    around = OLD + "\nint pool_workaround(void)\n{\n\treturn pool_first(1);\n}\n"
    workaround = history.commit({FILE: around}, "mm: work around it", on=base, tag="between")
    wide = around.replace("pool_top += size;", "pool_top += 2 * size;")
    needed = history.commit({FILE: wide}, "mm: leave room", on=workaround, tag="after")
    clean = OLD.replace("pool_top += size;", "pool_top += 2 * size;")
    message = f'Revert "mm: work around it"\n\nThis reverts commit {workaround}.'
    revert = history.commit({FILE: clean}, message, on=needed)
    fixed = clean.replace("\tmark_page(page);\n", "\tif (page_is_spare(page))\n\t\tmark_page(page);\n")
    subject = history.commit({FILE: fixed}, FIX, on=revert)
    given = model_of(ports, b"2 * size", b"page_is_spare")
    answer = run(subject, "before", given=given)
    assert (answer.outcome, [one.commit for one in answer.prerequisites]) == (Outcome.NEEDS_PREREQUISITE, [needed])

    def judge(source):
        data = source.read(FILE) or b""
        return Verdict.CRASH if b"workaround" in data or b"page_is_spare" not in data else Verdict.OK

    answer = run(subject, "after", given=ports(judge=judge, files={FILE}))
    assert (answer.outcome, [one.commit for one in answer.prerequisites]) == (Outcome.NEEDS_PREREQUISITE, [revert])


def test_undefined_names_need_a_person_however_clean_the_text(run, fix, ports):
    def check(proposal):
        if b"page_is_spare" in (proposal.after.read(FILE) or b"") and proposal.message.startswith(b"mm: mark"):
            return (Finding("identifier-declared", Status.FAIL, "page_is_spare is not declared", FILE, 15),)
        return (Finding("identifier-declared", Status.PASS, ""),)

    given = ports(check=check)
    answer = run(fix[1], "base", given=given)
    # Upstream's own commit fails the check in the same way: that is no reason against the backport.
    assert answer.outcome is Outcome.BACKPORTED


def test_a_bare_patch_with_an_undefined_name(history, ports, sources, fix):
    patch = Patch(diff_sources(sources({FILE: OLD}), {FILE: FIXED.encode()}), FIX.encode(), "mm: mark only spare pages")
    failing = (Finding("identifier-declared", Status.FAIL, "page_is_spare is not declared", FILE, 15),)
    change = change_of_patch(patch)
    given = ports(check=lambda _: failing)
    answer = backport_change(Job(history.tree, change, change.message, history.tree.resolve("base"), given))
    assert answer.outcome is Outcome.NEEDS_PREREQUISITE
    assert "page_is_spare" in answer.reason
    assert [hunk.kind for hunk in answer.hunks] == [HunkClass.NEEDS_HUMAN]


@pytest.mark.parametrize("verdict", [Verdict.UNDETERMINED, Verdict.NOT_RUN])
def test_not_knowing_is_not_passing(run, fix, ports, verdict):
    answer = run(fix[1], "base", given=ports(judge=lambda _: verdict, files={FILE}))
    assert answer.outcome is Outcome.UNDETERMINED


def test_the_model_is_not_asked_about_what_it_does_not_execute(run, fix, ports):
    given = ports(judge=lambda _: Verdict.CRASH)
    answer = run(fix[1], "base", given=given)
    assert (answer.outcome, answer.patched.verdict, given.model.runs) == (Outcome.BACKPORTED, Verdict.NOT_RUN, [])
