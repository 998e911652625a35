"""The guards' word on what was adapted: they judge what was really done to the target's files, not upstream's hunks."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kpatch_tools.backport.change import Change
from kpatch_tools.backport.guards import MERGED_GUARDS, Carriage, Carried, find_objections
from kpatch_tools.backport.guards.identifiers import Names, declared_by
from kpatch_tools.backport.guards.parses import ID as PARSES
from kpatch_tools.backport.guards.words import names_in
from kpatch_tools.backport.outcome import HunkResult, Pick
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff, Hunk, diff_hunks
from kpatch_tools.syntax import parse_c

Refused = frozenset[tuple[RepoPath, int]]
"""Hunks that a guard does not let pass: by the file that they were of before they were adapted, and number."""


def find_refused(change: Change, target: BlobSource, pick: Pick, adapted: Pick) -> Refused:
    """The hunks of `adapted` that needed a person in `pick`, and do again: all those in a file that a guard objects to.

    Those that were merged and do not fit as upstream's, and those that were left out if the rest needs what they
    declare. Empty if nobody objects.
    """
    if adapted.hunks == pick.hunks:
        return frozenset()
    done = tuple(_as_done(path, ours, result) for path, ours, result in _changed(target, pick, adapted))
    files = (*done, *_others(change, target, adapted, done))
    objections = find_objections(Carriage(files, target, change.before, change.after))
    bad = {path for (path, _), one in objections.items() if one.guard != PARSES or not _breaks(change, pick, path)}
    merged = tuple(_as_merged(change, target, pick, adapted))
    unfit = find_objections(Carriage(merged, target, change.before, change.after), MERGED_GUARDS)
    needs_dropped = _needs_dropped(change, target, adapted)
    return frozenset(
        (before.file, before.number)
        for before, after in zip(pick.hunks, adapted.hunks, strict=True)
        if before.kind is HunkClass.NEEDS_HUMAN and after.kind is not HunkClass.NEEDS_HUMAN
        if after.file in bad
        or (after.file, after.number) in unfit
        or (needs_dropped and after.kind is HunkClass.DROPPED)
    )


def _breaks(change: Change, pick: Pick, path: RepoPath) -> bool:
    """Whether upstream's file is understood as C no better after the change than the target's will be."""
    for file in change.files:
        if pick.renamed.get(file.path, file.path) == path and change.before is not None and change.after is not None:
            before, after = change.before.read(file.path) or b"", change.after.read(file.path) or b""
            return len(parse_c(after).errors) > len(parse_c(before).errors)
    return False


def _needs_dropped(change: Change, target: BlobSource, adapted: Pick) -> bool:
    """Whether what was left out declares what the rest uses, and nothing else does."""
    dropped = {(one.file, one.number) for one in adapted.hunks if one.kind is HunkClass.DROPPED}
    lost, declared = set[bytes](), set[bytes]()
    used: dict[RepoPath, set[bytes]] = {}
    for file in change.files:
        path = adapted.renamed.get(file.path, file.path)
        for number, hunk in enumerate(file.hunks, start=1):
            names = set(declared_by(replace(file, hunks=(hunk,))))
            if (path, number) in dropped:
                lost |= names
            else:
                declared |= names
                used[path] = used.get(path, set()) | _added((hunk,))
    known = Names(target)
    return any(known.unknown(names & lost - declared, path) for path, names in used.items() if names & lost - declared)


def _changed(target: BlobSource, pick: Pick, adapted: Pick) -> Iterator[tuple[RepoPath, bytes, bytes]]:
    for path, result in adapted.changes.items():
        ours = target.read(path)
        if ours is not None and result is not None and result != pick.changes.get(path, ours):
            yield path, ours, result


def _as_done(path: RepoPath, ours: bytes, result: bytes) -> Carried:
    hunks = diff_hunks(ours, result, context=0)
    diff = replace(FileDiff(path, path), hunks=hunks)
    done = (HunkResult(path, number, HunkClass.ADAPTED, "") for number in range(1, len(hunks) + 1))
    return Carried(diff, path, ours, result, ours, result, tuple(done))


def _as_merged(change: Change, target: BlobSource, pick: Pick, adapted: Pick) -> Iterator[Carried]:
    """The files in which hunks were merged that needed a person, as upstream's change to them."""
    done = {
        after
        for before, after in zip(pick.hunks, adapted.hunks, strict=True)
        if before.kind is HunkClass.NEEDS_HUMAN and after.kind <= HunkClass.MERGED and after.file == before.file
    }
    for file in change.files:
        path = adapted.renamed.get(file.path, file.path)
        hunks = tuple(one for one in adapted.hunks if one in done and one.file == path)
        if hunks and change.before is not None and change.after is not None and file.old_path and file.new_path:
            versions = change.before.read(file.old_path), change.after.read(file.new_path), target.read(path)
            yield Carried(file, path, *versions, adapted.changes.get(path), hunks)


def _others(change: Change, target: BlobSource, adapted: Pick, done: tuple[Carried, ...]) -> Iterator[Carried]:
    """The files that were carried as they are, if they may bring what an adapted one uses."""
    paths = {one.path for one in done}
    used = _added(hunk for one in done for hunk in one.diff.hunks)
    for file in change.files:
        path = adapted.renamed.get(file.path, file.path)
        if path not in paths and not _added(file.hunks).isdisjoint(used):
            yield Carried(file, path, None, None, target.read(path), adapted.changes.get(path), ())


def _added(hunks: Iterable[Hunk]) -> set[bytes]:
    return names_in(line.text for hunk in hunks for line in hunk.lines if line.kind == "+")
