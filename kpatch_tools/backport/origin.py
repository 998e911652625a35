"""The upstream commit of a bundled hook, found by the code: the hook was absent before it and is there after it.

No commit id is known beforehand, so a rewritten history gives its own answer.
"""

from collections.abc import Callable, Sequence

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import upstream_reference
from kpatch_tools.tree import CommitData, KernelTree

from .trail import follow_files

Present = Callable[[BlobSource], bool]


def find_origin(
    tree: KernelTree, *, target: ObjectId, tips: Sequence[ObjectId], present: Present, paths: Sequence[RepoPath]
) -> CommitData | None:
    """The commit that brought what `present` tests, in one of `paths`; None if no history here has it.

    Looked for below the target first, where the target has it, then in everything else. A commit that says itself that
    it was taken from upstream is not the origin; of several, the one whose history parts last from the target's counts.
    """
    if present(tree.at(target)):
        for commit in follow_files(tree, tips=[target], paths=paths):
            if _brings(tree, commit, present):
                if not upstream_reference(commit.message):
                    return commit
                break  # a backport: its original is elsewhere
    found = [
        commit
        for commit in follow_files(tree, tips=tips, paths=paths)
        if _brings(tree, commit, present) and not upstream_reference(commit.message)
    ]
    if not found:
        return None
    return max(found, key=lambda commit: _parting(tree, target, commit.oid))


def _brings(tree: KernelTree, commit: CommitData, present: Present) -> bool:
    if len(commit.parents) != 1:
        return False
    return present(tree.at(commit.oid)) and not present(tree.at(commit.parents[0]))


def _parting(tree: KernelTree, a: ObjectId, b: ObjectId) -> int:
    """When the two histories parted, in seconds since the epoch; -1 where they never met."""
    base = tree.merge_base(a, b)
    return -1 if base is None else tree.commit(base).committer.when
