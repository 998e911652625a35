"""What a series was made on: candidates, best first, each with the reason for it.

A base-commit line is the sender's word. What a user names comes next. Blob ids in `index` lines prove more than any
name does: a revision that has all pre-images is one the patches apply to.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.tree import KernelTree

from .values import Base, BaseReason, Submission

_FEWEST_DIGITS = 7
_NO_BLOB = re.compile(r"0+")


def wanted_blobs(submission: Submission) -> dict[RepoPath, str]:
    """The abbreviated id of each file as it was before the first patch that touches it; files it makes are left out."""
    wanted: dict[RepoPath, str] = {}
    made: set[RepoPath] = set()
    for sent in submission.patches:
        for diff in sent.patch.files:
            if diff.new_path is not None and diff.old_path != diff.new_path:
                made.add(diff.new_path)
            path = diff.old_path
            if path is None or path in made or path in wanted:
                continue
            made.add(path)
            blob = diff.old_blob or ""
            if len(blob) >= _FEWEST_DIGITS and not _NO_BLOB.fullmatch(blob):
                wanted[path] = blob
    return wanted


def rank_bases(tree: KernelTree, submission: Submission, *, named: Sequence[str] = ()) -> tuple[Base, ...]:
    """Candidates for the series, best first; `named` are revisions that the user gave, in order of preference.

    Of the tags and branches those with the most pre-image blobs, newest first, and only if they have all of them or
    there is nothing better; HEAD comes last. Never empty in a repository with a commit.

    KpatchError unknown-revision for one of `named`.
    """
    wanted = wanted_blobs(submission)
    found: dict[ObjectId, Base] = {}

    def add(revision: str, reason: BaseReason) -> None:
        resolved = tree.resolve(revision)
        matched = count_blobs(tree, resolved.oid, wanted)
        found.setdefault(resolved.oid, Base(revision, resolved.oid, reason, matched, len(wanted)))

    if submission.named_base:
        with suppress(KpatchError):  # one that is not here is no candidate; the submission keeps what it says
            add(submission.named_base, BaseReason.NAMED)
    for revision in named:
        add(revision, BaseReason.USER)
    for base in _by_blobs(tree, wanted):
        found.setdefault(base.commit, base)
    with suppress(KpatchError):  # HEAD may name a branch that is not there, as in a bare mirror
        add("HEAD", BaseReason.BRANCH)
    return tuple(found.values())


def count_blobs(tree: KernelTree, commit: ObjectId, wanted: dict[RepoPath, str]) -> int:
    """How many of the pre-images the commit has at their paths."""
    at = tree.at(commit)
    return sum((at.blob_id(path) or "").startswith(blob) for path, blob in wanted.items())


def _by_blobs(tree: KernelTree, wanted: dict[RepoPath, str], most: int = 5) -> Iterable[Base]:
    """The newest tags and branches that have all of the pre-images; else those with the most, newest first."""
    if not wanted:
        return ()
    revisions = {
        **{oid: name for name, oid in tree.tags().items()},
        **{_tip(tree, one): one for one in tree.branches()},
    }
    counted: list[tuple[int, int, str, ObjectId]] = []
    for oid, name in revisions.items():
        matched = count_blobs(tree, oid, wanted)
        if matched:
            counted.append((matched, tree.commit(oid).committer.when, name, oid))
    best = max((matched for matched, *_ in counted), default=0)
    chosen = sorted((one for one in counted if one[0] == best), key=lambda one: (one[1], one[2]), reverse=True)
    return [Base(name, oid, BaseReason.BLOBS, matched, len(wanted)) for matched, _, name, oid in chosen[:most]]


def _tip(tree: KernelTree, branch: str) -> ObjectId:
    return tree.resolve(branch).oid
