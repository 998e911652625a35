"""The upstream commit of a bundled hook, found by the code: the hook was absent before it and is there after it.

No commit id is known beforehand, so a rewritten history gives its own answer.
"""

from collections.abc import Callable, Sequence

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import upstream_reference
from kpatch_tools.tree import CommitData, KernelTree

from .past import Past

Present = Callable[[BlobSource], bool]

ANOTHER = 30 * 24 * 60 * 60
"""Seconds before the youngest commit found, in which another history of the same is still looked for."""


def find_origin(
    past: Past, *, target: ObjectId, tips: Sequence[ObjectId], present: Present, paths: Sequence[RepoPath]
) -> CommitData | None:
    """The commit that brought what `present` tests, in one of `paths`; None if no history here has it.

    Looked for below the target first, where the target has it, then in everything else. A commit that says itself that
    it was taken from upstream is not the origin; of several, the one whose history parts last from the target's counts.
    """
    tree = past.tree
    if present(tree.at(target)):
        for commit in past.touching(paths, tips=[target]):
            if _brings(tree, commit, present, paths):
                if not upstream_reference(commit.message):
                    return commit
                break  # a backport: its original is elsewhere
    found: list[CommitData] = []
    for commit in past.touching(paths, tips=tips):
        if found and commit.committer.when < found[0].committer.when - ANOTHER:
            break
        if _brings(tree, commit, present, paths) and not upstream_reference(commit.message):
            found.append(commit)
    return max(found, key=lambda commit: _parting(tree, target, commit.oid), default=None)


def _brings(tree: KernelTree, commit: CommitData, present: Present, paths: Sequence[RepoPath]) -> bool:
    before = tree.at(commit.parents[0])
    if all(before.blob_id(path) is None for path in paths):
        return False  # an import of everything brings nothing in particular
    return not present(before) and present(tree.at(commit.tree))


def _parting(tree: KernelTree, a: ObjectId, b: ObjectId) -> int:
    """When the two histories parted, in seconds since the epoch; -1 where they never met."""
    base = tree.merge_base(a, b)
    return -1 if base is None else tree.commit(base).committer.when
