"""formats-fit: how a value is printed, and the type that it has in the target."""

import pytest
from kpatch_tools.core.hunkclass import HunkClass

FILE = "drivers/clock.c"
HEADER = "include/linux/clock.h"
OLD = """\
#include <linux/clock.h>

static void clock_show(struct clock *clock)
{
	printk(KERN_DEBUG "clock: %s mult[%lx] shift[%d]\\n",
		clock->name, clock->mult, clock->shift);
}
"""
NEW = OLD.replace("%lx", "%x")
OTHER = "struct other_clock {\n\tu32 mult;\n};\n\n"
TYPES = OTHER + "struct clock {\n\tconst char *name;\n\tu32 mult;\n\tint shift;\n};\n"
WIDE = TYPES.replace("name;\n\tu32 mult", "name;\n\tunsigned long mult")


def refused(pick):
    return [(one.guard, one.why) for one in pick.hunks if one.kind is HunkClass.NEEDS_HUMAN]


def test_a_type_that_the_target_does_not_have(pick):
    found = pick({FILE: OLD, HEADER: TYPES}, {FILE: NEW}, {FILE: OLD, HEADER: WIDE})
    why = "it prints mult by %x, which is u32 upstream and unsigned long in the target"
    assert refused(found) == [("formats-fit", why)]


def test_the_same_type(pick):
    assert not refused(pick({FILE: OLD, HEADER: TYPES}, {FILE: NEW}, {FILE: OLD, HEADER: "\n" + TYPES}))


def test_the_change_brings_the_type(pick):
    assert not refused(pick({FILE: OLD, HEADER: WIDE}, {FILE: NEW, HEADER: TYPES}, {FILE: OLD, HEADER: WIDE}))


@pytest.mark.parametrize("other", [("clock: ", "the clock: "), ("clock->shift", "clock->mult")])
def test_another_change_is_none_of_a_type(pick, other):
    assert not refused(pick({FILE: OLD, HEADER: TYPES}, {FILE: OLD.replace(*other)}, {FILE: OLD, HEADER: WIDE}))


def test_a_type_that_is_not_found_proves_nothing(pick):
    assert not refused(pick({FILE: OLD, HEADER: TYPES}, {FILE: NEW}, {FILE: OLD, HEADER: ""}))
