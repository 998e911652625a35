"""The index's file: one SQLite database for one version, shared by any number of processes.

It can be deleted at any time. What cannot be read is deleted here, and made anew; where nothing can be written, the
index lives in memory and ends with the process.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from kpatch_tools.core.errors import KpatchError

from .codec import Keys, Part
from .version import index_version

_PATIENCE = 120.0  # seconds; another process writes for less than one at a time
_KEPT_VERSIONS = 2
_KEPT_VIEWS = 48
_MAGIC = b"SQLite format 3\0"
_AT_ONCE = 500
_REFUSALS = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_FULL", "SQLITE_IOERR")
"""Where it is the system that refuses, not the file that is damaged."""

_SCHEMA = """
create table blob (id integer primary key, oid blob not null unique, size integer not null, unread integer not null,
                   spoilt integer not null);
create table part (kind integer not null, blob integer not null, body text not null, primary key (kind, blob))
                   without rowid;
create table key (question integer not null, name text not null, blob integer not null,
                  primary key (question, name, blob)) without rowid;
create table words (blob integer primary key, prints blob not null);
create table view (name text primary key, used integer not null, body blob not null);
"""


class DamagedError(Exception):
    """The file is no index, or not a whole one."""


class ReplacedError(DamagedError):
    """The file is not the one that blobs' numbers were read from: somebody has deleted that, or made it anew."""


class Row:
    """What goes into the index for one blob. `spoilt`: whether any byte of it was not understood."""

    __slots__ = ("keys", "oid", "parts", "prints", "size", "spoilt", "unread")

    def __init__(
        self, oid: bytes, size: int, unread: int, spoilt: bool, parts: list[Part], keys: list[Keys], prints: bytes
    ) -> None:
        self.oid = oid
        self.size = size
        self.unread = unread
        self.spoilt = spoilt
        self.parts = parts
        self.keys = keys
        self.prints = prints


class Database:
    """`folder` None: in memory. `remark`: why the index is not the one that was asked for; "" if it is."""

    def __init__(self, folder: Path | None) -> None:
        self.path = None if folder is None else folder / f"facts-{index_version()}.sqlite"
        self.remark = ""
        self._memory: sqlite3.Connection | None = None

    @property
    def in_memory(self) -> bool:
        return self.path is None

    def size(self) -> int:
        """Bytes on disk; 0 in memory."""
        if self.path is None:
            return 0
        return sum(path.stat().st_size for path in (self.path, *self._companions(self.path)) if path.exists())

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading. `DamagedError` where the file turns out to be no (whole) index.

        None is kept open across a fork: SQLite forbids that.
        """
        with self.judged():
            if self.path is None:
                yield self._in_memory()
                return
            with closing(self.open(self.path)) as connection:
                yield connection

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Turns SQLite's errors into `DamagedError`, going over to memory where the system refuses.

        KpatchError index-busy.
        """
        try:
            yield
        except sqlite3.DatabaseError as error:
            name = getattr(error, "sqlite_errorname", "")
            if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise KpatchError(
                    "index-busy",
                    f"another process has held the index {self.path} for {_PATIENCE:.0f} seconds",
                    hint="end it, or name another cache folder with KPT_CACHE_DIR",
                ) from error
            if name.startswith(_REFUSALS):
                self.give_up(f"{self.path} cannot be used: {error}")
            raise DamagedError(str(error)) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same for writing: all of it at the end, or nothing."""
        with self.connection() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                # Where the disk is full, SQLite has done so by itself.
                if connection.in_transaction:
                    connection.execute("rollback")
                raise
            connection.execute("commit")

    def discard(self, why: str) -> None:
        """Delete the file: it is damaged."""
        if self.path is None:
            self._memory = None
            return
        self.remark = f"the index {self.path} was damaged ({why}) and is made anew"
        try:
            for path in (self.path, *self._companions(self.path)):
                path.unlink(missing_ok=True)
        except OSError as error:
            self.give_up(f"{self.path} is damaged and cannot be deleted: {error.strerror}")

    def give_up(self, why: str) -> None:
        """Go on in memory."""
        self.remark = f"{why}; the index is kept in memory"
        self.path = None

    def _in_memory(self) -> sqlite3.Connection:
        if self._memory is None:
            self._memory = sqlite3.connect(":memory:", isolation_level=None)
            _begin(self._memory)
        return self._memory

    def open(self, path: Path) -> sqlite3.Connection:
        """A connection to the file at `path`, which is made if need be; `DamagedError` where it is cut off."""
        if not path.exists():
            self._create(path)
        if self.path is None:
            raise DamagedError(self.remark)
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        if not _is_whole(path):
            _check_size(path, connection)
        connection.execute("pragma synchronous = off")  # a crash of the machine costs the index at worst
        connection.execute("pragma cache_size = -65536")
        return connection

    def _create(self, path: Path) -> None:
        """Make an empty index under a name of its own and put it in its place at once, unless another was faster."""
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.unlink(missing_ok=True)
            with closing(sqlite3.connect(aside, isolation_level=None)) as connection:
                _begin(connection)
            try:
                os.link(aside, path)
            except FileExistsError:
                pass
            finally:
                aside.unlink(missing_ok=True)
            _prune_versions(path)
        except (OSError, sqlite3.Error) as error:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            self.give_up(f"no index can be kept in {path.parent}: {error}")

    @staticmethod
    def _companions(path: Path) -> tuple[Path, ...]:
        return (path.with_name(path.name + "-journal"), path.with_name(path.name + "-wal"))


def _begin(connection: sqlite3.Connection) -> None:
    connection.executescript(_SCHEMA)
    connection.execute(f"pragma user_version = {secrets.randbits(31)}")


def identity(connection: sqlite3.Connection) -> int:
    """What tells this index from another one under the same name: there, blobs have other numbers."""
    (number,) = connection.execute("pragma user_version").fetchone()
    return int(number)


def _check_size(path: Path, connection: sqlite3.Connection) -> None:
    """SQLite notices a file that was cut off only when it comes to the missing part.

    Whoever writes puts the new size into the file's head before the pages are there: judge while nobody writes.
    """
    try:
        connection.execute("begin")
        connection.execute("select count(*) from sqlite_master").fetchone()
        if not _is_whole(path):
            raise DamagedError("it is cut off")
    except BaseException:
        connection.close()
        raise
    connection.execute("rollback")


def _is_whole(path: Path) -> bool:
    """Whether the file is as long as its head says; True where it cannot be read at all."""
    try:
        with path.open("rb") as file:
            head = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except OSError:
        return True
    page = int.from_bytes(head[16:18], "big") or 1
    page = 65536 if page == 1 else page
    return head.startswith(_MAGIC) and size >= page * int.from_bytes(head[28:32], "big")


def _prune_versions(path: Path) -> None:
    """Delete indexes that other versions made long ago."""
    others = sorted(path.parent.glob("facts-*.sqlite"), key=lambda other: other.stat().st_mtime, reverse=True)
    for other in others[_KEPT_VERSIONS:]:
        if other != path:
            other.unlink(missing_ok=True)


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Add blobs; those that are there already are passed over."""
    parts: list[tuple[int, int, str]] = []
    keys: list[tuple[int, str, int]] = []
    prints: list[tuple[int, bytes]] = []
    for row in rows:
        cursor = connection.execute(
            "insert or ignore into blob (oid, size, unread, spoilt) values (?, ?, ?, ?)",
            (row.oid, row.size, row.unread, row.spoilt),
        )
        if cursor.rowcount == 0:
            continue
        number = cursor.lastrowid or 0
        parts.extend((kind, number, body) for kind, body in row.parts)
        keys += [(question, name, number) for question, names in row.keys for name in names]
        prints.append((number, row.prints))
    # In the order of the tables, so that each page is written once.
    parts.sort(key=lambda part: part[:2])
    keys.sort()
    connection.executemany("insert into part values (?, ?, ?)", parts)
    connection.executemany("insert into key values (?, ?, ?)", keys)
    connection.executemany("insert into words values (?, ?)", prints)


def known_blobs(connection: sqlite3.Connection, wanted: set[bytes]) -> dict[bytes, int]:
    """Id to number, of those that the index has."""
    if len(wanted) > 5_000:
        return {oid: number for oid, number in connection.execute("select oid, id from blob") if oid in wanted}
    found: dict[bytes, int] = {}
    every = sorted(wanted)
    for start in range(0, len(every), _AT_ONCE):
        some = every[start : start + _AT_ONCE]
        found.update(connection.execute(f"select oid, id from blob where oid in ({_marks(some)})", some))
    return found


def find_view(connection: sqlite3.Connection, name: str) -> bytes | None:
    """What was kept under that name."""
    row = connection.execute("select body from view where name = ?", (name,)).fetchone()
    return None if row is None else bytes(row[0])


def keep_view(connection: sqlite3.Connection, name: str, body: bytes) -> None:
    """Keep it, and forget those that were kept long before."""
    (latest,) = connection.execute("select coalesce(max(used), 0) from view").fetchone()
    connection.execute("insert or replace into view values (?, ?, ?)", (name, latest + 1, body))
    connection.execute("delete from view where used <= ?", (latest + 1 - _KEPT_VIEWS,))


def blobs_with(connection: sqlite3.Connection, question: int, names: Sequence[str]) -> set[int]:
    """The blobs, of any revision, that have an answer for one of the names."""
    found: set[int] = set()
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        rows = connection.execute(
            f"select blob from key where question = ? and name in ({_marks(some)})", (question, *some)
        )
        found.update(number for (number,) in rows)
    return found


def parts_of(connection: sqlite3.Connection, kind: int, blobs: Sequence[int]) -> Iterator[tuple[int, str]]:
    """The parts of one kind of these blobs, each with its blob's number; of many more than asked for, all."""
    for start in range(0, len(blobs), _AT_ONCE):
        some = blobs[start : start + _AT_ONCE]
        yield from connection.execute(
            f"select blob, body from part where kind = ? and blob in ({_marks(some)})", (kind, *some)
        )


def all_parts(connection: sqlite3.Connection, kind: int) -> Iterator[tuple[int, str]]:
    """The parts of one kind of every blob, of any revision, each with its blob's number."""
    yield from connection.execute("select blob, body from part where kind = ?", (kind,))


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
