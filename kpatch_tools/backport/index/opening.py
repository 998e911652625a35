"""Where the index is kept, and whose turn it is to write: what is found broken is made anew."""

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.tree import KernelTree

from .building import Progress, extend_index
from .commits import CommitIndex
from .database import VERSION, DamagedIndexError, Database, find_oids, read_graph


def open_index(
    tree: KernelTree,
    folder: Path,
    *,
    tips: Sequence[ObjectId],
    make: bool = True,
    progress: Progress = lambda _: None,
) -> CommitIndex | None:
    """The index of `tree` kept in `folder`, with everything at and below `tips`; None where there can be none.

    Without `make` one that is not there is not made, either. There is none of a history that is not whole (a shallow or
    partial clone), and none where nothing can be written. Any number of processes may call this at once: one of them
    reads what is missing, the others wait for it.
    """
    if tree.is_shallow:
        return None
    name = hashlib.sha256(os.fsencode(tree.path.resolve())).hexdigest()[:16]
    database = Database(folder / f"commits-{VERSION}-{name}.sqlite")
    if not make and not database.path.exists():
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(database.path, exclusive=False, progress=progress):
            index = _load(database, tips)
        if index is not None:
            return index
        with _locked(database.path, exclusive=True, progress=progress):
            return _load(database, tips) or _extended(tree, database, tips, progress)
    except (OSError, DamagedIndexError, sqlite3.Error) as error:
        progress(f"no index of the history can be kept in {folder}: {error}")
    except KpatchError as error:
        if error.code != "missing-object":
            raise
    return None


def _load(database: Database, tips: Sequence[ObjectId]) -> CommitIndex | None:
    """The index, if it is whole and has all of `tips`."""
    if not database.is_whole():
        return None
    try:
        with database.connection() as connection:
            if all(find_oids(connection, tip) for tip in tips):
                return CommitIndex(database, read_graph(connection))
    except DamagedIndexError:
        database.unseal()  # so that it is looked at as a whole
    return None


def _extended(tree: KernelTree, database: Database, tips: Sequence[ObjectId], progress: Progress) -> CommitIndex:
    if not database.is_whole():
        database.create()
    database.unseal()
    try:
        with database.connection() as connection:
            graph = read_graph(connection)
            extend_index(tree, connection, graph, tips, progress=progress)
    finally:
        database.seal()
    return CommitIndex(database, graph)


@contextmanager
def _locked(path: Path, *, exclusive: bool, progress: Progress) -> Iterator[None]:
    """The system takes the lock from a process that dies. Who only reads needs no right to write the lock's file."""
    kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    flags = os.O_CREAT | os.O_CLOEXEC | (os.O_RDWR if exclusive else os.O_RDONLY)
    file = os.open(path.with_name(path.name + ".lock"), flags, 0o600)
    try:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another process that indexes the history")
            fcntl.flock(file, kind)
        yield
    finally:
        os.close(file)
