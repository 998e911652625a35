"""locals-known: parameters and variables that upstream's function has and the target's has not."""

from kpatch_tools.core.hunkclass import HunkClass

FILE = "mm/slots.c"
UPSTREAM = """\
static int slots_used;

static int find_slot(int kind, int *usage)
{
	int found = 0;
	int i;

	for (i = 0; i < 4; i++)
		slots_used += i;
	found = next_slot(kind);
	if (found < 0)
		return found;
	slots_used++;
	return found;
}

static void drop_slot(int usage)
{
	slots_used = usage;
}
"""
TARGET = UPSTREAM.replace(", int *usage)", ")")
LINE = "\tif (found < 0)\n"


def guards(pick):
    return [one.guard for one in pick.hunks if one.kind is HunkClass.NEEDS_HUMAN]


def edited(text, more):
    return text.replace(LINE, more)


def test_a_parameter_that_only_upstream_has(pick):
    found = pick({FILE: UPSTREAM}, {FILE: edited(UPSTREAM, "\tif (found < 0 && usage)\n")}, {FILE: TARGET})
    assert guards(found) == ["locals-known"]
    assert found.hunks[0].why == "it uses usage, which upstream's function declares and the target's does not"
    assert not found.changes


def test_a_parameter_that_both_have(pick):
    target = "/* of 2.6 */\n" + UPSTREAM
    assert not guards(pick({FILE: UPSTREAM}, {FILE: edited(UPSTREAM, "\tif (found < 0 && usage)\n")}, {FILE: target}))


def test_another_word_that_the_function_did_not_have(pick):
    assert not guards(pick({FILE: UPSTREAM}, {FILE: edited(UPSTREAM, "\tif (found < slots_used)\n")}, {FILE: TARGET}))


def test_a_variable_that_the_edit_declares_itself(pick):
    own = edited(UPSTREAM, "\tint usage = 0;\n\n\tif (found < usage)\n").replace(", int *usage)", ")")
    upstream = UPSTREAM.replace(", int *usage)", ")")
    assert not guards(pick({FILE: upstream}, {FILE: own}, {FILE: "/* of 2.6 */\n" + TARGET}))


def test_an_edit_over_the_border_of_two_functions_is_of_neither(pick):
    border = "\treturn found;\n}\n\nstatic void set_slot(int *usage)\n{\n\t*usage = 0;\n}\n"
    assert not guards(pick({FILE: UPSTREAM}, {FILE: UPSTREAM.replace("\treturn found;\n}\n", border)}, {FILE: TARGET}))
