"""Three-way merge of the contents of one file, in memory."""

from dataclasses import dataclass

import pygit2
from pygit2.enums import FileMode, ObjectType


@dataclass(frozen=True, slots=True)
class MergeResult:
    """`data` holds the merged text, with conflict markers where `conflicts` (their number) is not 0."""

    data: bytes
    conflicts: int


class _Blobs(pygit2.OdbBackend):
    """An object database of a few blobs, so that a merge needs no repository and writes nothing."""

    def __init__(self, blobs: dict[str, bytes]) -> None:
        super().__init__()
        self._blobs = blobs

    def read_cb(self, oid: pygit2.Oid) -> tuple[int, bytes]:
        return ObjectType.BLOB, self._blobs[str(oid)]

    def read_header_cb(self, oid: pygit2.Oid) -> tuple[int, int]:
        return ObjectType.BLOB, len(self._blobs[str(oid)])

    def exists_cb(self, oid: pygit2.Oid) -> bool:
        return str(oid) in self._blobs

    def refresh_cb(self) -> None:
        pass


def merge_blobs(base: bytes, ours: bytes, theirs: bytes) -> MergeResult:
    """The change from `base` to `theirs` made to `ours`; sides in conflict are marked `ours` and `theirs`.

    Binary contents (with NUL bytes) changed on both sides are one conflict, and `ours` is kept.
    """
    if ours == theirs or base == theirs:
        return MergeResult(ours, 0)
    if base == ours:
        return MergeResult(theirs, 0)
    if any(b"\0" in data for data in (base, ours, theirs)):
        return MergeResult(ours, 1)
    blobs: dict[str, bytes] = {}
    entries = []
    for side, data in (("ours", base), ("ours", ours), ("theirs", theirs)):
        # pygit2 decodes the result as UTF-8: recode byte by byte, so that every byte survives.
        text = data.decode("latin-1").encode("utf-8")
        oid = pygit2.hash(text)
        blobs[str(oid)] = text
        entries.append(pygit2.IndexEntry(side, oid, FileMode.BLOB))
    repository = pygit2.Repository()
    database = pygit2.Odb()
    database.add_backend(_Blobs(blobs), 1)
    repository.set_odb(database)
    result = repository.merge_file_from_index(entries[0], entries[1], entries[2], use_deprecated=False)
    merged = result.contents.encode("latin-1")
    if result.automergeable:
        return MergeResult(merged, 0)
    return MergeResult(merged, max(1, merged.split(b"\n").count(b"<<<<<<< ours")))
