"""Opening repositories, and what a revision may be."""

from pathlib import Path

import pygit2
import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.tree import KernelTree


def test_a_folder_without_git_is_refused_with_the_next_step(tmp_path):
    with pytest.raises(KpatchError) as refusal:
        KernelTree.open(tmp_path)
    assert refusal.value.code == "not-a-repository"
    assert "--repo" in refusal.value.hint


def test_a_path_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(KpatchError) as refusal:
        KernelTree.open(tmp_path / "nowhere")
    assert refusal.value.code == "not-a-repository"


def test_a_folder_inside_a_work_tree_finds_its_repository(tmp_path):
    pygit2.init_repository(str(tmp_path / "linux"))
    inside = tmp_path / "linux" / "arch" / "x86"
    inside.mkdir(parents=True)
    assert KernelTree.open(inside).path == tmp_path / "linux" / ".git"


def test_tags_branches_ids_and_expressions_resolve(scratch):
    repo = scratch()
    first = repo.commit({"a": b"1\n"}, tag="v2.6.38")
    second = repo.commit({"a": b"2\n"}, base=first, branch="topic/x")
    tree = repo.tree
    assert tree.resolve("v2.6.38").oid == first
    assert tree.resolve("v2.6.38").describe == "v2.6.38"
    assert tree.resolve("topic/x").oid == second
    assert tree.resolve("topic/x~1").oid == first
    assert tree.resolve(second).oid == second
    assert tree.resolve(second[:9]).oid == second
    assert tree.resolve(second).describe == second[:12]
    assert tree.commit_id("topic/x~1") == first


def test_an_unknown_revision_names_its_neighbours(scratch):
    repo = scratch()
    repo.commit({"a": b"1\n"}, tag="v2.6.39")
    with pytest.raises(KpatchError) as refusal:
        repo.tree.resolve("v2.6.93")
    assert refusal.value.code == "unknown-revision"
    assert "v2.6.39" in refusal.value.hint


@pytest.mark.parametrize(
    "spelled", ["", "..", "no such", "deadbeef", "HEAD", "v1..v2", "a" * 40, "@{u}", "^{/x}", "-x"]
)
def test_what_names_nothing_is_an_error_of_ours(scratch, spelled):
    with pytest.raises(KpatchError) as refusal:
        scratch().tree.resolve(spelled)
    assert refusal.value.code == "unknown-revision"
    assert refusal.value.hint


def test_a_tree_is_not_a_commit(scratch):
    repo = scratch()
    first = repo.commit({"a": b"1\n"}, tag="v1")
    with pytest.raises(KpatchError) as refusal:
        repo.tree.resolve("v1^{tree}")
    assert refusal.value.code == "not-a-commit"
    assert repo.tree.at(repo.tree.commit(first).tree).read("a") == b"1\n"


def test_a_shallow_clone_says_so_and_how_to_deepen(scratch):
    repo = scratch()
    first = repo.commit({"a": b"1\n"})
    second = repo.commit({"a": b"2\n"}, base=first, branch="main")
    # What a shallow clone looks like: the parent is named, but absent.
    (repo.path / "objects" / first[:2] / first[2:]).unlink()
    (repo.path / "shallow").write_text(second + "\n")
    tree = KernelTree.open(repo.path)
    assert tree.is_shallow
    for spelled in ("main~1", first):
        with pytest.raises(KpatchError) as refusal:
            tree.resolve(spelled)
        assert refusal.value.code == "shallow-history"
        assert "--unshallow" in refusal.value.hint


def test_history_that_is_cut_off_in_a_walk_is_an_error_of_ours(scratch):
    repo = scratch()
    first = repo.commit({"a": b"1\n"})
    second = repo.commit({"a": b"2\n"}, base=first)
    (repo.path / "objects" / first[:2] / first[2:]).unlink()
    with pytest.raises(KpatchError) as refusal:
        list(KernelTree.open(repo.path).walk(include=[second]))
    assert refusal.value.code == "missing-object"


def test_a_missing_blob_is_an_error_with_the_next_step(scratch):
    repo = scratch()
    first = repo.commit({"a": b"1\n"})
    blob = repo.tree.at(first).blob_id("a")
    (repo.path / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(KpatchError) as refusal:
        KernelTree.open(repo.path).at(first).read("a")
    assert refusal.value.code == "missing-object"
    assert "fetch" in refusal.value.hint


def test_identity_is_the_repositorys_and_its_absence_is_explained(scratch, monkeypatch, tmp_path):
    repo = scratch()
    search_path = pygit2.settings.search_path
    levels = (pygit2.enums.ConfigLevel.GLOBAL, pygit2.enums.ConfigLevel.XDG, pygit2.enums.ConfigLevel.SYSTEM)
    before = {level: search_path[level] for level in levels}
    try:
        for level in levels:
            search_path[level] = str(tmp_path)
        tree = KernelTree.open(repo.path)
        with pytest.raises(KpatchError) as refusal:
            tree.identity()
        assert refusal.value.code == "no-identity"
        assert "git config" in refusal.value.hint
        pygit2.Repository(str(repo.path)).config["user.name"] = "Ada"
        pygit2.Repository(str(repo.path)).config["user.email"] = "ada@example.org"
        assert KernelTree.open(repo.path).identity().email == "ada@example.org"
    finally:
        for level, value in before.items():
            search_path[level] = value


def test_alternates_are_followed(scratch, tmp_path):
    repo = scratch()
    first = repo.commit({"a": b"1\n"})
    borrower = Path(tmp_path / "borrower.git")
    pygit2.init_repository(str(borrower), bare=True)
    (borrower / "objects" / "info").mkdir(exist_ok=True)
    (borrower / "objects" / "info" / "alternates").write_text(f"{repo.path}/objects\n")
    assert KernelTree.open(borrower).at(first).read("a") == b"1\n"
    assert KernelTree.open(borrower).has_object(first)
