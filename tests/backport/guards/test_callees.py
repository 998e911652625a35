"""callees-same: what a change calls, and what that is in the target."""

import pytest
from kpatch_tools.backport.guards.functions import find_functions, find_headers
from kpatch_tools.core.hunkclass import HunkClass

FILE = "drivers/net/toy.c"
HEADER = "include/linux/if_toy.h"
OLD = """\
#include <linux/if_toy.h>

static int toy_count(struct toy *toy, int first)
{
	return toy->count + first;
}

static int toy_send(struct toy *toy)
{
	int ret;

	ret = toy_queue(toy);
	return ret;
}
"""
NEW = OLD.replace("\tret = toy_queue(toy);\n", "\ttoy_tag(toy, 1);\n\tret = toy_queue(toy);\n")
OWN = OLD.replace("\tret = toy_queue(toy);\n", "\ttoy_count(toy, 1);\n\tret = toy_queue(toy);\n")
TAG = "static inline void toy_tag(struct toy *toy, int tag)\n{\n\ttoy->tag = tag | TOY_TAGGED;\n}\n"
KNOWN = "#define TOY_TAGGED 1\nint toy_queue(struct toy *);\n"


def refused(pick):
    return [(one.guard, one.why) for one in pick.hunks if one.kind is HunkClass.NEEDS_HUMAN]


def test_the_same_function(pick):
    header = KNOWN + TAG
    assert not refused(pick({FILE: OLD, HEADER: header}, {FILE: NEW}, {FILE: OLD, HEADER: header}))


@pytest.mark.parametrize(
    "there",
    ["void toy_tag(struct toy *toy);\n", "void toy_tag(int tag, struct toy *toy);\n", "extern void toy_tag(void);\n"],
)
def test_other_parameters_in_a_header(pick, there):
    found = pick({FILE: OLD, HEADER: KNOWN + TAG}, {FILE: NEW}, {FILE: OLD, HEADER: KNOWN + there})
    assert refused(found) == [("callees-same", "it calls toy_tag, which takes other parameters in the target")]


def test_other_types_are_not_other_parameters(pick):
    there = "void toy_tag(struct toy *toy, unsigned int tag);\n"
    assert not refused(pick({FILE: OLD, HEADER: KNOWN + TAG}, {FILE: NEW}, {FILE: OLD, HEADER: KNOWN + there}))


def test_one_configuration_that_is_the_same_will_do(pick):
    there = "#ifdef CONFIG_TOY\nvoid toy_tag(struct toy *toy, int tag);\n#else\nvoid toy_tag(void);\n#endif\n"
    assert not refused(pick({FILE: OLD, HEADER: KNOWN + TAG}, {FILE: NEW}, {FILE: OLD, HEADER: KNOWN + there}))


def test_other_parameters_in_the_file(pick):
    target = OLD.replace("struct toy *toy, int first", "int first, struct toy *toy")
    found = pick({FILE: OLD, HEADER: KNOWN}, {FILE: OWN}, {FILE: target, HEADER: KNOWN})
    assert refused(found) == [("callees-same", "it calls toy_count, which takes other parameters in the target")]


def test_a_function_that_does_less(pick):
    there = "int toy_queue(struct toy *);\n" + TAG.replace(" | TOY_TAGGED", "")
    found = pick({FILE: OLD, HEADER: KNOWN + TAG}, {FILE: NEW}, {FILE: OLD, HEADER: there})
    assert refused(found) == [("callees-same", "it calls toy_tag, which does without TOY_TAGGED in the target")]


def test_definitions_and_declarations_are_told_from_calls(sources):
    text = """\
extern struct toy *
toy_get(const char *name,
	void (*put)(struct toy *, int));
#define TOY toy_get("a", 0)
static int toy_use(void)
{
	toy_get("b", 0);
	return toy_get ? 1 : 0;
}
"""
    found = find_functions([b"toy_get", b"toy_use", b"TOY"], sources({"a.c": text}), ["a.c", "gone.h"])
    assert {name: [one.takes for one in each] for name, each in found.items()} == {
        b"toy_get": [(b"char *", b"void ( * put)(struct toy * , int)")],
        b"toy_use": [()],
    }


def test_where_included_headers_may_be(sources):
    text = '#include "toy.h"\n# include <asm/toy.h>\n'
    assert find_headers(sources({"arch/arm/mm/a.c": text}), "arch/arm/mm/a.c") == (
        "arch/arm/mm/toy.h",
        "include/toy.h",
        "arch/arm/include/toy.h",
        "include/asm/toy.h",
        "arch/arm/include/asm/toy.h",
    )
