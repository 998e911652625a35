"""Questions to a repository's history, answered by its index: what a walk reads in seconds is found at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.tree import CommitData, KernelTree

from .index import CommitIndex, open_index, speaks_of
from .past import Past, WalkedPast


class IndexedPast:
    """A Past by an index. A commit that it lacks stands for those above it that it has; it is never found itself."""

    def __init__(self, tree: KernelTree, index: CommitIndex) -> None:
        self.tree = tree
        self._index = index

    def is_ancestor(self, a: ObjectId, b: ObjectId) -> bool:
        number = self._index.number(a)
        return a == b or (number is not None and bool(self._below([b])[number]))

    def touching(
        self, paths: Sequence[RepoPath], *, tips: Sequence[ObjectId], after: CommitData | None = None
    ) -> Iterator[CommitData]:
        return self._youngest_first(self._touching(paths, tips, after))

    def only_touching(
        self, paths: Sequence[RepoPath], *, tips: Sequence[ObjectId], after: CommitData | None = None
    ) -> Iterator[CommitData]:
        touching = self._touching(paths, tips, after)
        return self._youngest_first(n for n, count in touching.items() if count == self._index.files(n))

    def between(self, old: ObjectId, new: ObjectId, paths: Sequence[RepoPath]) -> Iterator[CommitData]:
        inside, outside = self._below([new]), self._below([old])
        for n in sorted(self._index.touching(paths)):
            if inside[n] and not outside[n]:
                yield self._commit(n)

    def speaking_of(self, commit: CommitData, *, tips: Sequence[ObjectId]) -> Iterator[CommitData]:
        inside, outside = self._below(tips), self._below([commit.oid])
        found = self._index.speaking_of(commit.oid, commit.subject)
        for later in self._youngest_first(n for n in found if inside[n] and not outside[n]):
            if len(later.parents) == 1 and speaks_of(later.message, commit.oid, commit.subject):
                yield later

    def find(self, spelled: str, *, below: ObjectId | None) -> CommitData | None:
        found = self._index.find(spelled)
        if below is not None:
            inside = self._below([below])
            found = tuple(n for n in found if inside[n])
        return self._commit(found[0]) if len(found) == 1 else None

    def called(self, subject: str, *, below: ObjectId) -> Iterator[CommitData]:
        inside = self._below([below])
        for commit in self._youngest_first(n for n in self._index.called(subject) if inside[n]):
            if commit.subject == subject and len(commit.parents) == 1:
                yield commit

    def in_order(self, commits: Iterable[ObjectId]) -> tuple[ObjectId, ...]:
        known = {oid: number for oid in commits if (number := self._index.number(oid)) is not None}
        return tuple(sorted(known, key=known.__getitem__))

    def _below(self, tips: Sequence[ObjectId]) -> bytes:
        known, waiting = set[ObjectId](), list(tips)
        while waiting:
            tip = waiting.pop()
            if self._index.number(tip) is not None:
                known.add(tip)
            else:
                waiting += self.tree.commit(tip).parents
        return self._index.below(known)

    def _touching(
        self, paths: Sequence[RepoPath], tips: Sequence[ObjectId], after: CommitData | None
    ) -> dict[int, int]:
        """As `CommitIndex.touching`, below `tips` and not below `after`."""
        inside = self._below(tips)
        outside = bytes(len(self._index)) if after is None else self._below([after.oid])
        return {n: count for n, count in self._index.touching(paths).items() if inside[n] and not outside[n]}

    def _youngest_first(self, numbers: Iterable[int]) -> Iterator[CommitData]:
        return map(self._commit, sorted(numbers, key=lambda n: (self._index.time(n), n), reverse=True))

    def _commit(self, number: int) -> CommitData:
        return self.tree.commit(self._index.oid(number))


def open_past(
    tree: KernelTree,
    folder: Path,
    *,
    tips: Sequence[ObjectId],
    make: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> Past:
    """The history of everything at and below `tips`, by the index that is kept in `folder` and extended now.

    One that is not there is made, or not (`make`). Where there can be no index (see `open_index`) history is walked.
    """
    index = open_index(tree, folder, tips=tips, make=make, progress=progress)
    return WalkedPast(tree) if index is None else IndexedPast(tree, index)
