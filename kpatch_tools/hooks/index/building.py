"""Parses what an index does not have yet, on all processors."""

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from kpatch_tools.core.ids import ObjectId
from kpatch_tools.syntax import mask
from kpatch_tools.workers import divide

from .codec import encode, keys
from .database import Database, Row, insert
from .extract import facts_in
from .words import fingerprints

Progress = Callable[[str], None]
_BATCH = 48  # blobs that a process takes at once: a second's work
_WORTH_SHARING = 96
_CHUNK = 1_000  # blobs that are written at once: not so many that the processes wait for it


class BlobReader(Protocol):
    """Reads blobs by id, also in another process."""

    def blob(self, oid: ObjectId) -> bytes: ...

    def reopened(self) -> "BlobReader":
        """The same for a forked process."""
        ...


class _Work:
    def __init__(self, reader: BlobReader) -> None:
        self._reader = reader
        self._process = os.getpid()

    def __call__(self, batch: Sequence[ObjectId]) -> list[Row]:
        if os.getpid() != self._process:
            self._process = os.getpid()
            self._reader = self._reader.reopened()
            # Facts hold no cycles, and looking for some takes a tenth of the time.
            gc.disable()
        return [read_row(oid, self._reader.blob(oid)) for oid in batch]


def read_row(oid: ObjectId, data: bytes) -> Row:
    """What the index keeps of one blob."""
    masked = mask(data)
    facts = facts_in(data, masked)
    return Row(
        bytes.fromhex(oid),
        facts.size,
        facts.unread_bytes,
        bool(facts.unread),
        encode(facts),
        keys(facts),
        fingerprints(masked.words),
    )


def add_blobs(
    database: Database, missing: Sequence[ObjectId], reader: BlobReader, *, jobs: int, progress: Progress | None
) -> None:
    """Read the blobs and put them into the index, a thousand at a time, so that what is interrupted goes on there.

    Raises what reading a blob raises (KpatchError missing-object).
    """
    batches = [missing[start : start + _BATCH] for start in range(0, len(missing), _BATCH)]
    waiting: list[Row] = []
    done = 0
    try:
        for rows in _read(batches, reader, jobs if len(missing) >= _WORTH_SHARING else 1):
            waiting += rows
            done += len(rows)
            if progress is not None:
                progress(f"{done} of {len(missing)} files read")
            if len(waiting) >= _CHUNK:
                _write(database, waiting)
    finally:
        # What was read is kept, whatever ended the reading.
        _write(database, waiting)


def _read(batches: Sequence[Sequence[ObjectId]], reader: BlobReader, jobs: int) -> Iterator[list[Row]]:
    work = _Work(reader)
    for index, rows in divide(work, batches, jobs=jobs):
        if isinstance(rows, ChildProcessError):
            # Something ended the process, perhaps for want of memory: here it is done by itself.
            yield work(batches[index])
        elif isinstance(rows, Exception):
            raise rows
        else:
            yield rows


def _write(database: Database, rows: list[Row]) -> None:
    if rows:
        with database.writing() as connection:
            insert(connection, rows)
        rows.clear()
