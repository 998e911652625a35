"""A change taken as git cherry-pick takes it: every file by a three-way merge, and nothing where one conflicts."""

from collections.abc import Mapping

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff
from kpatch_tools.tree import merge_blobs

from .change import Change


def merge_plainly(
    change: Change, target: BlobSource, *, renamed: Mapping[RepoPath, RepoPath] | None = None
) -> Mapping[RepoPath, bytes | None] | None:
    """The complete new blobs that differ from the target's (None deletes); None where git would stop.

    `renamed` maps upstream's paths to the target's. A bare patch, whose blobs are not at hand, cannot be merged.
    """
    if change.before is None or change.after is None:
        return None
    changes: dict[RepoPath, bytes | None] = {}
    for file in change.files:
        merged = _merge(file, change.before, change.after, target, renamed or {})
        if merged is None:
            return None
        changes |= merged
    return changes


def _merge(
    file: FileDiff, before: BlobSource, after: BlobSource, target: BlobSource, renamed: Mapping[RepoPath, RepoPath]
) -> Mapping[RepoPath, bytes | None] | None:
    old, new = (renamed.get(path, path) if path is not None else None for path in (file.old_path, file.new_path))
    base = before.read(file.old_path) if file.old_path is not None else None
    theirs = after.read(file.new_path) if file.new_path is not None else None
    ours = target.read(old) if old is not None else None
    if new is not None and new != old and target.read(new) is not None:
        return {} if target.read(new) == theirs else None
    if base is None or theirs is None or ours is None:
        return _whole(base, ours, theirs, old, new)
    merged = merge_blobs(base, ours, theirs)
    if merged.conflicts:
        return None
    moved: dict[RepoPath, bytes | None] = {old: None} if old is not None and old != new else {}
    if new is None or (merged.data == ours and not moved):
        return {}
    return moved | {new: merged.data}


def _whole(
    base: bytes | None, ours: bytes | None, theirs: bytes | None, old: RepoPath | None, new: RepoPath | None
) -> Mapping[RepoPath, bytes | None] | None:
    """A file that comes or goes."""
    if theirs is None and old is not None:
        return ({old: None} if ours == base else None) if ours is not None else {}
    return {new: theirs} if base is None and new is not None else None
