"""names-known: on small trees, what a change may use and what not."""

import pytest
from kpatch_tools.core.hunkclass import HunkClass

FILE = "drivers/toy/main.c"
OLD = """\
#include "toy.h"

static int toy_start(struct toy *toy)
{
	int ret;

	toy->state = TOY_ON;
	ret = toy_kick(toy);
	return ret;
}

static int toy_end(struct toy *toy)
{
	toy_rest(toy);
	return 0;
}
"""
HEADER = "struct toy { int state; };\n#define TOY_ON 1\nint toy_kick(struct toy *);\nint toy_rest(struct toy *);\n"
NEW = OLD.replace("\ttoy->state = TOY_ON;\n", "\ttoy_lock(toy);\n\ttoy->state = TOY_ON;\n")
KNOWING = HEADER + "void toy_lock(struct toy *);\n"


def refusals(pick):
    return [(one.number, one.guard) for one in pick.hunks if one.kind is HunkClass.NEEDS_HUMAN]


def test_a_name_that_only_upstream_has(pick):
    upstream = {FILE: OLD, "drivers/toy/toy.h": KNOWING}
    found = pick(upstream, {FILE: NEW}, {FILE: OLD, "drivers/toy/toy.h": HEADER})
    assert refusals(found) == [(1, "names-known")]
    assert found.hunks[0].why == "it uses toy_lock, which the target does not have"
    assert not found.changes


def test_the_other_hunks_are_kept(pick):
    both = NEW.replace("\ttoy_rest(toy);\n", "")
    upstream = {FILE: OLD, "drivers/toy/toy.h": KNOWING}
    found = pick(upstream, {FILE: both}, {FILE: OLD, "drivers/toy/toy.h": HEADER})
    assert refusals(found) == [(1, "names-known")]
    assert [one.kind for one in found.hunks] == [HunkClass.NEEDS_HUMAN, HunkClass.EXACT]
    assert found.changes == {FILE: OLD.replace("\ttoy_rest(toy);\n", "").encode()}


@pytest.mark.parametrize(
    "place", ["drivers/toy/toy.h", "drivers/toy/other.h", "include/linux/toys.h", "arch/x86/include/asm/toy.h"]
)
def test_a_header_that_has_the_name(pick, place):
    upstream = {FILE: OLD, "drivers/toy/toy.h": KNOWING}
    target = {FILE: OLD, "drivers/toy/toy.h": HEADER} | {place: KNOWING}
    assert not refusals(pick(upstream, {FILE: NEW}, target))


def test_a_longer_word_is_not_the_name(pick):
    upstream = {FILE: OLD, "drivers/toy/toy.h": KNOWING}
    target = {FILE: OLD, "drivers/toy/toy.h": HEADER + "void toy_lock_all(void);\n"}
    assert refusals(pick(upstream, {FILE: NEW}, target))


def test_what_the_change_declares(pick):
    declared = NEW.replace('"toy.h"\n', '"toy.h"\n\nstatic void toy_lock(struct toy *toy)\n{\n\ttoy->state = 0;\n}\n')
    assert not refusals(pick({FILE: OLD}, {FILE: declared}, {FILE: OLD}))


def test_what_the_change_declares_in_another_file(pick):
    upstream = {FILE: OLD, "drivers/toy/toy.h": HEADER}
    assert not refusals(pick(upstream, {FILE: NEW, "drivers/toy/toy.h": KNOWING}, upstream))


def test_comments_and_literals_use_no_names(pick):
    said = OLD.replace("\ttoy->state", '\t/* as toy_lock */\n\tpr("toy_lock", pr);\n\ttoy->state')
    said = said.replace("pr(", "toy_kick(").replace(", pr)", ")")
    assert not refusals(pick({FILE: OLD}, {FILE: said}, {FILE: OLD}))


def test_a_name_that_is_nowhere_upstream_either_proves_nothing(pick):
    assert not refusals(pick({FILE: OLD}, {FILE: NEW}, {FILE: OLD}))
