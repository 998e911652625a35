"""Small repositories, made for a test and thrown away."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pygit2
import pytest
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.tree import KernelTree, Signature

ADA = Signature("Ada Räksmörgås", "ada@example.org", 1_300_000_000, 60)
BOB = Signature("Bob", "bob@example.org", 1_300_000_600, -300)


@dataclass(slots=True)
class Scratch:
    """A bare repository, and a way to commit to it."""

    path: Path
    tree: KernelTree
    count: int = field(default=0)

    def commit(
        self,
        changes: Mapping[str, bytes | None],
        *,
        base: ObjectId | None = None,
        message: bytes = b"mm: a change\n",
        tag: str | None = None,
        branch: str | None = None,
        modes: Mapping[str, int] | None = None,
    ) -> ObjectId:
        repository = pygit2.Repository(str(self.path))
        if base is None:
            base = ObjectId(str(repository.TreeBuilder().write()))
        self.count += 1
        when = Signature(ADA.name, ADA.email, ADA.when + self.count, ADA.offset)
        oid = self.tree.write(
            base=base,
            changes={RepoPath(path): data for path, data in changes.items()},
            modes={RepoPath(path): mode for path, mode in (modes or {}).items()},
            message=message,
            author=when,
            committer=when,
        )
        if tag is not None:
            repository.create_tag(tag, oid, pygit2.enums.ObjectType.COMMIT, pygit2.Signature("A", "a@b"), tag)
        if branch is not None:
            repository.create_reference(f"refs/heads/{branch}", oid)
        return oid

    def merge(self, first: ObjectId, second: ObjectId, tree_of: ObjectId) -> ObjectId:
        repository = pygit2.Repository(str(self.path))
        who = pygit2.Signature("A", "a@b", 1_300_100_000 + self.count, 0)
        tree = repository[tree_of].tree_id
        return ObjectId(str(repository.create_commit(None, who, who, "Merge", tree, [first, second])))


@pytest.fixture
def scratch(tmp_path: Path) -> Callable[[], Scratch]:
    """`scratch()` is an empty bare repository."""

    def build() -> Scratch:
        path = tmp_path / f"repo{len(list(tmp_path.iterdir()))}.git"
        pygit2.init_repository(str(path), bare=True)
        return Scratch(path, KernelTree.open(path))

    return build
