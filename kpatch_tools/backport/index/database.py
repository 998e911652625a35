"""The index's file: one SQLite database a repository, whose check sum stands beside it.

Tables: `chunk` holds commits in runs of consecutive numbers, packed; `oid` finds the number of an (abbreviated) id;
`mark` the commits of a key (keys.py); `touched` the commits that changed a path.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from .graph import Graph

VERSION = 1
_SCHEMA = """
create table chunk (first integer primary key, oids blob not null, times blob not null, files blob not null,
                    firsts blob not null, others blob not null);
create table oid (oid blob primary key, n integer not null) without rowid;
create table mark (key integer not null, n integer not null, primary key (key, n)) without rowid;
create table path (id integer primary key, path blob not null unique);
create table touched (path integer not null, n integer not null, primary key (path, n)) without rowid;
"""
_AT_ONCE = 500


class DamagedIndexError(Exception):
    """The file is no index, or not a whole one."""


class Database:
    """A file that is there. Whoever calls holds the lock (opening.py)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sum = path.with_name(path.name + ".sum")

    def is_whole(self) -> bool:
        """Whether the file is an index, and as its last writer left it.

        A writer that was killed left no sum: then SQLite looks at the file, and what it finds whole gets its sum.
        """
        if not self.path.is_file():
            return False
        with suppress(OSError, ValueError):
            return int(self._sum.read_text("ascii")) == self._digest()
        try:
            with self.connection() as connection:
                version = connection.execute("pragma user_version").fetchone()
                looked = connection.execute("pragma integrity_check(1)").fetchone()
                read_graph(connection)
        except DamagedIndexError:
            return False
        if version != (VERSION,) or looked != ("ok",):
            return False
        self.seal()
        return True

    def _digest(self) -> int:
        digest = 0
        with self.path.open("rb") as file:
            while block := file.read(1 << 20):
                digest = zlib.crc32(block, digest)
        return digest

    def seal(self) -> None:
        """Write the sum of what is there now."""
        with suppress(OSError):
            self._sum.write_text(str(self._digest()), "ascii")

    def unseal(self) -> None:
        """To be called before anything is written."""
        self._sum.unlink(missing_ok=True)

    def create(self) -> None:
        """An empty index in place of whatever is there."""
        for end in ("", "-journal", "-wal", "-shm", ".sum"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.executescript(f"begin; {_SCHEMA} pragma user_version = {VERSION}; commit;")

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """`DamagedIndexError` where SQLite cannot read it. None is kept across a fork: SQLite forbids that."""
        try:
            with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
                connection.execute("pragma synchronous = off")  # what a crash of the machine spoils, the sum tells
                connection.execute("pragma cache_size = -131072")
                yield connection
        except sqlite3.DatabaseError as error:
            raise DamagedIndexError(str(error)) from error


def read_graph(connection: sqlite3.Connection) -> Graph:
    """All commits; `DamagedIndexError` where the parts do not fit."""
    graph = Graph()
    rows = connection.execute("select first, oids, times, files, firsts, others from chunk order by first")
    for first, oids, *packed in rows:
        part = Graph(oids=bytearray(oids))
        for column, data in zip(part.arrays(), packed, strict=True):
            column.frombytes(data)
        if first != len(graph) or not len(oids) == 20 * len(part) == 20 * len(part.files) == 20 * len(part.firsts):
            raise DamagedIndexError("its commits are not in a row")
        graph.extend(part)
    return graph


def read_paths(connection: sqlite3.Connection) -> dict[bytes, int]:
    return {bytes(path): number for number, path in connection.execute("select id, path from path")}


def write_chunk(
    connection: sqlite3.Connection,
    first: int,
    part: Graph,
    *,
    marks: Iterable[tuple[int, int]],
    paths: Sequence[tuple[int, bytes]],
    touched: Iterable[tuple[int, int]],
) -> None:
    """Add a run of commits that begins with the number `first`: all of it, or nothing. `paths` are the new ones."""
    connection.execute("begin immediate")
    try:
        packed = (column.tobytes() for column in part.arrays())
        connection.execute("insert into chunk values (?, ?, ?, ?, ?, ?)", (first, bytes(part.oids), *packed))
        oids = ((bytes(part.oids[20 * at : 20 * at + 20]), first + at) for at in range(len(part)))
        connection.executemany("insert into oid values (?, ?)", sorted(oids))
        connection.executemany("insert into mark values (?, ?)", sorted(marks))
        connection.executemany("insert into path values (?, ?)", paths)
        connection.executemany("insert into touched values (?, ?)", sorted(touched))
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def find_oids(connection: sqlite3.Connection, prefix: str) -> list[int]:
    """The commits whose id begins so."""
    low, high = bytes.fromhex(prefix.ljust(40, "0")), bytes.fromhex(prefix.ljust(40, "f"))
    return [n for (n,) in connection.execute("select n from oid where oid between ? and ?", (low, high))]


def marked(connection: sqlite3.Connection, key: int) -> list[int]:
    return [n for (n,) in connection.execute("select n from mark where key = ?", (key,))]


def touching(connection: sqlite3.Connection, paths: Sequence[bytes]) -> dict[int, int]:
    """The commits that changed any of the paths, and how many of them each."""
    found: dict[int, int] = {}
    for start in range(0, len(paths), _AT_ONCE):
        some = paths[start : start + _AT_ONCE]
        holes = ",".join("?" * len(some))
        rows = connection.execute(
            f"select n from path join touched on touched.path = path.id where path.path in ({holes})", tuple(some)
        )
        for (n,) in rows:
            found[n] = found.get(n, 0) + 1
    return found
