"""names-left: what the target uses of its own, and the change takes out."""

import pytest
from kpatch_tools.core.hunkclass import HunkClass

FILE = "drivers/toy/toy.c"
OWN = "\tif (got > 4)\n\t\ttoy_wake(toy, got);\n"
BASE = """\
#define TOY_LIMIT 8

static int toy_spare(int a)
{
	return a + 1;
}

static int toy_read(struct toy *toy)
{
	int got;
	int first = 0;

	got = toy_take(toy, TOY_LIMIT);
	first += toy->count;
	return toy_spare(first);
}

static void toy_more(struct toy *toy)
{
	toy_lock(toy);
	toy_unlock(toy);
}
"""
VARIABLE = BASE.replace("\tint got;\n", "").replace("got = toy_take", "toy_take")
MACRO = BASE.replace("#define TOY_LIMIT 8\n\n", "").replace(", TOY_LIMIT", ", 8")
FUNCTION = BASE.replace(BASE[BASE.index("static int toy_spare") : BASE.index("static int toy_read")], "")
FUNCTION = FUNCTION.replace("toy_spare(first)", "first + 1")


def guards(pick):
    return [one.guard for one in pick.hunks if one.kind is HunkClass.NEEDS_HUMAN]


@pytest.mark.parametrize(
    ("after", "use"),
    [
        (VARIABLE, ("\tfirst += toy->count;\n", "\tfirst += toy->count;\n\n\ttoy_wake(toy, got);\n")),
        (MACRO, ("\ttoy_unlock(toy);\n", "\ttoy_unlock(toy);\n\ttoy_wake(toy, TOY_LIMIT);\n")),
        (FUNCTION, ("\ttoy_unlock(toy);\n", "\ttoy_unlock(toy);\n\ttoy_wake(toy, toy_spare(1));\n")),
    ],
)
def test_the_target_uses_it_in_lines_of_its_own(pick, after, use):
    used = pick({FILE: BASE}, {FILE: after}, {FILE: BASE.replace(*use)})
    assert guards(used) == ["names-left"]
    assert guards(pick({FILE: BASE}, {FILE: after}, {FILE: BASE.replace("toy_unlock", "toy_release")})) == []


def test_another_function_has_a_variable_of_that_name(pick):
    more = "\ttoy_lock(toy);\n\ttoy_wake(toy, got);\n"
    target = BASE.replace("struct toy *toy)\n{\n\ttoy_lock(toy);\n", "struct toy *toy, int got)\n{\n" + more)
    assert guards(pick({FILE: BASE}, {FILE: VARIABLE}, {FILE: target})) == []


def test_upstream_uses_it_elsewhere_as_well(pick):
    use = ("\ttoy_unlock(toy);\n", "\ttoy_unlock(toy);\n\ttoy_wake(toy, TOY_LIMIT);\n")
    before, after = BASE.replace(*use), MACRO.replace(*use)
    assert guards(pick({FILE: before}, {FILE: after}, {FILE: before.replace("toy_lock", "toy_hold")})) == []


def test_where_a_hunk_is_left_the_use_may_be_its(pick):
    before = BASE.replace("\ttoy_unlock(toy);\n", "\ttoy_unlock(toy);\n\ttoy_wake(toy, TOY_LIMIT);\n")
    target = before.replace(
        "\ttoy_wake(toy, TOY_LIMIT);\n", "\tif (toy)\n\t\treturn toy_wake_all(toy, 4, TOY_LIMIT, 5);\n"
    )
    assert guards(pick({FILE: before}, {FILE: MACRO}, {FILE: target})) == [""]
