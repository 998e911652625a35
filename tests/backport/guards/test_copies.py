"""copies-changed: the same code in several places of the target."""

from kpatch_tools.core.hunkclass import HunkClass

FILE = "drivers/toy/toy.c"
PART = "\tlock_of(toy);\n\ttoy->count = size_of(toy);\n"
MENDED = "\ttoy->count = lock_of(size_of(toy));\n"


def function(name, *parts):
    return f"static int {name}(struct toy *toy)\n{{\n{''.join(parts)}\treturn toy->count;\n}}\n\n"


BEFORE = function("toy_fill", PART) + function("toy_run", "\ttoy_fill(toy);\n")
AFTER = BEFORE.replace(PART, MENDED)


def guards(pick):
    return [one.guard for one in pick.hunks if one.kind is HunkClass.NEEDS_HUMAN]


def test_the_target_has_the_code_in_other_functions_too(pick):
    target = function("toy_fill", PART) + function("toy_run", PART) + function("toy_stop", PART)
    found = pick({FILE: BEFORE}, {FILE: AFTER}, {FILE: target})
    assert guards(found) == ["copies-changed"]
    assert "in 2 other places as well" in found.hunks[0].why


def test_upstream_leaves_as_many_copies_alone(pick):
    both = BEFORE + function("toy_stop", PART)
    found = pick({FILE: both}, {FILE: AFTER + function("toy_stop", PART)}, {FILE: both.replace("toy_run", "toy_go")})
    assert guards(found) == []


def test_one_line_may_stand_in_many_places(pick):
    line = "\tlock_of(toy);\n"
    before = BEFORE.replace(PART, line)
    after = before.replace(line, "\tunlock_of(toy);\n")
    target = {FILE: before + function("toy_stop", line), "drivers/toy/toy.h": "unlock_of\n"}
    assert guards(pick({FILE: before}, {FILE: after}, target)) == []
