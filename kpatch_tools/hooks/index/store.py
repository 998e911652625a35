"""The index on disk: facts by blob, for every revision that has the blob.

A revision of a whole kernel is read once, in about a minute on two processors; after that its neighbours cost only
what changed. Deleting the index costs time only. Several processes may use and build it at once.

On disk, the 30,049 C files of v2.6.39 (378 MB) take 212 MB; its first stable release adds 5 MB, v3.0 85 MB.
"""

import json
import sqlite3
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any, TypeVar

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.tree import TreeAt
from kpatch_tools.workers import processors

from .answers import Answers
from .building import Progress, add_blobs
from .codec import Kind, Question, assemble, decode, decode_some, key_name
from .database import (
    DamagedError,
    Database,
    ReplacedError,
    all_parts,
    blobs_with,
    find_view,
    identity,
    keep_view,
    known_blobs,
    parts_of,
)
from .facts import Facts
from .listing import Contents, list_contents
from .query import Extent
from .words import fingerprint, may_hold

try:
    import fcntl
except ImportError:  # not a Unix: two builders then do the same work
    _CAN_LOCK = False
else:
    _CAN_LOCK = True

ResultT = TypeVar("ResultT")
_ATTEMPTS = 3
_MOST_JOBS = 8
_WORTH_WAITING = 500  # blobs: whoever builds that many builds alone, and others wait and find them
_AHEAD = 400  # parts that are fetched at once
_KEPT = 6_000  # parts that are kept decoded


def open_index(folder: Path | None, *, jobs: int | None = None) -> "Index":
    """The index kept in `folder`, which is made when the index is first filled; None: one that ends with the process.

    `jobs`: how many processes may read at a time, by default one for each processor.
    """
    return Index(Database(folder), jobs or min(_MOST_JOBS, processors()))


class Index:
    """Facts by blob id. `remark`: why the index is not what was asked for; "" if it is."""

    def __init__(self, database: Database, jobs: int) -> None:
        self._database = database
        self._jobs = jobs

    @property
    def remark(self) -> str:
        """Why the index was made anew, or is not kept; "" where all is well."""
        return self._database.remark

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self._database.size()

    def at(self, source: BlobSource, *, scope: Sequence[str] = (), progress: Progress | None = None) -> "StoredFacts":
        """The facts of the C files of `source` at or below `scope`; what the index does not know of them is read now.

        KpatchError: missing-object, index-busy.
        """
        prefixes = tuple(sorted({prefix.strip("/") for prefix in scope} - {""}))
        return self._persistently(
            lambda: StoredFacts(self, source, prefixes, self._files_of(source, prefixes, progress))
        )

    def facts_of(
        self, tree: TreeAt, blobs: Iterable[ObjectId], *, progress: Progress | None = None
    ) -> dict[ObjectId, Facts]:
        """The facts of these blobs of the repository of `tree`, wherever they are in it. Raises as `at`."""
        wanted = list(dict.fromkeys(blobs))

        def find() -> dict[ObjectId, Facts]:
            with self._database.connection() as connection:
                own = identity(connection)
            numbers = self._numbers(wanted, Contents(tree), progress)
            parts: dict[int, dict[int, str]] = {number: {} for number in numbers.values()}
            with self.connection(own) as connection:
                for kind in Kind:
                    for number, body in parts_of(connection, kind, sorted(parts)):
                        parts[number][kind] = body
                sizes = {
                    number: (size, unread)
                    for number, size, unread in connection.execute("select id, size, unread from blob")
                    if number in parts
                }
            return {oid: assemble(*sizes[number], parts[number]) for oid, number in numbers.items()}

        return self._persistently(find)

    def _persistently(self, work: Callable[[], ResultT]) -> ResultT:
        """Do it, again with a new index where the old one is damaged."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return work()
            except DamagedError as error:
                self.discard(error)
        return work()

    def discard(self, error: Exception) -> None:
        """The index has proved damaged: delete it. Where it could only not be used, it has been given up already."""
        if not self._database.in_memory and not isinstance(error, ReplacedError):
            self._database.discard(str(error))

    @contextmanager
    def connection(self, own: int) -> Iterator[sqlite3.Connection]:
        """A connection to the index of identity `own`; `ReplacedError` where it is another one by now."""
        with self._database.connection() as connection:
            if identity(connection) != own:
                raise ReplacedError("it was replaced")
            yield connection

    def _files_of(self, source: BlobSource, scope: tuple[str, ...], progress: Progress | None) -> "_Files":
        name = key_name(f"{source.tree} {' '.join(scope)}") if isinstance(source, TreeAt) else ""
        with self._database.connection() as connection:
            own = identity(connection)
            kept = find_view(connection, name) if name else None
        if kept is not None:
            return _Files.unpack(kept, own)
        entries, contents = list_contents(source, scope)
        numbers = self._numbers([oid for _, oid in entries], contents, progress)
        blobs = array("q", (numbers[oid] for _, oid in entries))
        with self.connection(own) as connection:
            files = _Files([path for path, _ in entries], blobs, _extent(connection, blobs), own)
        if name:
            with self._database.writing() as connection:
                keep_view(connection, name, files.pack())
        return files

    def _numbers(
        self, wanted: Sequence[ObjectId], contents: Contents, progress: Progress | None
    ) -> dict[ObjectId, int]:
        """The blobs' numbers in the index, after what it lacks has been added."""
        raw = {bytes.fromhex(oid): oid for oid in wanted}
        known = self._known(raw)
        if len(known) < len(raw):
            with self._alone(len(raw) - len(known), progress):
                known = self._known(raw)
                missing = [oid for key, oid in raw.items() if key not in known]
                add_blobs(self._database, missing, contents, jobs=self._jobs, progress=progress)
            known = self._known(raw)
        if len(known) < len(raw):
            raise DamagedError("blobs that were added are not there")
        return {raw[key]: number for key, number in known.items()}

    def _known(self, raw: dict[bytes, ObjectId]) -> dict[bytes, int]:
        with self._database.connection() as connection:
            return known_blobs(connection, set(raw))

    @contextmanager
    def _alone(self, missing: int, progress: Progress | None) -> Iterator[None]:
        """Keep others from building the same at the same time; they wait, and find it done."""
        path = self._database.path
        if not _CAN_LOCK or path is None or missing < _WORTH_WAITING:
            yield
            return
        try:
            lock = path.with_suffix(".lock").open("w")
        except OSError:
            yield
            return
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if progress is not None:
                    progress("waiting for another process that builds the index")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class _Files:
    """The C files of a revision in tree order: paths, and their blobs' numbers in the index of identity `index`."""

    __slots__ = ("blobs", "extent", "index", "paths")

    def __init__(self, paths: list[RepoPath], blobs: "array[int]", extent: Extent, index: int) -> None:
        self.paths = paths
        self.blobs = blobs
        self.extent = extent
        self.index = index

    def pack(self) -> bytes:
        content = json.dumps([self.paths, list(self.blobs), astuple(self.extent)], separators=(",", ":"))
        return zlib.compress(content.encode("ascii"), 1)

    @classmethod
    def unpack(cls, packed: bytes, index: int) -> "_Files":
        """Raises DamagedError."""
        try:
            paths, blobs, extent = json.loads(zlib.decompress(packed))
            return cls(paths, array("q", blobs), Extent(*extent), index)
        except (zlib.error, ValueError, TypeError) as error:
            raise DamagedError(f"a list of files cannot be read: {error}") from error


def _extent(connection: sqlite3.Connection, blobs: Sequence[int]) -> Extent:
    known = {number: rest for number, *rest in connection.execute("select id, size, unread, spoilt from blob")}
    rows = [known[number] for number in blobs]
    return Extent(len(rows), sum(row[0] for row in rows), sum(row[2] for row in rows), sum(row[1] for row in rows))


class StoredFacts(Answers):
    """TreeFacts of one revision, read from the index when asked for. A file is its place in tree order."""

    def __init__(self, index: Index, source: BlobSource, scope: tuple[str, ...], files: _Files) -> None:
        self._index = index
        self._source = source
        self._scope = scope
        self._take(files)

    def _take(self, files: _Files) -> None:
        self._files = files
        self._places: dict[int, list[int]] = {}
        for place, number in enumerate(files.blobs):
            self._places.setdefault(number, []).append(place)
        self._raw: dict[int, dict[int, str]] = {int(kind): {} for kind in Kind}
        self._decoded: dict[tuple[int, int], tuple[Any, ...]] = {}
        self._expected: Sequence[int] = ()

    @property
    def paths(self) -> Sequence[RepoPath]:
        """The C files, in tree order."""
        return self._files.paths

    def files(self, question: Question | None, names: Sequence[str]) -> Iterable[int]:
        if question is None:
            self._expected = range(len(self._files.paths))
            return self._expected
        wanted = [key_name(name) for name in names]
        found = self._ask(lambda connection: blobs_with(connection, question, wanted))
        places = sorted(place for number in found for place in self._places.get(number, ()))
        self._expected = places
        return places

    def path(self, file: int) -> RepoPath:
        return self._files.paths[file]

    def facts(self, file: int, kind: Kind) -> tuple[Any, ...]:
        key = (int(kind), self._files.blobs[file])
        known = self._decoded.get(key)
        if known is None:
            if key[1] not in self._raw[key[0]]:
                self._fetch(file, kind)
                key = (int(kind), self._files.blobs[file])
            if len(self._decoded) >= _KEPT:
                self._decoded.clear()
            known = self._decoded[key] = self._decode(file, kind, self._raw[key[0]].pop(key[1]))
        return known

    def some_facts(self, file: int, kind: Kind, question: Question | None, names: frozenset[str]) -> tuple[Any, ...]:
        key = (int(kind), self._files.blobs[file])
        if key in self._decoded:
            return self._decoded[key]
        if key[1] not in self._raw[key[0]]:
            self._fetch(file, kind)
        text = self._raw[int(kind)][self._files.blobs[file]]
        try:
            return decode_some(kind, text, question, names) if text else ()
        except (ValueError, KeyError, TypeError, IndexError) as error:
            self._renew(error)
            return self.facts(file, kind)

    def files_of(self, kind: Kind) -> Iterable[int]:
        def fetch(connection: sqlite3.Connection) -> dict[int, str]:
            return {number: body for number, body in all_parts(connection, kind) if number in self._places}

        self._raw[int(kind)] = found = self._ask(fetch)
        self._expected = sorted(place for number in found for place in self._places[number])
        return self._expected

    def _decode(self, file: int, kind: Kind, text: str) -> tuple[Any, ...]:
        try:
            return decode(kind, text) if text else ()
        except (ValueError, KeyError, TypeError) as error:
            self._renew(error)
            return self.facts(file, kind)

    def _fetch(self, file: int, kind: Kind) -> None:
        """Fetch the part, and those of the files that are probably asked for next."""

        def fetch(connection: sqlite3.Connection) -> dict[int, str]:
            expected = self._expected
            start = _place_in(expected, file)
            ahead = [file] if start < 0 else expected[start : start + _AHEAD]
            blobs = sorted({self._files.blobs[place] for place in ahead})
            raw = dict.fromkeys(blobs, "")
            raw.update(parts_of(connection, kind, blobs))
            return raw

        # Only what is fetched of the same kind gives way: a question may ask for two kinds in turn.
        self._raw[int(kind)] = self._ask(fetch)

    def files_with_each(self, words: Iterable[str]) -> dict[str, tuple[RepoPath, ...]]:
        wanted = {word: fingerprint(word) for word in words}

        def look(connection: sqlite3.Connection) -> dict[int, list[int]]:
            found: dict[int, list[int]] = {one: [] for one in wanted.values()}
            for number, prints in connection.execute("select blob, prints from words"):
                for one in _held(prints, found.keys()) if number in self._places else ():
                    found[one] += self._places[number]
            return found

        places = {one: tuple(sorted(found)) for one, found in self._ask(look).items()}
        return {word: tuple(self._files.paths[place] for place in places[one]) for word, one in wanted.items()}

    def extent(self) -> Extent:
        return self._files.extent

    def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        if not isinstance(self._source, TreeAt):
            return make()
        key = key_name(f"{self._source.tree} {' '.join(self._scope)} {name}")
        known = self._ask(lambda connection: find_view(connection, key))
        if known is None:
            made = known = make()
            self._ask(lambda connection: _keep_if_writable(connection, key, made))
        return known

    def _ask(self, question: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        """Ask the index; where it proves damaged, or is another one by now, ask again after making it anew."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._ask_once(question)
            except DamagedError as error:
                self._renew(error)
        return self._ask_once(question)

    def _ask_once(self, question: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        with self._index.connection(self._files.index) as connection:
            return question(connection)

    def _renew(self, error: Exception) -> None:
        self._index.discard(error)
        self._take(self._index.at(self._source, scope=self._scope)._files)


def _held(prints: bytes, wanted: Set[int]) -> set[int]:
    try:
        return may_hold(prints, wanted)
    except (ValueError, TypeError) as error:
        raise DamagedError(f"words cannot be read: {error}") from error


def _keep_if_writable(connection: sqlite3.Connection, name: str, body: bytes) -> None:
    """Keep an answer where something can be written: what is not kept costs time only."""
    try:
        connection.execute("begin immediate")
        keep_view(connection, name, body)
        connection.execute("commit")
    except sqlite3.OperationalError:
        if connection.in_transaction:
            connection.execute("rollback")


def _place_in(places: Sequence[int], place: int) -> int:
    """Where it is among sorted places; -1 where it is not."""
    found = bisect_left(places, place)
    return found if found < len(places) and places[found] == place else -1
