"""What is around what was carried: said where it is another function or condition than upstream's."""

import pytest
from kpatch_tools.backport.around import conditions_around
from kpatch_tools.backport.change import Change
from kpatch_tools.backport.engine import carry_change
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.source import Overlay
from kpatch_tools.patch import diff_sources

FILE = "mm/toy.c"
BASE = """\
static int toy_fill(struct toy *toy)
{
	int count = toy_first(toy);

	toy_lock(toy);
	if (toy->open) {
		toy_wake(toy);
		toy->count = count;
	}
	toy_unlock(toy);
	return count;
}
"""
AFTER = BASE.replace("\t\ttoy->count = count;\n", "\t\ttoy->count = count;\n\t\ttoy_mark(toy);\n")


@pytest.fixture
def carried(sources):
    def build(target, after, base):
        old = sources({FILE: base})
        new = {FILE: after.encode()}
        change = Change("subject", b"subject\n", diff_sources(old, new), None, old, Overlay(old, new))
        return carry_change(change, sources({FILE: target, "mm/toy.h": "toy_mark\n"}))

    return build


@pytest.fixture
def reasons(carried):
    def build(target, after=AFTER):
        pick = carried(target, after, BASE)
        assert pick.clean
        return [(one.kind, one.why.partition("; it stands ")[2]) for one in pick.hunks]

    return build


def test_another_condition_is_said(reasons):
    target = BASE.replace("toy->open", "toy->size > 4").replace("toy_unlock", "toy_release")
    said = "under `if (toy->size > 4)` in the target, upstream under `if (toy->open)`"
    assert reasons(target) == [(HunkClass.MERGED, said)]


def test_no_condition_is_said(reasons):
    target = BASE.replace("\tif (toy->open) {\n", "").replace("\t}\n\ttoy_un", "\ttoy_un").replace("\t\t", "\t")
    kind, said = reasons(target)[0]
    assert kind is not HunkClass.EXACT
    assert said == "under none of its own in the target, upstream under `if (toy->open)`"


def test_the_same_condition_is_not_worth_a_word(reasons):
    assert reasons(BASE.replace("toy_unlock", "toy_release").replace("toy_first", "toy_next")) == [
        (HunkClass.MERGED, "")
    ]
    assert reasons(BASE) == [(HunkClass.EXACT, "")]


def test_a_line_that_may_stand_anywhere_says_nothing(reasons):
    target = BASE.replace("toy->open", "toy->size > 4").replace("toy_unlock", "toy_release")
    assert reasons(target, AFTER.replace("toy_mark(toy)", "break")) == [(HunkClass.MERGED, "")]


def test_labels_and_the_branches_of_a_switch():
    rows = ["int f(int a)", "{", "\tswitch (a) {", "\tcase 1:", "\t\tif (a)", "out:", "\t\t\treturn 1;"]
    lines = [row.encode() + b"\n" for row in rows]
    assert conditions_around(lines) == (b"if (a)", b"case 1:")
    assert conditions_around(lines[:3]) == ()


INLINE = """\
static int toy_fill(struct toy *toy)
{
	toy_lock(toy);
	toy_wake(toy);
	toy->count = 3;
	toy_sleep(toy);
	toy_unlock(toy);
	return 0;
}
"""
FACTORED = """\
static void toy_store(struct toy *toy)
{
	toy_wake(toy);
	toy->count = 3;
	toy_sleep(toy);
}

static int toy_fill(struct toy *toy)
{
	toy_lock(toy);
	toy_store(toy);
	toy_unlock(toy);
	return 0;
}
"""
FROM_HERE = "in toy_store() in the target, upstream in toy_fill(), out of which the target has factored that helper"
NOT_HERE = "in toy_fill() in the target, upstream in toy_store(), a helper that was factored out of it"


def marked(text):
    return text.replace("\ttoy->count = 3;\n", "\ttoy->count = 3;\n\ttoy_mark(toy);\n")


@pytest.mark.parametrize(
    ("upstream", "target", "said"), [(FACTORED, INLINE, NOT_HERE), (INLINE, FACTORED, FROM_HERE)], ids=["out", "in"]
)
def test_a_helper_that_was_factored_out_is_said(carried, upstream, target, said):
    (one,) = carried(target, marked(upstream), upstream).hunks
    assert one.why.endswith(f"stands {said}")


def test_the_helper_is_said_of_what_needs_a_person_too(carried):
    changed = INLINE.replace("\ttoy->count = 3;\n", "\ttoy->count = 4;\n")
    target = FACTORED.replace("count = 3", "count = toy_sum(toy)")
    (one,) = carried(target, changed, INLINE).hunks
    assert one.kind is HunkClass.NEEDS_HUMAN
    assert one.why.endswith(f"its code stands {FROM_HERE}")


def test_another_function_that_is_no_helper_is_only_named(carried):
    target = INLINE.replace("toy_fill", "toy_load").replace("toy_unlock", "toy_release")
    (one,) = carried(target, marked(INLINE), INLINE).hunks
    assert one.why.endswith("stands in toy_load() in the target, upstream in toy_fill()")


def test_a_file_without_hunks_has_nothing_to_say(sources):
    old, new = sources({FILE: b"\0one"}), {FILE: b"\0two"}
    change = Change("subject", b"subject\n", diff_sources(old, new), None, old, Overlay(old, new))
    (one,) = carry_change(change, sources({FILE: b"\0other"})).hunks
    assert (one.kind, "stands" in one.why) == (HunkClass.NEEDS_HUMAN, False)
