"""What a series was made on: candidates, best first, each with the reason for it.

A base-commit line is the sender's word. What a user names comes next. Blob ids in `index` lines prove more than any
name does: a revision that has all pre-images is one the patches apply to.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.tree import CommitData, KernelTree

from .values import Base, BaseReason, Submission

_FEWEST_DIGITS = 7
_RECENT = 300  # commits
_NO_BLOB = re.compile(r"0+")


Preimages = Mapping[RepoPath, str | None]
"""By path the abbreviated id of the blob that is expected there; None where no file is."""

Touching = Callable[[Sequence[RepoPath]], Iterable[CommitData] | None]
"""The commits that changed one of these paths, the youngest first; None where to ask would take too long."""


def _too_long(_: Sequence[RepoPath]) -> None:
    return None


def preimages(submission: Submission) -> Preimages:
    """Each file as it was before the first patch that touches it; files whose patch names no blob are left out."""
    wanted: dict[RepoPath, str | None] = {}
    seen: set[RepoPath] = set()
    for sent in submission.patches:
        for diff in sent.patch.files:
            blob = diff.old_blob or ""
            if diff.old_path is not None and diff.old_path not in seen:
                if len(blob) >= _FEWEST_DIGITS and not _NO_BLOB.fullmatch(blob):
                    wanted[diff.old_path] = blob
            elif diff.old_path is None and diff.new_path is not None and diff.new_path not in seen:
                wanted[diff.new_path] = None
            seen.update(path for path in (diff.old_path, diff.new_path) if path is not None)
    return wanted


def rank_bases(
    tree: KernelTree, submission: Submission, *, named: Sequence[str] = (), touching: Touching = _too_long
) -> tuple[Base, ...]:
    """Candidates for the series, best first; `named` are revisions that the user gave, in order of preference.

    What was made from a commit that is here stands on that commit's parent. Of the tags and branches come those with
    all pre-image blobs, newest first; where none has them all, the newest commit of the history that does, if
    `touching` answers, or one of the latest; else the tags and branches with the most. HEAD comes last. Never empty
    in a repository with a commit.

    KpatchError unknown-revision for one of `named`.
    """
    wanted = preimages(submission)
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
    commit = submission.patches[0].patch.commit if submission.patches else None
    if commit is not None and tree.has_object(commit):
        for parent in tree.commit(commit).parents[:1]:
            add(parent, BaseReason.PARENT)
    for base in _by_blobs(tree, wanted, touching):
        found.setdefault(base.commit, base)
    with suppress(KpatchError):  # HEAD may name a branch that is not there, as in a bare mirror
        add("HEAD", BaseReason.BRANCH)
    return tuple(found.values())


def count_blobs(tree: KernelTree, commit: ObjectId, wanted: Preimages) -> int:
    """How many of the pre-images the commit has at their paths."""
    return sum(_fitting(tree, commit, wanted))


def _has_all(tree: KernelTree, commit: ObjectId, wanted: Preimages) -> bool:
    return all(_fitting(tree, commit, wanted))


def _fitting(tree: KernelTree, commit: ObjectId, wanted: Preimages) -> Iterator[bool]:
    """Of each pre-image whether the commit has it at its path."""
    at = tree.at(commit)
    for path, blob in wanted.items():
        found = at.blob_id(path)
        yield found is None if blob is None else found is not None and found.startswith(blob)


def _by_blobs(tree: KernelTree, wanted: Preimages, touching: Touching, most: int = 5) -> Iterable[Base]:
    """The newest tags and branches that have all of the pre-images, or one commit that does; else those with the most,
    newest first."""
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
    if best < len(wanted):
        changes = touching(tuple(wanted))
        between = _recent(tree, wanted) if changes is None else _before_a_change(tree, wanted, changes)
        if between is not None:
            return [Base(between[:12], between, BaseReason.BLOBS, len(wanted), len(wanted))]
    chosen = sorted((one for one in counted if one[0] == best), key=lambda one: (one[1], one[2]), reverse=True)
    return [Base(name, oid, BaseReason.BLOBS, matched, len(wanted)) for matched, _, name, oid in chosen[:most]]


def _before_a_change(tree: KernelTree, wanted: Preimages, changes: Iterable[CommitData]) -> ObjectId | None:
    """The parent of the youngest commit that changed one of the files and found them all as they are wanted: where the
    series itself is here, what it was made on."""
    for commit in changes:
        for parent in commit.parents:
            if _has_all(tree, parent, wanted):
                return parent
    return None


def _recent(tree: KernelTree, wanted: Preimages) -> ObjectId | None:
    """The newest of HEAD's latest commits that has all of the pre-images: a branch that went on since."""
    try:
        head = tree.resolve("HEAD").oid
    except KpatchError:
        return None
    latest = islice(tree.walk(include=(head,)), _RECENT)
    return next((commit.oid for commit in latest if _has_all(tree, commit.oid, wanted)), None)


def _tip(tree: KernelTree, branch: str) -> ObjectId:
    return tree.resolve(branch).oid
