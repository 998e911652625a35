"""Questions to a repository's history, answered by walking it: for one answer quicker than to index it first."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.tree import CommitData, KernelTree

from .index import speaks_of
from .trail import SLOP, follow_files


class Past(Protocol):
    """What is asked of a history; the commits named are never merges. KpatchError: shallow-history, missing-object."""

    @property
    def tree(self) -> KernelTree: ...

    def is_ancestor(self, a: ObjectId, b: ObjectId) -> bool:
        """Whether `a` is `b` or one of its ancestors."""
        ...

    def touching(
        self, paths: Sequence[RepoPath], *, tips: Sequence[ObjectId], after: CommitData | None = None
    ) -> Iterator[CommitData]:
        """The commits below `tips` that changed one of `paths`, the youngest first; with `after`, only later ones."""
        ...

    def only_touching(
        self, paths: Sequence[RepoPath], *, tips: Sequence[ObjectId], after: CommitData | None = None
    ) -> Iterator[CommitData]:
        """Those of `touching` that changed no other path."""
        ...

    def between(self, old: ObjectId, new: ObjectId, paths: Sequence[RepoPath]) -> Iterator[CommitData]:
        """The commits that `new` has and `old` has not and that changed one of `paths`, parents first."""
        ...

    def speaking_of(self, commit: CommitData, *, tips: Sequence[ObjectId]) -> Iterator[CommitData]:
        """The commits below `tips`, and not below `commit`, whose messages cite its id or quote its subject."""
        ...

    def find(self, spelled: str, *, below: ObjectId | None) -> CommitData | None:
        """The commit of this (abbreviated) id among the ancestors of `below` (None: anywhere); None if there is none.

        Also a merge, where one is meant.
        """
        ...

    def called(self, subject: str, *, below: ObjectId) -> Iterator[CommitData]:
        """The ancestors of `below` with exactly this subject, the youngest first."""
        ...

    def in_order(self, commits: Iterable[ObjectId]) -> tuple[ObjectId, ...]:
        """The same commits, parents before children."""
        ...


class WalkedPast:
    """A Past that reads history anew for every question."""

    def __init__(self, tree: KernelTree) -> None:
        self.tree = tree

    def is_ancestor(self, a: ObjectId, b: ObjectId) -> bool:
        return self.tree.is_ancestor(a, b)

    def touching(
        self, paths: Sequence[RepoPath], *, tips: Sequence[ObjectId], after: CommitData | None = None
    ) -> Iterator[CommitData]:
        for commit in follow_files(self.tree, tips=tips, paths=paths, until=after):
            # What is not much younger may be an ancestor: dates alone do not tell.
            is_near = after is not None and commit.committer.when <= after.committer.when + SLOP
            if after is None or not (is_near and self.tree.is_ancestor(commit.oid, after.oid)):
                yield commit

    def only_touching(
        self, paths: Sequence[RepoPath], *, tips: Sequence[ObjectId], after: CommitData | None = None
    ) -> Iterator[CommitData]:
        touching = self.touching(paths, tips=tips, after=after)
        return (commit for commit in touching if set(paths).issuperset(self.tree.touched_paths(commit)))

    def between(self, old: ObjectId, new: ObjectId, paths: Sequence[RepoPath]) -> Iterator[CommitData]:
        return _single(self.tree.walk(include=[new], exclude=[old], paths=paths, reverse=True))

    def speaking_of(self, commit: CommitData, *, tips: Sequence[ObjectId]) -> Iterator[CommitData]:
        word = max(commit.subject.split(), key=len, default=commit.oid)  # a quotation may be wrapped at any blank
        some = (commit.oid[:7].encode(), word.encode("utf-8", "surrogateescape"))
        for later in _single(self.tree.find_commits(include=tips, exclude=[commit.oid], containing=some)):
            if speaks_of(later.message, commit.oid, commit.subject):
                yield later

    def find(self, spelled: str, *, below: ObjectId | None) -> CommitData | None:
        try:
            oid = self.tree.commit_id(spelled)
            return self.tree.commit(oid) if below is None or self.tree.is_ancestor(oid, below) else None
        except KpatchError:
            return None  # not in this repository under this id, or not to be told

    def called(self, subject: str, *, below: ObjectId) -> Iterator[CommitData]:
        return _single(self.tree.find_commits(include=[below], subject=subject))

    def in_order(self, commits: Iterable[ObjectId]) -> tuple[ObjectId, ...]:
        placed: list[CommitData] = []
        for commit in sorted(map(self.tree.commit, commits), key=lambda one: one.committer.when):
            at = len(placed)
            # Those of one series are often of the same second, and a clock may be wrong.
            while at and commit.committer.when <= placed[at - 1].committer.when + SLOP:
                if not self.tree.is_ancestor(commit.oid, placed[at - 1].oid):
                    break
                at -= 1
            placed.insert(at, commit)
        return tuple(commit.oid for commit in placed)


def _single(commits: Iterable[CommitData]) -> Iterator[CommitData]:
    return (commit for commit in commits if len(commit.parents) == 1)
