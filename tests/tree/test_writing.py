"""Writing one commit and at most one reference."""

import os
from pathlib import Path

import pygit2
import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.tree import KernelTree, Signature

ADA = Signature("Ada", "ada@example.org", 1_300_000_000, 90)
BOB = Signature("Bob", "bob@example.org", 1_400_000_000, -480)


def _snapshot(path: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def _write(repo, base, changes, **options):
    return repo.tree.write(base=base, changes=changes, message=b"x86: caf\xe9\n", author=ADA, committer=BOB, **options)


def test_a_commit_keeps_people_dates_message_and_untouched_files(scratch):
    repo = scratch()
    base = repo.commit({"a/b.c": b"1\n", "a/c.c": b"1\n", "run": b"1\n"}, modes={"run": 0o100755})
    oid = _write(repo, base, {"a/b.c": b"2\n", "new/deep/x.h": b"x\n", "a/c.c": None, "run": b"2\n"})
    commit = repo.tree.commit(oid)
    assert (commit.author, commit.committer, commit.message) == (ADA, BOB, b"x86: caf\xe9\n")
    assert commit.parents == (base,)
    at = repo.tree.at(oid)
    assert {path: at.read(path) for path in at.paths()} == {"a/b.c": b"2\n", "new/deep/x.h": b"x\n", "run": b"2\n"}
    assert at.mode("run") == 0o100755


def test_git_itself_accepts_the_objects(scratch):
    repo = scratch()
    base = repo.commit({"a.c": b"1\n", "a/b": b"1\n"})
    oid = _write(repo, base, {"a-b": b"2\n", "a0": b"2\n", "a/b": None}, ref="topic")
    raw = pygit2.Repository(str(repo.path))
    assert str(raw.branches["topic"].target) == oid
    index = pygit2.Index()
    index.read_tree(raw[oid].tree)
    assert str(index.write_tree(raw)) == str(raw[oid].tree_id)
    assert "a" not in raw[oid].tree


def test_an_existing_branch_is_not_moved_and_nothing_is_written(scratch):
    repo = scratch()
    base = repo.commit({"a": b"1\n"}, branch="topic")
    before = _snapshot(repo.path)
    with pytest.raises(KpatchError) as refusal:
        _write(repo, base, {"a": b"2\n"}, ref="topic")
    assert refusal.value.code == "branch-exists"
    assert refusal.value.hint
    assert _snapshot(repo.path) == before


@pytest.mark.parametrize("ref", ["topic/x", "other"])
def test_branches_that_stand_in_each_others_way(scratch, ref):
    repo = scratch()
    base = repo.commit({"a": b"1\n"}, branch="topic")
    repo.commit({"a": b"3\n"}, branch="other/y")
    before = _snapshot(repo.path)
    with pytest.raises(KpatchError) as refusal:
        _write(repo, base, {"a": b"2\n"}, ref=ref)
    assert refusal.value.code == "branch-exists"
    assert _snapshot(repo.path) == before


def test_a_branch_moves_only_from_where_it_is_expected(scratch):
    repo = scratch()
    base = repo.commit({"a": b"1\n"}, branch="topic")
    second = _write(repo, base, {"a": b"2\n"}, ref="refs/heads/topic", expect=base)
    assert repo.tree.resolve("topic").oid == second
    before = _snapshot(repo.path)
    with pytest.raises(KpatchError) as refusal:
        _write(repo, base, {"a": b"3\n"}, ref="topic", expect=base)
    assert refusal.value.code == "branch-moved"
    assert _snapshot(repo.path) == before


@pytest.mark.parametrize("ref", ["", "a b", "a..b", "-x", "HEAD", "a/", ".x", "x.lock", "a~1", "refs/heads/", "a\nb"])
def test_bad_branch_names_are_refused_before_anything_is_written(scratch, ref):
    repo = scratch()
    base = repo.commit({"a": b"1\n"})
    before = _snapshot(repo.path)
    with pytest.raises(KpatchError) as refusal:
        _write(repo, base, {"a": b"2\n"}, ref=ref)
    assert refusal.value.code == "bad-branch-name"
    assert _snapshot(repo.path) == before


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", ".git/config", "a/.GIT/x", "a/../b", "", "a//b", "./a"])
def test_paths_that_leave_the_tree_are_refused(scratch, path):
    repo = scratch()
    base = repo.commit({"a/b": b"1\n"})
    before = _snapshot(repo.path)
    with pytest.raises(KpatchError) as refusal:
        _write(repo, base, {path: b"2\n"}, ref="topic")
    assert refusal.value.code == "unsafe-path"
    assert _snapshot(repo.path) == before


def test_a_read_only_repository_is_left_alone(scratch):
    repo = scratch()
    base = repo.commit({"a": b"1\n"})
    folders = [path for path in repo.path.rglob("*") if path.is_dir()] + [repo.path]
    before = _snapshot(repo.path)
    for folder in folders:
        folder.chmod(0o555)
    try:
        with pytest.raises(KpatchError) as refusal:
            _write(repo, base, {"a": b"2\n"}, ref="topic")
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert refusal.value.code == "read-only-repository"
    assert refusal.value.hint
    assert _snapshot(repo.path) == before


def test_the_work_tree_and_the_index_stay_as_they_are(tmp_path):
    raw = pygit2.init_repository(str(tmp_path / "w"))
    tree = KernelTree.open(tmp_path / "w")
    base = tree.write(
        base=str(raw.TreeBuilder().write()), changes={"a": b"1\n"}, message=b"m\n", author=ADA, committer=ADA
    )
    (tmp_path / "w" / "a").write_bytes(b"local work\n")
    raw.index.add("a")
    raw.index.write()
    index = (tmp_path / "w" / ".git" / "index").read_bytes()
    head = (tmp_path / "w" / ".git" / "HEAD").read_bytes()
    tree.write(base=base, changes={"a": b"2\n"}, message=b"m\n", author=ADA, committer=ADA, ref="topic")
    assert (tmp_path / "w" / "a").read_bytes() == b"local work\n"
    assert (tmp_path / "w" / ".git" / "index").read_bytes() == index
    assert (tmp_path / "w" / ".git" / "HEAD").read_bytes() == head
    assert sorted(os.listdir(tmp_path / "w")) == [".git", "a"]


def _another(path: Path, name: str, oid: str) -> None:
    """What another process does to the reference."""
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).write_text(f"{oid}\n")


@pytest.mark.parametrize("is_new", [True, False])
def test_a_branch_that_another_process_sets_meanwhile_is_not_overwritten(scratch, monkeypatch, is_new):
    repo = scratch()
    base = repo.commit({"a": b"1\n"}, branch=None if is_new else "topic")
    other = repo.commit({"a": b"3\n"}, base=base)
    lock = pygit2.transaction.ReferenceTransaction.lock_ref

    def late(self, name):
        _another(repo.path, name, other)
        lock(self, name)

    monkeypatch.setattr(pygit2.transaction.ReferenceTransaction, "lock_ref", late)
    with pytest.raises(KpatchError) as refusal:
        _write(repo, base, {"a": b"2\n"}, ref="topic", expect=None if is_new else base)
    assert refusal.value.code == ("branch-exists" if is_new else "branch-moved")
    assert repo.tree.resolve("topic").oid == other
    assert not list(repo.path.rglob("*.lock"))


def test_a_branch_that_another_process_is_at_is_left_to_it(scratch):
    repo = scratch()
    base = repo.commit({"a": b"1\n"}, branch="topic")
    lock = repo.path / "refs" / "heads" / "topic.lock"
    lock.touch()
    with pytest.raises(KpatchError) as refusal:
        _write(repo, base, {"a": b"2\n"}, ref="topic", expect=base)
    assert refusal.value.code == "branch-locked"
    assert str(lock) in refusal.value.hint
    assert (repo.tree.resolve("topic").oid, lock.exists()) == (base, True)


def test_a_tree_alone_is_written_or_only_named(scratch):
    repo = scratch()
    base = repo.commit({"a/b": b"1\n", "a/c": b"1\n", "d": b"1\n"})
    before = _snapshot(repo.path)
    changes = {"a/b": None, "a/c": None, "e/f": b"2\n"}
    named = repo.tree.write_tree(base=base, changes=changes, keep=False)
    assert _snapshot(repo.path) == before
    written = repo.tree.write_tree(base=base, changes=changes)
    assert written == named
    assert list(repo.tree.at(written).paths()) == ["d", "e/f"]


def test_objects_can_go_to_a_folder_of_their_own(scratch, tmp_path):
    repo = scratch()
    base = repo.commit({"a": b"1\n"})
    before = _snapshot(repo.path)
    folder = tmp_path / "objects"
    folder.mkdir()
    tree = KernelTree.open(repo.path, objects=folder)
    oid = tree.write(base=base, changes={"a": b"2\n"}, message=b"m\n", author=ADA, committer=ADA)
    assert tree.at(oid).read("a") == b"2\n"
    assert _snapshot(repo.path) == before
    assert not repo.tree.has_object(oid)
