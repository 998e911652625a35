"""What was read out of git objects, by their ids, for the next run: an object never changes."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

_AT_ONCE = 500  # ids that SQLite is asked for
_WORTH_KEEPING = 200  # objects; fewer are read again sooner than written
_PATIENCE = 1  # seconds, with another run that is writing


class Kept:
    """A file of bytes by id, which several runs may use at a time; one that has grown beyond `most` bytes starts anew.

    One that is damaged, locked or cannot be written costs time only. It is opened anew each time: a connection must not
    be carried into a forked process.
    """

    def __init__(self, path: Path, *, most: int) -> None:
        self._path = path
        self._most = most
        self._new: dict[bytes, bytes] = {}

    def load(self, ids: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """What is kept of these."""
        found: dict[bytes, bytes] = {}
        with suppress(OSError, sqlite3.Error), self._opened() as connection:
            for start in range(0, len(ids), _AT_ONCE):
                some = ids[start : start + _AT_ONCE]
                holes = ",".join("?" * len(some))
                found.update(connection.execute(f"select id, data from kept where id in ({holes})", some))
        return found

    def add(self, oid: bytes, data: bytes) -> None:
        """Keep it, once there are enough to be worth writing."""
        self._new[oid] = data
        if len(self._new) < _WORTH_KEEPING:
            return
        rows, self._new = list(self._new.items()), {}
        with suppress(OSError, sqlite3.Error), self._opened() as connection, connection:
            connection.executemany("insert or ignore into kept values (?, ?)", rows)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.is_file() and self._path.stat().st_size > self._most:
            self._path.unlink()
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as connection:
            connection.execute("create table if not exists kept (id blob primary key, data blob not null)")
            yield connection
