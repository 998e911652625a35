"""Walking commits, and what each changed."""

import random

import pygit2
import pytest
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.tree import TreeChange
from pygit2.enums import ObjectType


def _linear(repo):
    first = repo.commit({"mm/a.c": b"1\n", "fs/b.c": b"1\n"}, message=b"mm: begin\n")
    second = repo.commit({"fs/b.c": b"2\n"}, base=first, message=b"fs: go on\n\nFixes: something\n")
    third = repo.commit({"mm/a.c": b"3\n"}, base=second, message=b"mm: end\n")
    return first, second, third


def test_walk_goes_from_children_to_parents_and_back(scratch):
    repo = scratch()
    first, second, third = _linear(repo)
    assert [c.oid for c in repo.tree.walk(include=[third])] == [third, second, first]
    assert [c.oid for c in repo.tree.walk(include=[third], reverse=True)] == [first, second, third]
    assert [c.oid for c in repo.tree.walk(include=[third], exclude=[first])] == [third, second]


def test_walk_by_path_compares_with_the_parents(scratch):
    repo = scratch()
    first, second, third = _linear(repo)
    assert [c.oid for c in repo.tree.walk(include=[third], paths=["mm/a.c"])] == [third, first]
    assert [c.oid for c in repo.tree.walk(include=[third], paths=["fs/"])] == [second, first]
    assert [c.oid for c in repo.tree.walk(include=[third], paths=["nowhere"])] == []


def test_a_merge_counts_only_where_it_differs_from_every_parent(scratch):
    repo = scratch()
    base = repo.commit({"a": b"0\n", "b": b"0\n"})
    left = repo.commit({"a": b"1\n"}, base=base)
    right = repo.commit({"b": b"1\n"}, base=base)
    both = repo.commit({"b": b"1\n"}, base=left)
    evil = repo.commit({"b": b"2\n"}, base=left)
    clean = repo.merge(left, right, tree_of=both)
    assert [c.oid for c in repo.tree.walk(include=[clean], exclude=[base], paths=["b"])] == [right]
    evil_merge = repo.merge(left, right, tree_of=evil)
    assert [c.oid for c in repo.tree.walk(include=[evil_merge], exclude=[base], paths=["b"])] == [evil_merge, right]
    first_parent = repo.tree.walk(include=[clean], exclude=[base], paths=["b"], first_parent=True)
    assert [c.oid for c in first_parent] == [clean]


def test_find_commits_by_subject_and_message(scratch):
    repo = scratch()
    _, second, third = _linear(repo)
    assert [c.oid for c in repo.tree.find_commits(include=[third], subject="fs: go on")] == [second]
    assert [c.oid for c in repo.tree.find_commits(include=[third], containing=[b"Fixes:"])] == [second]
    either = repo.tree.find_commits(include=[third], containing=[b"no such text", b"Fixes:"])
    assert [c.oid for c in either] == [second]


def test_changes_are_against_the_first_parent(scratch):
    repo = scratch()
    first = repo.commit({"a": b"1\n", "d/e": b"e\n"})
    second = repo.commit({"a": None, "d": b"file\n", "z": b"z\n"}, base=first, modes={"z": 0o100755})
    changes = repo.tree.changes(second)
    assert [(c.old_path, c.new_path) for c in changes] == [("a", None), (None, "d"), ("d/e", None), (None, "z")]
    assert changes[3].new_mode == 0o100755
    assert changes[0].new_mode is None
    assert repo.tree.changes(first) == repo.tree.changes_between(repo.commit({}), first)
    assert all(isinstance(change, TreeChange) for change in changes)


def test_a_mode_change_alone_is_a_change(scratch):
    repo = scratch()
    first = repo.commit({"a": b"1\n"})
    second = repo.commit({"a": b"1\n"}, base=first, modes={"a": 0o100755})
    (change,) = repo.tree.changes(second)
    assert (change.old_mode, change.new_mode) == (0o100644, 0o100755)
    assert change.old_blob == change.new_blob


def test_an_old_tools_spelling_of_a_mode_is_no_change(scratch):
    repo = scratch()
    repository = pygit2.Repository(str(repo.path))
    folder = repository.TreeBuilder().write().raw
    old, new = (repository.write(ObjectType.TREE, mode + b" d\0" + folder) for mode in (b"040000", b"40000"))
    assert old != new
    assert repo.tree.changes_between(ObjectId(str(old)), ObjectId(str(new))) == ()


def test_renames_by_contents_by_name_and_by_likeness(scratch):
    repo = scratch()
    body = b"".join(b"line %d of a driver\n" % number for number in range(40))
    old = repo.commit(
        {"usb/xhci-hcd.c": body, "kernel/sched.c": body + b"tail\n", "same.c": b"exactly\n", "gone.c": b"x"}
    )
    new = repo.commit(
        {
            "usb/xhci-hcd.c": None,
            "kernel/sched.c": None,
            "same.c": None,
            "gone.c": None,
            "usb/xhci.c": body.replace(b"line 7", b"row 7"),
            "kernel/sched/sched.c": body + b"end\n",
            "elsewhere/other.h": b"exactly\n",
        },
        base=old,
    )
    find = repo.tree.rename_of
    assert find("usb/xhci-hcd.c", old=old, new=new) == "usb/xhci.c"
    assert find("kernel/sched.c", old=old, new=new) == "kernel/sched/sched.c"
    assert find("same.c", old=old, new=new) == "elsewhere/other.h"
    assert find("gone.c", old=old, new=new) is None
    assert find("never.c", old=old, new=new) is None


def test_merge_base_and_ancestry(scratch):
    repo = scratch()
    base = repo.commit({"a": b"0\n"})
    left = repo.commit({"a": b"1\n"}, base=base)
    right = repo.commit({"b": b"1\n"}, base=base)
    vendor = repo.commit({"v": b"import without history\n"})
    assert repo.tree.merge_base(left, right) == base
    assert repo.tree.merge_base(left, vendor) is None
    assert repo.tree.is_ancestor(base, left)
    assert repo.tree.is_ancestor(left, left)
    assert not repo.tree.is_ancestor(left, right)
    assert not repo.tree.is_ancestor(vendor, left)


def test_touched_paths_are_those_of_the_changes(scratch):
    repository = scratch()
    first = repository.commit({"a/b/c.c": b"1\n", "a/d.c": b"2\n", "e": b"3\n", "f": b"4\n"})
    second = repository.commit(
        {"a/b/c.c": b"5\n", "a/d.c": None, "e": None, "h/i": b"7\n"},
        base=first,
    )
    commit = repository.tree.commit(second)

    touched = repository.tree.touched_paths(commit)

    assert sorted(touched) == ["a/b/c.c", "a/d.c", "e", "h/i"]
    assert set(touched) == {change.path for change in repository.tree.changes(second)}
    assert set(repository.tree.reopened().touched_paths(commit)) == set(touched)


@pytest.mark.parametrize("longest", [0, 2, 4_000])
def test_ancestry_is_what_the_parents_say(scratch, monkeypatch, longest):
    monkeypatch.setattr("kpatch_tools.tree.history._LONGEST_SEARCH", longest)
    repo = scratch()
    repository = pygit2.Repository(str(repo.path))
    tree = repository.TreeBuilder().write()
    chance = random.Random(1)
    commits: list[pygit2.Oid] = []
    below: dict[pygit2.Oid, set[pygit2.Oid]] = {}
    for number in range(60):
        parents = chance.sample(commits[-6:], min(len(commits), chance.choice((1, 1, 1, 2))))
        # Clocks are wrong: a child may be older than its parents.
        who = pygit2.Signature("A", "a@b", 1_300_000_000 + 1_000 * number + chance.randrange(-5_000, 5_000), 0)
        made = repository.create_commit(None, who, who, f"{number}", tree, parents)
        below[made] = {made}.union(*(below[parent] for parent in parents))
        commits.append(made)
    for one in commits:
        for other in commits:
            expected = one in below[other]
            assert repo.tree.is_ancestor(ObjectId(str(one)), ObjectId(str(other))) is expected
