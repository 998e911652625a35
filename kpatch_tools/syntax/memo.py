"""Remembers what was read out of a blob: versions of a tree share nearly all of their files."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource, Overlay, is_below

T = TypeVar("T")


class BlobMemo(Generic[T]):
    """`read` of a file's bytes, done once for each blob.

    Where the source cannot tell a file's blob id, nothing is remembered. At most `most` blobs are; then it starts anew.
    """

    def __init__(self, read: Callable[[bytes], T], *, most: int = 50_000) -> None:
        self._read = read
        self._most = most
        self._known: dict[ObjectId, T] = {}

    @property
    def known(self) -> Mapping[ObjectId, T]:
        """What is remembered."""
        return self._known

    def remember(self, known: Mapping[ObjectId, T]) -> None:
        """Take over what an earlier run remembered."""
        self._known.update(known)

    def of(self, source: BlobSource, path: RepoPath) -> T | None:
        """What `read` makes of the file at `path`; None if there is no such file."""
        return self.of_blob(source, path, blob_id(source, path))

    def of_blob(self, source: BlobSource, path: RepoPath, blob: ObjectId | None) -> T | None:
        """The same where the blob's id is known already; None for one that is not."""
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


def entries(source: BlobSource, *prefixes: str) -> Iterator[tuple[RepoPath, ObjectId | None]]:
    """The files that `source.paths` has, with the ids of their blobs, None where the source does not know them; those
    that an overlay replaces come last."""
    if isinstance(source, Overlay):
        yield from (entry for entry in entries(source.base, *prefixes) if entry[0] not in source.changes)
        wanted = tuple(prefix.strip("/") for prefix in prefixes if prefix.strip("/"))
        changed = (path for path, data in source.changes.items() if data is not None and is_below(path, wanted))
        yield from ((path, None) for path in changed)
        return
    known: Callable[..., Iterator[tuple[RepoPath, ObjectId]]] | None = getattr(source, "entries", None)
    yield from ((path, None) for path in source.paths(*prefixes)) if known is None else known(*prefixes)


def blob_id(source: BlobSource, path: RepoPath) -> ObjectId | None:
    """The id of the blob at `path`, if the source knows it; files that an overlay replaces have none."""
    while isinstance(source, Overlay):
        if path in source.changes:
            return None
        source = source.base
    known: Callable[[RepoPath], ObjectId | None] | None = getattr(source, "blob_id", None)
    return None if known is None else known(path)
