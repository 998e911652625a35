"""Two versions of some files to their diff, as git makes it."""

import hashlib
from collections.abc import Mapping
from typing import cast

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.tree import LineHunk, TreeAt, diff_lines

from .values import FileDiff, Hunk, Line, LineKind

_DEFAULT_MODE = 0o100644
_BINARY_PROBE = 8000  # git looks for a NUL byte in this many bytes


def diff_sources(
    old: BlobSource,
    new: Mapping[RepoPath, bytes | None],
    *,
    old_ids: Mapping[RepoPath, ObjectId] | None = None,
    modes: Mapping[RepoPath, int] | None = None,
    context: int = 3,
) -> tuple[FileDiff, ...]:
    """The diff from `old` to `old` with the files of `new` in place (None deletes), in tree order; no renames.

    Files that do not change are left out. `old_ids` saves hashing where the blob ids are known; `modes` are the new
    modes that differ from the old ones (a new file has 0o100644).
    """
    files = (
        _diff_file(
            path, old.read(path), data, _mode_of(old, path), (modes or {}).get(path), (old_ids or {}).get(path), context
        )
        for path, data in sorted(new.items(), key=lambda item: item[0].encode("utf-8", "surrogateescape"))
    )
    return tuple(file for file in files if file is not None)


def diff_blobs(
    path: RepoPath,
    old: bytes | None,
    new: bytes | None,
    *,
    old_mode: int | None = None,
    new_mode: int | None = None,
    context: int = 3,
) -> FileDiff | None:
    """The diff of one file; None if nothing differs."""
    return _diff_file(path, old, new, old_mode or _DEFAULT_MODE, new_mode, None, context)


def _diff_file(
    path: RepoPath,
    old: bytes | None,
    new: bytes | None,
    old_mode: int,
    new_mode: int | None,
    old_id: ObjectId | None,
    context: int,
) -> FileDiff | None:
    after = new_mode or (old_mode if old is not None else _DEFAULT_MODE)
    if old == new and (old is None or after == old_mode):
        return None
    binary = is_binary(old) or is_binary(new)
    return FileDiff(
        path if old is not None else None,
        path if new is not None else None,
        old_mode if old is not None else None,
        after if new is not None else None,
        (old_id or blob_id(old)) if old is not None else "0" * 40,
        blob_id(new) if new is not None else "0" * 40,
        () if binary else diff_hunks(old or b"", new or b"", context=context),
        binary and old != new,
    )


def diff_hunks(old: bytes, new: bytes, *, context: int = 3) -> tuple[Hunk, ...]:
    """The hunks from one text to another."""
    return tuple(_hunk(hunk) for hunk in diff_lines(old, new, context=context))


def _hunk(hunk: LineHunk) -> Hunk:
    lines = tuple(Line(cast("LineKind", kind.decode()), text, newline) for kind, text, newline in hunk.lines)
    return Hunk(hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count, hunk.section, lines)


def blob_id(data: bytes) -> ObjectId:
    """The id git gives to a blob with these contents."""
    return ObjectId(hashlib.sha1(b"blob %d\0%s" % (len(data), data), usedforsecurity=False).hexdigest())


def is_binary(data: bytes | None) -> bool:
    """git's own guess: a NUL byte near the beginning."""
    return data is not None and b"\0" in data[:_BINARY_PROBE]


def _mode_of(source: BlobSource, path: RepoPath) -> int:
    """A source that is not a git tree does not tell modes; its files count as plain ones."""
    if isinstance(source, Overlay):
        return _mode_of(source.base, path)
    return (source.mode(path) or _DEFAULT_MODE) if isinstance(source, TreeAt) else _DEFAULT_MODE
