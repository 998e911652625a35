"""Which upstream commits are found that make a change go on, what each is for, and what either way costs."""

import subprocess

import pytest
from kpatch_tools.backport import carry_change
from kpatch_tools.backport.explained import left_hunks
from kpatch_tools.backport.indexed import open_past
from kpatch_tools.backport.past import WalkedPast
from kpatch_tools.backport.plain import merge_plainly
from kpatch_tools.backport.preceding import Subject, attempt_of, find_pool
from kpatch_tools.backport.prerequisites import Found, search_prerequisites
from kpatch_tools.backport.routes import count_lines, price_routes, relate

FILE, HEADER = "mm/pool.c", "include/linux/pool.h"
OTHERS = "".join(f"int other_{number}(int value)\n{{\n\treturn value + {number};\n}}\n\n" for number in range(8))
POOL = """\
#include <linux/pool.h>

int pool_take(int size)
{
	int start = pool_top;

	pool_top += size;
	return start;
}

"""


def text(body=POOL, others=OTHERS):
    return body + others


@pytest.fixture(params=["walked", "indexed"])
def search(request, history, tmp_path):
    """`search(subject, target)`: the pool, and the set found, by the text alone, in either kind of history."""

    def run(subject, target):
        tree, change = history.tree, history.change(subject)
        past = WalkedPast(tree)
        if request.param == "indexed":
            past = open_past(tree, tmp_path / "cache", tips=[subject, target])
        source = tree.at(target)
        pick = carry_change(change, source)
        sought = Subject(past, change, target, source, {}, () if pick.clean else pick.hunks)
        pool = find_pool(sought)
        found = search_prerequisites(source, pool, attempt_of(sought), [])
        return pool, found, left_hunks(change, pick.hunks, {})

    return run


def subjects(commits):
    return [change.subject for change in commits]


TAKEN = POOL.replace("pool_top += size;", "pool_top = pool_grow(start, size);")
FIXED = TAKEN.replace("pool_grow(start, size)", "pool_grow(start, size, pool_limit)")


@pytest.fixture
def grown(history):
    """A target, then upstream: something else, what brings the line, something else, and the fix of that line."""
    base = history.commit({FILE: text(), HEADER: "extern int pool_top, pool_limit;\n"}, "mm: a pool")
    other = history.commit({FILE: text(others=OTHERS.replace("+ 1", "+ 100"))}, "mm: another thing", on=base)
    brought = history.commit({FILE: text(TAKEN, OTHERS.replace("+ 1", "+ 100"))}, "mm: grow the pool", on=other)
    more = history.commit({FILE: text(TAKEN, OTHERS.replace("+ 1", "+ 10"))}, "mm: a third thing", on=brought)
    fix = history.commit({FILE: text(FIXED, OTHERS.replace("+ 1", "+ 10"))}, "mm: grow within limits", on=more)
    return base, fix


def test_the_commit_that_brought_the_lines_is_found_among_others(history, search, grown):
    base, fix = grown
    pool, found, left = search(fix, base)
    assert subjects(pool) == ["mm: grow the pool"]
    assert isinstance(found, Found)
    assert subjects(found.commits) == ["mm: grow the pool"]
    (related,) = relate(found.commits, history.change(fix), history.tree.at(base), otherwise="")
    assert (related.kind, related.why) == ("prerequisite", "the change changes lines that it brought")
    assert count_lines(found.commits[0]) == 2
    said = price_routes(found.commits, left).message
    assert said == "two ways: take 1 commit, 2 lines; or adapt 2 lines by hand, in 1 place"


def test_one_that_is_itself_in_the_way_comes_with_what_it_needs(history, search):
    steps = ["pool_top += size;", "pool_grow(size);", "pool_grow_to(size, 1);", "pool_grow_to(size, 2);"]
    made = [history.commit({FILE: text()}, "step 0")]
    for number, line in enumerate(steps[1:], start=1):
        files = {FILE: text(POOL.replace(steps[0], line))}
        made.append(history.commit(files, f"step {number}", on=made[-1]))
    pool, found, _ = search(made[3], made[0])
    assert subjects(pool) == ["step 1", "step 2"]
    assert isinstance(found, Found)
    assert subjects(found.commits) == ["step 1", "step 2"]


def test_a_commit_and_its_revert_are_not_taken(history, search):
    base = history.commit({FILE: text()}, "mm: a pool")
    wrong = history.commit({FILE: text(POOL.replace("int start", "long start"))}, "mm: longer", on=base)
    back = history.commit({FILE: text()}, 'Revert "mm: longer"', on=wrong)
    brought = history.commit({FILE: text(TAKEN)}, "mm: grow the pool", on=back)
    fix = history.commit({FILE: text(FIXED)}, "mm: grow within limits", on=brought)
    pool, found, _ = search(fix, base)
    assert subjects(pool) == ["mm: grow the pool"]
    assert isinstance(found, Found)


def test_what_only_changed_the_neighbours_is_incidental(history, search):
    """The two lines are renamed by one commit, and the line between them is changed by the next."""
    near = POOL.replace("pool_top += size;", "pool_note(start);\n\tpool_top += size;\n\tpool_note(size);")
    far = near.replace("pool_note", "pool_trace")
    base = history.commit({FILE: text(near)}, "mm: a pool")
    incidental = history.commit({FILE: text(far)}, "mm: call it trace", on=base)
    subject = history.commit({FILE: text(far.replace("+= size", "+= 2 * size"))}, "mm: twice", on=incidental)
    change, found = history.change(subject), (history.change(incidental),)
    (related,) = relate(found, change, history.tree.at(base), otherwise="")
    assert (related.kind, related.why) == ("incidental", "it changed lines around the change's own")
    (related,) = relate(found, change, history.tree.at(base), otherwise="without it the model faults")
    assert (related.kind, related.why) == ("prerequisite", "without it the model faults")


def test_the_commit_that_declares_what_the_change_uses_is_found_in_a_header(history, search):
    base = history.commit({FILE: text(), HEADER: "extern int pool_top;\n", "lib/a.c": "int a;\n"}, "mm: a pool")
    other = history.commit({"lib/a.c": "int b;\n"}, "lib: another", on=base)
    declared = "extern int pool_top;\nextern int pool_limit_of(int size);\n"
    brought = history.commit({HEADER: declared}, "mm: a limit", on=other)
    used = text(POOL.replace("+= size", "+= pool_limit_of(size)"))
    subject = history.commit({FILE: used}, "mm: use the limit", on=brought)
    pool, found, _ = search(subject, base)
    assert subjects(pool) == ["mm: a limit"]
    assert isinstance(found, Found)
    (related,) = relate(found.commits, history.change(subject), history.tree.at(base), otherwise="")
    assert (related.kind, related.why) == ("prerequisite", "it brings what the change uses: pool_limit_of")


def test_a_file_that_the_target_lacks_comes_with_the_commit_that_added_it(history, search):
    base = history.commit({"mm/other.c": text()}, "mm: other")
    added = history.commit({FILE: text()}, "mm: a pool", on=base)
    later = history.commit({FILE: text(others="")}, "mm: less of it", on=added)
    fix = history.commit({FILE: text(TAKEN, "")}, "mm: grow the pool", on=later)
    pool, found, _ = search(fix, base)
    assert "mm: a pool" in subjects(pool)
    assert isinstance(found, Found)
    assert subjects(found.commits) == ["mm: a pool"]


@pytest.mark.parametrize(
    ("before", "after", "there"),
    [
        ({FILE: "a\nb\nc\nd\ne\n"}, {FILE: "a\nb\nC\nd\ne\n"}, {FILE: "A\nb\nc\nd\ne\n"}),
        ({FILE: "a\nb\nc\n"}, {FILE: "a\nB\nc\n"}, {FILE: "a\nx\nc\n"}),
        ({FILE: "a\nb\nc\n"}, {FILE: "a\nB\nc\n"}, {FILE: "a\nB\nc\n"}),
        ({FILE: "a\n"}, {FILE: None}, {FILE: "a\n"}),
        ({FILE: "a\n"}, {FILE: None}, {FILE: "b\n"}),
        ({"x": "x\n"}, {FILE: "a\n"}, {"x": "x\n"}),
        ({"x": "x\n"}, {FILE: "a\n"}, {FILE: "b\n"}),
        ({FILE: "a\n"}, {FILE: "b\n"}, {FILE: None}),
    ],
    ids=["apart", "same line", "there", "delete", "delete another", "add", "add another", "no file"],
)
def test_a_plain_merge_is_what_git_does(history, before, after, there):
    start = history.commit({"x": "x\n", **before}, "start")
    subject = history.commit(after, "subject", on=start)
    target = history.commit(there, "target", on=start)
    merged = merge_plainly(history.change(subject), history.tree.at(target))
    command = ["git", "-C", str(history.tree.path), "merge-tree", "--write-tree", target, subject]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if merged is None else 0), done.stderr
    if merged is not None:
        made = history.tree.write_tree(base=target, changes=merged)
        assert made == done.stdout.split()[0]
