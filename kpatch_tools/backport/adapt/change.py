"""A change that was carried in part: what was left to a person is tried again, with what the target calls and has."""

from collections.abc import Iterable
from dataclasses import replace

from kpatch_tools.backport.change import Change
from kpatch_tools.backport.merge import settle
from kpatch_tools.backport.outcome import HunkResult, Pick
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff

from .woven import place_woven

RULES = (place_woven,)


def adapt_change(change: Change, target: BlobSource, pick: Pick) -> Pick:
    """`pick`, in which the hunks that need a person are adapted, moved or left out where that can be argued for.

    Pure; what cannot be done stays as it is. A bare patch is returned as it came: it has no version to learn from.
    """
    if pick.clean or change.before is None:
        return pick
    for file in change.files:
        path = _target_path(file, pick)
        if any(hunk.file == path and hunk.kind is HunkClass.NEEDS_HUMAN for hunk in pick.hunks):
            pick = _adapt_file(file, path, change.before, target, pick)
    return pick


def _target_path(file: FileDiff, pick: Pick) -> RepoPath:
    path = file.new_path or file.old_path
    assert path is not None, "a diff names a file"
    return pick.renamed.get(path, path)


def _adapt_file(file: FileDiff, path: RepoPath, before: BlobSource, target: BlobSource, pick: Pick) -> Pick:
    base = before.read(file.old_path) if file.old_path is not None else None
    ours = target.read(path)
    if base is None or ours is None or file.new_path is None or file.binary or b"\0" in base + ours:
        return pick
    data, hunks = settle(file, path, base, ours, further=RULES)
    return _with(pick, path, data, hunks)


def _with(pick: Pick, path: RepoPath, data: bytes, hunks: Iterable[HunkResult]) -> Pick:
    """`pick` with another result for one file."""
    mine = tuple(hunks)
    at = next(index for index, hunk in enumerate(pick.hunks) if hunk.file == path)
    rest = [hunk for hunk in pick.hunks if hunk.file != path]
    before = sum(hunk.file != path for hunk in pick.hunks[:at])
    return replace(pick, changes={**pick.changes, path: data}, hunks=(*rest[:before], *mine, *rest[before:]))
