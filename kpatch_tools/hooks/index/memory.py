"""The facts of a few files, kept in memory: what every other keeper of facts must agree with."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks.tables.search import C_SUFFIXES
from kpatch_tools.syntax import words_in

from .answers import Answers
from .codec import Kind, Question, facts_of
from .extract import extract_facts
from .facts import Facts
from .query import Extent


class MemoryFacts(Answers):
    """TreeFacts over `facts`, in the order given. `words`: the identifiers of each file, for `files_with_each`."""

    def __init__(
        self, facts: Mapping[RepoPath, Facts], words: Mapping[RepoPath, frozenset[bytes]] | None = None
    ) -> None:
        self.by_path = facts
        self._paths = tuple(facts)
        self._words = words or {}

    @classmethod
    def of(cls, source: BlobSource, *scope: str) -> "MemoryFacts":
        """Read the C files of `source` at or below `scope`."""
        facts: dict[RepoPath, Facts] = {}
        words: dict[RepoPath, frozenset[bytes]] = {}
        for path in source.paths(*scope):
            data = source.read(path) if path.endswith(C_SUFFIXES) else None
            if data is not None:
                facts[path] = extract_facts(data)
                words[path] = words_in(data)
        return cls(facts, words)

    def files(self, question: Question | None, names: Sequence[str]) -> Iterable[int]:
        return range(len(self._paths))

    def path(self, file: int) -> RepoPath:
        return self._paths[file]

    def facts(self, file: int, kind: Kind) -> tuple[object, ...]:
        return facts_of(self.by_path[self._paths[file]], kind)

    def files_with_each(self, words: Iterable[str]) -> dict[str, tuple[RepoPath, ...]]:
        def files(word: str) -> tuple[RepoPath, ...]:
            wanted = word.encode("utf-8", "surrogateescape")
            return tuple(path for path in self._paths if wanted in self._words.get(path, ()))

        return {word: files(word) for word in words}

    def extent(self) -> Extent:
        every = self.by_path.values()
        return Extent(
            files=len(self.by_path),
            bytes=sum(facts.size for facts in every),
            unread_files=sum(bool(facts.unread) for facts in every),
            unread_bytes=sum(facts.unread_bytes for facts in every),
        )

    def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        return make()
