"""members-known: members that only upstream's structure has."""

import pytest
from kpatch_tools.core.hunkclass import HunkClass

FILE, HEADER = "drivers/toy/toy.c", "drivers/toy/toy.h"
STRUCT = "struct toy {\n\tint count;\n\tint state;\n};\n\nstruct box {\n\tint size;\n};\n"
CODE = """\
#include "toy.h"

static int toy_run(struct toy *toy, struct box *box)
{
	int first = 1;

	first += toy->count;
	return first + box->size;
}

static struct toy toy_first = {
	.count = 1,
};
"""


def guards(pick):
    return [one.guard for one in pick.hunks if one.kind is HunkClass.NEEDS_HUMAN]


@pytest.mark.parametrize(
    ("old", "new"),
    [("first += toy->count;", "first += toy->size;"), ("\t.count = 1,\n", "\t.count = 1,\n\t.size = 2,\n")],
)
def test_another_structure_has_a_member_of_that_name(pick, old, new):
    upstream = STRUCT.replace("\tint count;\n", "\tint count;\n\tint size;\n")
    before = {FILE: CODE, HEADER: upstream}
    other = CODE.replace("first + box", "first - box")
    edited = {FILE: CODE.replace(old, new)}
    assert guards(pick(before, edited, {FILE: other, HEADER: STRUCT})) == ["members-known"]
    assert guards(pick(before, edited, {FILE: other, HEADER: upstream})) == []


def test_the_change_brings_the_member(pick):
    upstream = STRUCT.replace("\tint count;\n", "\tint count;\n\tint size;\n")
    edited = {FILE: CODE.replace("toy->count", "toy->size"), HEADER: upstream}
    other = CODE.replace("first + box", "first - box")
    assert guards(pick({FILE: CODE, HEADER: STRUCT}, edited, {FILE: other, HEADER: STRUCT + "\n"})) == []


@pytest.mark.parametrize("header", ["struct other;\n", "struct toy;\n"])
def test_a_structure_that_is_not_found_proves_nothing(pick, header):
    upstream = STRUCT.replace("\tint count;\n", "\tint count;\n\tint size;\n")
    edited = {FILE: CODE.replace("toy->count", "toy->size")}
    other = CODE.replace("first + box", "first - box")
    assert guards(pick({FILE: CODE, HEADER: upstream}, edited, {FILE: other, HEADER: header})) == []


def test_a_name_that_stands_for_two_structures_proves_nothing(pick):
    two = CODE.replace("int first = 1;", "int first = 1;\n\n\tif (box) {\n\t\tstruct box *toy = box;\n\t}")
    upstream = STRUCT.replace("\tint count;\n", "\tint count;\n\tint size;\n")
    edited = {FILE: two.replace("toy->count", "toy->size")}
    other = two.replace("first + box", "first - box")
    assert guards(pick({FILE: two, HEADER: upstream}, edited, {FILE: other, HEADER: STRUCT})) == []
