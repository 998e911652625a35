"""Questions to the index. What it names is as certain as its keys: whoever asks reads the commit and judges."""

from collections.abc import Iterable, Sequence

from kpatch_tools.core.ids import ObjectId, RepoPath

from . import keys
from .database import Database, find_oids, marked, touching
from .graph import Graph, Reach


class CommitIndex:
    """The commits that were there when it was opened; numbers grow from parents to children."""

    def __init__(self, database: Database, graph: Graph) -> None:
        self._database = database
        self._graph = graph
        self._reach = Reach(graph)

    def __len__(self) -> int:
        return len(self._graph)

    def size(self) -> int:
        """Bytes on disk."""
        return self._database.path.stat().st_size

    def oid(self, number: int) -> ObjectId:
        return self._graph.oid(number)

    def time(self, number: int) -> int:
        """When it was committed, in seconds since the epoch."""
        return self._graph.times[number]

    def files(self, number: int) -> int:
        """How many paths it changed; -1 for a merge or a first commit."""
        return self._graph.files[number]

    def find(self, prefix: str) -> tuple[int, ...]:
        """The commits whose id begins with these digits (at least one)."""
        with self._database.connection() as connection:
            return self._known(find_oids(connection, prefix.lower()))

    def number(self, oid: ObjectId) -> int | None:
        return next(iter(self.find(oid)), None)

    def below(self, tips: Iterable[ObjectId]) -> bytes:
        """For each number, 1 where it is at or below one of `tips`; those that the index lacks count for nothing."""
        return self._reach.below(number for tip in tips if (number := self.number(tip)) is not None)

    def speaking_of(self, oid: ObjectId, subject: str) -> tuple[int, ...]:
        """Those whose messages may cite the id, abbreviated or not, or quote the subject."""
        return self._marked(keys.cited_key(oid), keys.quoted_key(subject))

    def called(self, subject: str) -> tuple[int, ...]:
        """Those that may have this subject, in whatever case and spacing."""
        return self._marked(keys.subject_key(subject))

    def touching(self, paths: Sequence[RepoPath]) -> dict[int, int]:
        """Those with one parent that changed any of the paths, and how many of these each of them changed."""
        wanted = [path.encode("utf-8", "surrogateescape") for path in dict.fromkeys(paths)]
        with self._database.connection() as connection:
            return {n: count for n, count in touching(connection, wanted).items() if n < len(self)}

    def _marked(self, *wanted: int) -> tuple[int, ...]:
        with self._database.connection() as connection:
            return self._known({n for key in wanted for n in marked(connection, key)})

    def _known(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """Another process may have added some since."""
        return tuple(sorted(n for n in numbers if n < len(self)))
