"""The guards' word on what was adapted: they judge what was really done to the target's files, not upstream's hunks."""

from collections.abc import Iterator
from dataclasses import replace

from kpatch_tools.backport.change import Change
from kpatch_tools.backport.guards import Carriage, Carried, find_objections
from kpatch_tools.backport.outcome import HunkResult, Pick
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff, diff_hunks

Refused = frozenset[tuple[RepoPath, int]]
"""Hunks that a guard does not let pass: by the file that they were of before they were adapted, and number."""


def find_refused(change: Change, target: BlobSource, pick: Pick, adapted: Pick) -> Refused:
    """The hunks of `adapted` that needed a person in `pick`, and do again: all those in a file that a guard objects to.

    Empty if no guard does.
    """
    files = tuple(_carried(change, target, pick, adapted))
    objections = find_objections(Carriage(files, target, change.before, change.after))
    bad = {path for path, _ in objections}
    return frozenset(
        (before.file, before.number)
        for before, after in zip(pick.hunks, adapted.hunks, strict=True)
        if before.kind is HunkClass.NEEDS_HUMAN and after.kind is not HunkClass.NEEDS_HUMAN and after.file in bad
    )


def _carried(change: Change, target: BlobSource, pick: Pick, adapted: Pick) -> Iterator[Carried]:
    """What became of the target's files that were adapted, and of the others upstream's diff, for what it brings."""
    done = [path for path, result in adapted.changes.items() if result != pick.changes.get(path, target.read(path))]
    for path in done:
        ours, result = target.read(path), adapted.changes[path]
        if ours is not None and result is not None:
            yield _as_done(path, ours, result)
    for file in change.files:
        path = pick.renamed.get(file.path, file.path)
        if path not in done:
            yield Carried(file, path, None, None, target.read(path), adapted.changes.get(path), ())


def _as_done(path: RepoPath, ours: bytes, result: bytes) -> Carried:
    hunks = diff_hunks(ours, result, context=0)
    diff = replace(FileDiff(path, path), hunks=hunks)
    done = (HunkResult(path, number, HunkClass.ADAPTED, "") for number in range(1, len(hunks) + 1))
    return Carried(diff, path, ours, result, ours, result, tuple(done))
