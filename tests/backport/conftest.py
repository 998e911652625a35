"""A small repository to backport in, and stand-ins for the checks and the model."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pygit2
import pytest
from kpatch_tools.backport import LayoutVerdict, ModelResult, Ports, Proposal, Verdict, read_change
from kpatch_tools.backport.change import Change
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.tree import KernelTree, Signature

SOMEBODY = Signature("Some Body", "some@example.org", 1_300_000_000, 60)


@dataclass
class History:
    """Commits onto a bare repository, one by one; files are given as text, None deletes."""

    tree: KernelTree
    repository: pygit2.Repository
    clock: int = 1_300_000_000

    def commit(
        self,
        files: Mapping[str, str | None],
        message: str = "a commit",
        *,
        on: ObjectId | None = None,
        tag: str | None = None,
    ) -> ObjectId:
        """A commit with `files` changed on top of `on` (None: the first one)."""
        base = on if on is not None else ObjectId(str(self.repository.TreeBuilder().write()))
        self.clock += 60
        when = Signature(SOMEBODY.name, SOMEBODY.email, self.clock, 60)
        changes = {RepoPath(path): None if text is None else text.encode() for path, text in files.items()}
        oid = self.tree.write(
            base=base, changes=changes, message=message.encode() + b"\n", author=when, committer=when, ref=None
        )
        if tag is not None:
            self.repository.create_reference(f"refs/tags/{tag}", oid)
        return oid

    def change(self, oid: ObjectId) -> Change:
        return read_change(self.tree, self.tree.commit(oid))


@pytest.fixture
def history(tmp_path: Path) -> History:
    repository = pygit2.init_repository(str(tmp_path / "kernel.git"), bare=True)
    return History(KernelTree.open(tmp_path / "kernel.git"), repository)


@dataclass
class FakeModel:
    """A model whose verdict is a function of the source; `runs` counts how often it was asked."""

    judge: Callable[[BlobSource], Verdict]
    files: frozenset[str] = frozenset()
    runs: list[bool] = field(default_factory=list)

    def concerns(self, paths: Iterable[RepoPath]) -> bool:
        return bool(self.files & set(paths))

    def run(self, source: BlobSource, *, first: tuple[str, ...] = (), until_fault: bool = False) -> ModelResult:
        self.runs.append(until_fault)
        verdict = self.judge(source)
        return ModelResult((LayoutVerdict("512M", verdict, "a fault" if verdict.faults else ""),))


def everything_passes(_: Proposal) -> tuple[Finding, ...]:
    return (Finding("identifier-declared", Status.PASS, "all known"),)


@pytest.fixture
def ports() -> Callable[..., Ports]:
    """`ports(judge=…, files=…, check=…)`: by default the checks pass, and the model is concerned with nothing."""

    def build(
        judge: Callable[[BlobSource], Verdict] = lambda _: Verdict.OK,
        files: Iterable[str] = (),
        check: Callable[[Proposal], tuple[Finding, ...]] = everything_passes,
    ) -> Ports:
        return Ports(check, FakeModel(judge, frozenset(files)), lambda _: None)

    return build
