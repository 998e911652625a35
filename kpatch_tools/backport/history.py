"""Reads changes out of a repository's history."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.patch import patch_of_commit
from kpatch_tools.tree import CommitData, KernelTree

from .change import Change


def read_change(tree: KernelTree, commit: CommitData) -> Change:
    """What a commit changed against its parent.

    KpatchError: merge-commit, root-commit (neither is one change that could be carried elsewhere).
    """
    if len(commit.parents) > 1:
        raise KpatchError(
            "merge-commit",
            f"{commit.oid[:12]} ({commit.subject}) is a merge: it has no single change of its own",
            hint="name the commits that it merged, one by one",
        )
    if not commit.parents:
        raise KpatchError(
            "root-commit",
            f"{commit.oid[:12]} is the first commit of its history: it has no parent to compare with",
            hint="name a later commit",
        )
    files = patch_of_commit(tree, commit.oid).files
    before, after = tree.at(commit.parents[0]), tree.at(commit.oid)
    return Change(commit.subject, commit.message, files, commit.oid, before, after)


def read_changes(tree: KernelTree, commits: Iterable[CommitData]) -> Iterator[Change]:
    """The changes of all but merges and roots."""
    for commit in commits:
        if len(commit.parents) == 1:
            yield read_change(tree, commit)


def find_candidates(
    tree: KernelTree, *, target: ObjectId, upstream: ObjectId, paths: Sequence[str]
) -> tuple[Change, ...]:
    """The commits upstream has below `upstream` and the target has not, that touch `paths`, oldest first.

    Nothing where the two histories have no commit in common.
    """
    parents = tree.commit(upstream).parents
    if not parents or tree.merge_base(target, parents[0]) is None:
        return ()
    commits = tree.walk(include=[parents[0]], exclude=[target], paths=paths, reverse=True)
    return tuple(read_changes(tree, commits))


def find_tips(tree: KernelTree) -> tuple[ObjectId, ...]:
    """Where all the history that this repository names ends: its tags, and what HEAD stands for."""
    tips = dict.fromkeys(tree.tags().values())
    with suppress(KpatchError):  # an unborn HEAD
        tips[tree.resolve("HEAD").oid] = None
    return tuple(tips)
