"""A repository from nothing, and its first commit."""

from pathlib import Path

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.tree import KernelTree, Signature

ADA = Signature("Ada Frame", "ada@frame.example", 1_300_000_000, 60)


def test_first_commit_of_a_new_repository_has_no_parent(tmp_path: Path) -> None:
    tree = KernelTree.create(tmp_path / "new.git", branch="main")
    commit = tree.write(
        base=tree.empty_tree(),
        changes={RepoPath("a/b.c"): b"int x;\n"},
        message=b"one\n",
        author=ADA,
        committer=ADA,
        ref="main",
    )
    again = KernelTree.open(tmp_path / "new.git")
    assert again.resolve("HEAD").oid == commit
    assert again.commit(commit).parents == ()
    assert list(again.at(commit).paths()) == ["a/b.c"]


def test_a_new_repository_has_an_unborn_branch_and_no_tags(tmp_path: Path) -> None:
    tree = KernelTree.create(tmp_path / "new.git", branch="trunk")
    assert (tmp_path / "new.git" / "HEAD").read_text() == "ref: refs/heads/trunk\n"
    assert not tree.tags()


def test_where_nothing_can_be_made_the_error_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(KpatchError, match="no repository can be made") as raised:
        KernelTree.create(tmp_path / "file" / "new.git", branch="main")
    assert raised.value.code == "read-only-repository"
