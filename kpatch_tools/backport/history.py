"""Reads changes out of a repository's history."""

from collections.abc import Collection, Sequence
from contextlib import suppress

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.patch import patch_of_commit
from kpatch_tools.tree import CommitData, KernelTree

from .change import Change
from .outcome import Evidence
from .past import Past

MOST_FILES = 100
"""A commit of more files is a tree-wide conversion or an import: nobody takes it to get another one in."""

HISTORY_ENDS = ("shallow-history", "missing-object")
"""The errors of a clone that lacks the history an answer needs: not knowing, which the answer then says."""


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


def touches_only(tree: KernelTree, commit: CommitData, paths: Collection[RepoPath]) -> bool:
    """Whether a commit that is no merge changes nothing but `paths`: told from the trees, before any file is read."""
    return set(paths).issuperset(tree.touched_paths(commit))


def find_candidates(
    past: Past, *, target: ObjectId, upstream: ObjectId, paths: Sequence[RepoPath]
) -> tuple[Change, ...]:
    """The commits upstream has below `upstream` and the target has not, that touch `paths`, oldest first.

    Nothing where the two histories have no commit in common.
    """
    tree = past.tree
    parents = tree.commit(upstream).parents
    if not parents or tree.merge_base(target, parents[0]) is None:
        return ()
    commits = past.between(target, parents[0], paths)
    return tuple(read_change(tree, one) for one in commits if len(tree.touched_paths(one)) <= MOST_FILES)


def find_tips(tree: KernelTree) -> tuple[ObjectId, ...]:
    """Where all the history that this repository names ends: its tags, and what HEAD stands for."""
    tips = dict.fromkeys(tree.tags().values())
    with suppress(KpatchError):  # an unborn HEAD
        tips[tree.resolve("HEAD").oid] = None
    return tuple(tips)


def missing_history(tree: KernelTree) -> tuple[Evidence, ...]:
    """What to say of a repository that does not hold all of its history."""
    if not tree.is_shallow:
        return ()
    said = "this clone is shallow: what its history does not show (prerequisites, follow-ups) is undetermined"
    return (Evidence("history-missing", f"{said}; git fetch --unshallow --tags gets the rest"),)
