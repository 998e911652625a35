"""One file in conflict, hunk by hunk: each strategy on a small file."""

import pytest
from kpatch_tools.backport.merge import settle
from kpatch_tools.backport.merge.edits import Placed, Replacement
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.patch import diff_blobs

PATH = "mm/toy.c"
BASE = """\
static int toy_fill(struct toy *toy)
{
	int count = toy_first(toy);

	toy_lock(toy);
	toy->count = count;
	toy_unlock(toy);
	return count;
}
"""


def done(theirs, ours, base=BASE, further=()):
    diff = diff_blobs(PATH, base.encode(), theirs.encode())
    data, hunks = settle(diff, PATH, base.encode(), ours.encode(), further=further)
    return data.decode(), [(hunk.kind, hunk.why) for hunk in hunks]


def test_the_same_lines_between_others():
    theirs = BASE.replace("\ttoy->count = count;\n", "\ttoy->count = count + 1;\n")
    ours = BASE.replace("toy_lock(toy)", "toy_lock_irq(toy)").replace("toy_unlock(toy)", "toy_unlock_irq(toy)")
    data, hunks = done(theirs, ours)
    assert data == ours.replace("\ttoy->count = count;\n", "\ttoy->count = count + 1;\n")
    assert hunks == [(HunkClass.MOVED, "the same lines, next to others than upstream")]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (("\ttoy_unlock(toy);\n", "\ttoy_release(toy);\n"), "after the same line as upstream"),
        (("\ttoy->count = count;\n", "\ttoy->size = count;\n"), "before the same line as upstream"),
    ],
)
def test_an_insertion_by_one_of_its_neighbours(other, why):
    theirs = BASE.replace("\ttoy_unlock(toy);\n", "\ttoy_mark(toy);\n\ttoy_unlock(toy);\n")
    ours = BASE.replace(*other)
    data, hunks = done(theirs, ours)
    line = "\ttoy->count = count;\n" if why.startswith("after") else "\ttoy->size = count;\n"
    assert data == ours.replace(line, line + "\ttoy_mark(toy);\n")
    assert hunks == [(HunkClass.MOVED, why)]


def test_an_else_keeps_to_its_if_and_a_last_statement_stands_before_the_return():
    void = (
        BASE.replace("static int", "static void").replace("\treturn count;\n", "").replace("lock(toy)", "lock_irq(toy)")
    )
    base = void.replace("}\n", "\tif (count)\n\t\ttoy_wake(toy);\n}\n")
    other = "\t/* or not */\n\telse\n\t\ttoy_stop(toy);\n"
    ours = base.replace("}\n", "\ttoy_release(toy);\n}\n").replace("lock_irq", "lock")
    data, hunks = done(base.replace("}\n", other + "}\n"), ours, base)
    assert data == ours.replace("toy_wake(toy);\n", "toy_wake(toy);\n" + other)
    assert hunks == [(HunkClass.MERGED, "after the same line as upstream; other lines of the target follow")]
    ours = base.replace("}\n", "\n\treturn;\n}\n").replace("lock_irq", "lock")
    data, _ = done(base.replace("}\n", "\n\ttoy_mark(toy);\n}\n"), ours, base)
    assert data == ours.replace("\n\treturn;\n", "\n\ttoy_mark(toy);\n\n\treturn;\n")


def test_what_reads_otherwise_is_left_to_a_person():
    theirs = BASE.replace("\ttoy->count = count;\n", "\ttoy->count = count + 1;\n")
    ours = BASE.replace("toy->count = count", "toy_set(toy, count)")
    data, hunks = done(theirs, ours)
    assert data == ours
    assert hunks == [(HunkClass.NEEDS_HUMAN, "the lines around it differ in the target")]


def test_white_space_alone_is_left_out_between_other_lines():
    theirs = BASE.replace("\ttoy->count = count;\n", "\ttoy->count  =  count;\n")
    ours = BASE.replace("toy_lock(toy)", "toy_lock_irq(toy)").replace("toy_unlock(toy)", "toy_unlock_irq(toy)")
    data, hunks = done(theirs, ours)
    assert data == ours
    assert hunks == [(HunkClass.DROPPED, "it changes white space only, next to other lines")]


def test_white_space_alone_goes_on_between_the_same_lines():
    theirs = BASE.replace("\ttoy->count = count;\n", "\ttoy->count  =  count;\n")
    data, hunks = done(theirs, "/* more */\n" + BASE)
    assert data == "/* more */\n" + theirs
    assert hunks == [(HunkClass.EXACT, "context and lines as upstream")]


def test_white_space_between_words_and_signs_does_not_matter():
    base = BASE.replace("\ttoy->count = count;\n", "\tif (toy) {\n\t\ttoy->count = 8 * count;\n\t}\n")
    theirs = base.replace("8 * count", "4 * count")
    ours = base.replace("\tif (toy) {\n\t\ttoy->count = 8 * count;\n\t}\n", "\ttoy->count = 8*count;\n")
    data, hunks = done(theirs, ours.replace("toy_lock", "toy_take"), base)
    assert data == ours.replace("8*count", "4 * count").replace("toy_lock", "toy_take")
    assert hunks == [(HunkClass.MOVED, "the same lines, next to others than upstream")]


def test_a_further_rule_says_what_it_is():
    theirs = BASE.replace("\ttoy->count = count;\n", "\ttoy->count = count + 1;\n")
    ours = BASE.replace("toy->count = count", "toy_set(toy, count)")

    def by_word(edit, _):
        return Placed((edit,), (Replacement(5, 6, (b"\ttoy_set(toy, count + 1);\n",)),), HunkClass.ADAPTED, "w", "so")

    assert done(theirs, ours, further=(by_word,))[1] == [(HunkClass.ADAPTED, "so")]
