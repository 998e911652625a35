"""Small histories of headers that declare hook tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pygit2
import pytest
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.tree import KernelTree, Signature

OPS = "arch/x86/include/asm/ops.h"
DEFINED = "arch/x86/kernel/ops.c"


def ops_header(*slots: str, more: str = "", tag: str = "board_ops", variable: str = "board") -> str:
    """A header with one table: `extern struct board_ops board;`."""
    body = "".join(f"\t{slot};\n" for slot in slots)
    return f"{more}struct {tag} {{\n{body}}};\nextern struct {tag} {variable};\n"


@dataclass(slots=True)
class History:
    """Commits to a bare repository; each is named by its subject."""

    path: Path
    tree: KernelTree
    count: int = field(default=0)

    def commit(self, subject: str, changes: Mapping[str, str | None], *, base: ObjectId | None = None) -> ObjectId:
        if base is None:
            base = self.tree.empty_tree()
            changes = {"Makefile": "VERSION = 2\n", "include/linux/init.h": "", **changes}
        self.count += 1
        who = Signature("Ada", "ada@example.org", 1_300_000_000 + self.count, 60)
        return self.tree.write(
            base=base,
            changes={RepoPath(path): None if text is None else text.encode() for path, text in changes.items()},
            message=f"{subject}\n".encode(),
            author=who,
            committer=who,
        )

    def merge(self, subject: str, parents: list[ObjectId], *, tree_of: ObjectId) -> ObjectId:
        self.count += 1
        repository = pygit2.Repository(str(self.path))
        who = pygit2.Signature("Ada", "ada@example.org", 1_300_000_000 + self.count, 60)
        tree = repository[tree_of].peel(pygit2.Tree).id
        return ObjectId(str(repository.create_commit(None, who, who, subject, tree, list(parents))))


@pytest.fixture
def history(tmp_path: Path) -> History:
    """An empty bare repository."""
    path = tmp_path / "kernel.git"
    return History(path, KernelTree.create(path, branch="main"))


@pytest.fixture
def header() -> Callable[..., str]:
    """`header("int (*a)(void)", …)` is the text of a header with the table `board`."""
    return ops_header
