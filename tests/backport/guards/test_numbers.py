"""numbers-free: entries of numbered lists, and the entries before them."""

import pytest
from kpatch_tools.core.hunkclass import HunkClass

FILE = "drivers/toy.h"
DEFINES = "#define TOY_ON\t\t0x01 /* at work */\n#define TOY_OFF\t\t0x02\n#define TOY_LOST\t0x04\n\nstruct toy;\n"
ENUM = "enum toy_flags {\n\tTOY_ON = BIT(0),\n\tTOY_OFF = 1 << 1,\n\tTOY_LOST = BIT(2),\n\tTOY_ALL = 0xff,\n};\n"
LISTS = pytest.mark.parametrize(
    ("before", "last", "more"),
    [
        (DEFINES, "#define TOY_LOST\t0x04\n", "#define TOY_SOLD\t0x08\n"),
        (ENUM, "\tTOY_LOST = BIT(2),\n", "\tTOY_SOLD = BIT(3),\n"),
    ],
    ids=["defines", "enum"],
)


def refused(pick):
    return [(one.guard, one.why) for one in pick.hunks if one.kind is HunkClass.NEEDS_HUMAN]


@LISTS
def test_the_entry_before_is_not_there(pick, before, last, more):
    found = pick({FILE: before}, {FILE: before.replace(last, last + more)}, {FILE: before.replace(last, "")})
    assert refused(found) == [
        ("numbers-free", "it numbers TOY_SOLD after TOY_LOST, which the target does not have"),
    ]


@LISTS
def test_the_entry_before_is_there(pick, before, last, more):
    target = "/* more */\n" + before
    assert not refused(pick({FILE: before}, {FILE: before.replace(last, last + more)}, {FILE: target}))


@LISTS
def test_user_space_fixes_the_numbers(pick, before, last, more):
    target = {FILE: before.replace(last, ""), "drivers/Kbuild": "header-y += toy.h\n"}
    assert not refused(pick({FILE: before}, {FILE: before.replace(last, last + more)}, target))


def test_a_list_without_numbers(pick):
    before = "enum toy {\n\tTOY_ON,\n\tTOY_LOST,\n};\n"
    edited = before.replace("\tTOY_LOST,\n", "\tTOY_LOST,\n\tTOY_SOLD,\n")
    assert not refused(pick({FILE: before}, {FILE: edited}, {FILE: before.replace("\tTOY_LOST,\n", "")}))
