"""The words of files, by blob: read out once for all versions of a tree that have it, and for all runs if there is a
folder to keep them in.

Whether a name is known is asked of all of a kernel's headers, again and again: 8,000 files of 36 MB, whose words are a
third of that.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from string import ascii_letters, digits

import pygit2

from kpatch_tools.core.errors import KpatchError

from .recent import Recent

_IN_MEMORY = 96 << 20  # bytes
_ON_DISK = 128 << 20  # bytes; a file that has grown beyond that starts anew
_AT_ONCE = 500  # blobs; the first that have all the words spare the rest
_WORTH_KEEPING = 200  # blobs
_PATIENCE = 1  # seconds, with another run that is writing
_NAME = "words-1.sqlite"
_IN_WORDS = f"{ascii_letters}{digits}_".encode()
_BLANKED = bytes(byte if byte in _IN_WORDS else 0x20 for byte in range(256))


def words_of(data: bytes) -> bytes:
    r"""Each word of a text once, comments included, that begins with a letter or `_`; each between two line feeds.

    >>> words_of(b"int a = b0x + 0xb; // a")
    b'\na\nb0x\nint\n'
    """
    words = sorted(word for word in set(data.translate(_BLANKED).split()) if word[0] > 0x39)
    return b"\n%b\n" % b"\n".join(words) if words else b""


class BlobWords:
    """The words of one repository's blobs, whose ids are those of SHA-1 as 20 bytes."""

    def __init__(self, repository: pygit2.Repository, folder: Path | None) -> None:
        self._repository = repository
        self._known: Recent[bytes, bytes] = Recent(_IN_MEMORY)
        self._kept = None if folder is None else KeptWords(folder / _NAME)

    def contained(self, words: Iterable[bytes], ids: Sequence[bytes]) -> set[bytes]:
        """Which of `words`, that begin with a letter or `_`, stand as whole words in any of these blobs.

        KpatchError missing-object if one is not in the repository.
        """
        missing = {word: b"\n%b\n" % word for word in words}
        found: set[bytes] = set()
        for start in range(0, len(ids), _AT_ONCE):
            if not missing:
                break
            known = self._words(ids[start : start + _AT_ONCE]).values()
            for word, line in list(missing.items()):
                if any(line in one for one in known):
                    found.add(word)
                    del missing[word]
        return found

    def mentioning(self, words: Iterable[bytes], ids: Sequence[bytes]) -> set[bytes]:
        """Those of `ids` in which one of `words` stands. KpatchError as above."""
        lines = [b"\n%b\n" % word for word in words]
        found: set[bytes] = set()
        for start in range(0, len(ids), _AT_ONCE):
            known = self._words(ids[start : start + _AT_ONCE])
            found.update(oid for oid, one in known.items() if any(line in one for line in lines))
        return found

    def _words(self, ids: Sequence[bytes]) -> dict[bytes, bytes]:
        known = {oid: self._known.get(oid) for oid in ids}
        found = {oid: words for oid, words in known.items() if words is not None}
        lacking = known.keys() - found.keys()
        kept = self._kept.load(list(lacking)) if lacking and self._kept is not None else {}
        for oid in lacking:
            words = kept.get(oid)
            if words is None:
                words = self._read(oid)
                if self._kept is not None:
                    self._kept.add(oid, words)
            found[oid] = self._known.add(oid, words, len(words))
        return found

    def _read(self, oid: bytes) -> bytes:
        try:
            return words_of(self._repository.read(pygit2.Oid(raw=oid))[1])
        except (KeyError, ValueError) as error:
            raise KpatchError(
                "missing-object",
                f"a file of this revision is not in this repository: {error}",
                hint="fetch it: git fetch --refetch in a partial clone; otherwise run git fsck",
            ) from error


class KeptWords:
    """A file of words by blob, which several runs may use at a time.

    One that is damaged, locked or cannot be written costs time only. It is opened anew each time: a connection must not
    be carried into a forked process.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._new: dict[bytes, bytes] = {}

    def load(self, ids: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """The words of those that are kept."""
        found: dict[bytes, bytes] = {}
        with suppress(OSError, sqlite3.Error), self._opened() as connection:
            for start in range(0, len(ids), _AT_ONCE):
                some = ids[start : start + _AT_ONCE]
                holes = ",".join("?" * len(some))
                found.update(connection.execute(f"select blob, words from words where blob in ({holes})", some))
        return found

    def add(self, oid: bytes, words: bytes) -> None:
        """Keep it, once there are enough to be worth writing."""
        self._new[oid] = words
        if len(self._new) < _WORTH_KEEPING:
            return
        rows, self._new = list(self._new.items()), {}
        with suppress(OSError, sqlite3.Error), self._opened() as connection, connection:
            connection.executemany("insert or ignore into words values (?, ?)", rows)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.is_file() and self._path.stat().st_size > _ON_DISK:
            self._path.unlink()
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as connection:
            connection.execute("create table if not exists words (blob blob primary key, words blob not null)")
            yield connection
