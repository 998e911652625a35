"""Conditions around what was carried: said where they are others than upstream's."""

import pytest
from kpatch_tools.backport.change import Change
from kpatch_tools.backport.conditions import conditions_around
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
def reasons(sources):
    def build(target, after=AFTER):
        old = sources({FILE: BASE})
        new = {FILE: after.encode()}
        change = Change("subject", b"subject\n", diff_sources(old, new), None, old, Overlay(old, new))
        pick = carry_change(change, sources({FILE: target, "mm/toy.h": "toy_mark\n"}))
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
