"""What the bot remembers, in SQLite: letters, how far each source was read, series, and what was posted.

Every step is one transaction, so that a crash at any moment leaves each letter either received or not, each series
reviewed or not, each post begun, done or not. A post that was begun and not done may have gone out: it is made again,
with the same identity, by which its reader drops the second.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.review.envelope import read_envelope
from kpatch_tools.review.threads import Received

_SCHEMA = """
create table if not exists letter (key text primary key, source text not null, data blob not null,
                                   received integer not null, settled integer not null default 0);
create table if not exists place (source text primary key, value text not null);
create table if not exists pause (name text primary key, until integer not null);
create table if not exists series (key text primary key, subject text not null, state text not null,
                                   attempts integer not null, note text not null, at integer not null);
create table if not exists post (series text not null, output text not null, number integer not null,
                                 state text not null, body blob not null, at integer not null,
                                 primary key (series, output, number));
pragma user_version = 1;
"""
_KEPT_SECONDS = 90 * 24 * 3600
"""A letter that comes again is known for that long."""


def _key(data: bytes) -> str:
    return read_envelope(data).message_id or hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Post:
    """Something to be posted: `number` of the patch (0: the series), `body` as the output wants it."""

    series: str
    output: str
    number: int
    body: bytes


class BotState:
    """One file; a bot that runs keeps it to itself."""

    def __init__(self, path: Path) -> None:
        """KpatchError state-unusable."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=0.5)
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise KpatchError(
                "state-unusable", f"{path}: {error}", hint="name another file as `state`, or move this one away"
            ) from error

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("begin immediate")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def place(self, source: str) -> str:
        """How far the source was read, in its own terms; "" for nothing yet."""
        row = self._connection.execute("select value from place where source = ?", (source,)).fetchone()
        return "" if row is None else str(row[0])

    def receive(self, source: str, letters: Sequence[Received], place: str, now: int) -> int:
        """Keep the letters and how far the source was read; how many of them were not known before.

        A letter is known by its Message-ID, for lists change what they pass on; one without by its content.
        """
        with self._writing() as connection:
            before = connection.total_changes
            connection.executemany(
                "insert or ignore into letter (key, source, data, received) values (?, ?, ?, ?)",
                [(_key(one.data), source, one.data, now) for one in letters],
            )
            new = connection.total_changes - before
            connection.execute("insert or replace into place values (?, ?)", (source, place))
        return new

    def pause(self, name: str, until: int) -> None:
        """A source or output is to be left alone until that second."""
        with self._writing() as connection:
            connection.execute("insert or replace into pause values (?, ?)", (name, until))

    def paused(self, name: str, now: int) -> bool:
        """Whether it is to be left alone still."""
        row = self._connection.execute("select until from pause where name = ?", (name,)).fetchone()
        return row is not None and int(row[0]) > now

    def letters(self) -> tuple[tuple[Received, int], ...]:
        """The letters that are not settled, each under its key, with the second at which it came; oldest first."""
        rows = self._connection.execute(
            "select key, data, received from letter where settled = 0 order by received, rowid"
        )
        return tuple((Received(key, bytes(data)), received) for key, data, received in rows)

    def settle(self, keys: Iterable[str]) -> None:
        """These letters need not be looked at again; their contents are dropped."""
        with self._writing() as connection:
            connection.executemany("update letter set settled = 1, data = x'' where key = ?", [(key,) for key in keys])

    def state_of(self, series: str) -> tuple[str, int]:
        """ "new", "reviewed" or "failed", and how many attempts there were."""
        row = self._connection.execute("select state, attempts from series where key = ?", (series,)).fetchone()
        return ("new", 0) if row is None else (str(row[0]), int(row[1]))

    def begin(self, series: str, subject: str, now: int) -> None:
        """A review begins: should it take this process down, the attempt counts."""
        with self._writing() as connection:
            connection.execute(
                "insert into series values (?, ?, 'new', 1, '', ?) "
                "on conflict (key) do update set attempts = attempts + 1, at = excluded.at",
                (series, subject, now),
            )

    def finish(self, series: str, state: str, note: str, posts: Iterable[Post], now: int) -> None:
        """The review's end and all that is to be posted of it, at once."""
        with self._writing() as connection:
            connection.execute(
                "update series set state = ?, note = ?, at = ? where key = ?", (state, note, now, series)
            )
            connection.executemany(
                "insert or ignore into post values (?, ?, ?, 'planned', ?, ?)",
                [(one.series, one.output, one.number, one.body, now) for one in posts],
            )

    def waiting(self) -> tuple[Post, ...]:
        """What is to be posted, in the order in which it was planned."""
        rows = self._connection.execute(
            "select series, output, number, body from post where state in ('planned', 'begun') order by rowid"
        )
        return tuple(Post(series, output, number, bytes(body)) for series, output, number, body in rows)

    def posted_since(self, when: int) -> int:
        """How many posts were begun or done since that second."""
        row = self._connection.execute(
            "select count(*) from post where state in ('begun', 'done') and at >= ?", (when,)
        ).fetchone()
        return int(row[0])

    def mark(self, post: Post, state: str, now: int) -> None:
        """A post is begun, done, or refused for good."""
        with self._writing() as connection:
            connection.execute(
                "update post set state = ?, at = ? where series = ? and output = ? and number = ?",
                (state, now, post.series, post.output, post.number),
            )

    def forget(self, now: int) -> None:
        """Drop letters that are too old to belong to anything that is still to come."""
        with self._writing() as connection:
            connection.execute("delete from letter where received < ?", (now - _KEPT_SECONDS,))

    def series(self) -> tuple[tuple[str, str, str, int, str], ...]:
        """(key, subject, state, attempts, note) of every series, the latest last."""
        rows = self._connection.execute("select key, subject, state, attempts, note from series order by at, rowid")
        return tuple((str(a), str(b), str(c), int(d), str(e)) for a, b, c, d, e in rows)
