"""Remembers what was read out of a blob: versions of a tree share nearly all of their files."""

from collections.abc import Callable
from typing import Generic, TypeVar

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource, Overlay

T = TypeVar("T")


class BlobMemo(Generic[T]):
    """`read` of a file's bytes, done once for each blob.

    Where the source cannot tell a file's blob id, nothing is remembered. At most `most` blobs are; then it starts anew.
    """

    def __init__(self, read: Callable[[bytes], T], *, most: int = 50_000) -> None:
        self._read = read
        self._most = most
        self._known: dict[ObjectId, T] = {}

    def of(self, source: BlobSource, path: RepoPath) -> T | None:
        """What `read` makes of the file at `path`; None if there is no such file."""
        blob = blob_id(source, path)
        if blob is not None and blob in self._known:
            return self._known[blob]
        data = source.read(path)
        if data is None:
            return None
        result = self._read(data)
        if blob is not None:
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[blob] = result
        return result


def blob_id(source: BlobSource, path: RepoPath) -> ObjectId | None:
    """The id of the blob at `path`, if the source knows it; files that an overlay replaces have none."""
    while isinstance(source, Overlay):
        if path in source.changes:
            return None
        source = source.base
    known: Callable[[RepoPath], ObjectId | None] | None = getattr(source, "blob_id", None)
    return None if known is None else known(path)
