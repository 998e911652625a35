"""Runs the checks over a change of a tree."""

from collections.abc import Iterable, Iterator, Mapping

from kpatch_tools.checks.catalogue import ALL_CHECKS, run_checks
from kpatch_tools.checks.check import Change, Check, EditOf, Lookup, UpstreamCommit
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.patch import FileDiff, patch_of_commit
from kpatch_tools.tree import KernelTree


def check_changes(
    tree: KernelTree,
    base: BlobSource,
    changes: Mapping[RepoPath, bytes | None],
    message: bytes,
    *,
    checks: Iterable[Check] = ALL_CHECKS,
) -> tuple[Finding, ...]:
    """The findings about `base` with `changes` made to it, by a patch that says `message`."""
    change = Change(base, Overlay(base, changes), tuple(changes), message, lookup_in(tree), edits_in(tree))
    return run_checks(change, checks=checks)


def check_commit(tree: KernelTree, commit: ObjectId) -> tuple[Finding, ...]:
    """The findings about a commit against its first parent (a root commit: against nothing)."""
    data = tree.commit(commit)
    after = tree.at(commit)
    before: BlobSource = Nothing()
    if data.parents:
        before = tree.at(data.parents[0])
    touched = tuple(
        path
        for delta in tree.changes(commit)
        for path in dict.fromkeys((delta.old_path, delta.new_path))
        if path is not None
    )
    return run_checks(Change(before, after, touched, data.message, lookup_in(tree), edits_in(tree)))


def lookup_in(tree: KernelTree) -> Lookup:
    """Resolves the commits a message refers to in `tree`."""

    def lookup(reference: str) -> UpstreamCommit | None:
        try:
            commit = tree.commit(tree.commit_id(reference))
        except KpatchError:
            return None
        return UpstreamCommit(commit.oid, commit.subject)

    return lookup


def edits_in(tree: KernelTree) -> EditOf:
    """What commits of `tree` change."""

    def edit_of(commit: str) -> tuple[FileDiff, ...] | None:
        try:
            return patch_of_commit(tree, ObjectId(commit)).files
        except KpatchError:
            return None

    return edit_of


class Nothing:
    """The empty tree."""

    def read(self, path: RepoPath) -> bytes | None:
        return None

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        return iter(())
