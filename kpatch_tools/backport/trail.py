"""Follows a few files back through history without reading the rest of it.

Where a merge has the files as one of its parents has them, only that parent is followed: nothing on the other side
reached the result (git log's own simplification). So a walk over a year of kernel history reads a few thousand of its
commits.
"""

import heapq
from collections.abc import Iterator, Sequence

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.tree import CommitData, KernelTree

SLOP = 24 * 60 * 60
"""Seconds by which a committer's clock may be wrong."""


def follow_files(
    tree: KernelTree,
    *,
    tips: Sequence[ObjectId],
    paths: Sequence[RepoPath],
    until: CommitData | None = None,
) -> Iterator[CommitData]:
    """The commits below `tips` that changed one of `paths` and are no merges, the youngest first.

    With `until`, it and what is older is left out, as told by the committer's date: ancestry would cost a walk.
    """
    states: dict[ObjectId, tuple[ObjectId | None, ...]] = {}

    def state(commit: CommitData) -> tuple[ObjectId | None, ...]:
        if commit.oid not in states:
            source = tree.at(commit.tree)
            states[commit.oid] = tuple(source.blob_id(path) for path in paths)
        return states[commit.oid]

    seen: set[ObjectId] = set()
    queue: list[tuple[int, int, CommitData]] = []

    def push(commit: CommitData) -> None:
        if commit.oid in seen or (until is not None and _is_older(commit, until)):
            return
        seen.add(commit.oid)
        heapq.heappush(queue, (-commit.committer.when, len(seen), commit))

    for tip in tips:
        push(tree.commit(tip))
    while queue:
        commit = heapq.heappop(queue)[2]
        parents = [tree.commit(parent) for parent in commit.parents if tree.has_object(parent)]
        if len(parents) < len(commit.parents):
            continue  # a shallow clone ends here: what this commit changed is not known
        same = next((parent for parent in parents if state(parent) == state(commit)), None)
        for parent in [same] if same is not None else parents:
            push(parent)
        if len(parents) == 1 and same is None:
            yield commit


def _is_older(commit: CommitData, until: CommitData) -> bool:
    return commit.oid == until.oid or commit.committer.when < until.committer.when - SLOP
