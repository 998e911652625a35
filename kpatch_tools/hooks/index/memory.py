"""The facts of a few files, kept in memory: what every other keeper of facts must agree with."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks.tables.search import C_SUFFIXES

from .extract import extract_facts
from .facts import Assignment, At, Call, Facts, Function, MacroUse, MemberKind, Record, Typedef, Unread, Variable
from .query import Extent, Filled
from .records import FindTypedef, with_callbacks
from .words import names_in, words_in

FactT = TypeVar("FactT")


def known_typedefs(typedefs: Iterable[Typedef]) -> dict[str, Typedef]:
    """By name; of several files' typedefs of one name that of a function is taken, else the first."""
    known: dict[str, Typedef] = {}
    for typedef in typedefs:
        present = known.get(typedef.name)
        if present is None or (typedef.signature and not present.signature):
            known[typedef.name] = typedef
    return known


@dataclass(frozen=True, slots=True)
class MemoryFacts:
    """TreeFacts over `facts`, in the order given. `words`: the identifiers of each file, for `files_with`."""

    facts: Mapping[RepoPath, Facts]
    words: Mapping[RepoPath, set[bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: BlobSource, *scope: str) -> "MemoryFacts":
        """Read the C files of `source` at or below `scope`."""
        facts: dict[RepoPath, Facts] = {}
        words: dict[RepoPath, set[bytes]] = {}
        for path in source.paths(*scope):
            data = source.read(path) if path.endswith(C_SUFFIXES) else None
            if data is not None:
                facts[path] = extract_facts(data)
                words[path] = words_in(data)
        return cls(facts, words)

    def records(self, types: Iterable[str]) -> tuple[At[Record], ...]:
        wanted = frozenset(types)
        return tuple(item for item in self._records() if item.fact.type in wanted)

    def slot_records(self) -> tuple[At[Record], ...]:
        return tuple(
            item for item in self._records() if any(member.kind is MemberKind.SLOT for member in item.fact.members)
        )

    def holders(self, type_name: str) -> tuple[At[Record], ...]:
        kinds = (MemberKind.STRUCT, MemberKind.POINTER)
        return tuple(
            item
            for item in self._records()
            if any(member.type == type_name and member.kind in kinds for member in item.fact.members)
        )

    def typedefs(self, names: Iterable[str]) -> tuple[At[Typedef], ...]:
        wanted = frozenset(names)
        return self._all(lambda facts: facts.typedefs, lambda typedef: typedef.name in wanted)

    def variables_of(self, types: Iterable[str]) -> tuple[At[Variable], ...]:
        wanted = frozenset(types)
        return self._all(lambda facts: facts.variables, lambda variable: variable.type in wanted)

    def variables_named(self, names: Iterable[str]) -> tuple[At[Variable], ...]:
        wanted = frozenset(names)
        return self._all(lambda facts: facts.variables, lambda variable: variable.name in wanted)

    def filled_with(self, values: Iterable[str]) -> tuple[At[Filled], ...]:
        wanted = frozenset(values)
        return tuple(
            At(path, Filled(variable, fill))
            for path, facts in self.facts.items()
            for variable in facts.variables
            for fill in variable.fills
            if not wanted.isdisjoint(names_in(fill.value))
        )

    def assigned(self, values: Iterable[str]) -> tuple[At[Assignment], ...]:
        wanted = frozenset(values)
        return self._all(
            lambda facts: facts.assignments, lambda assignment: not wanted.isdisjoint(names_in(assignment.value))
        )

    def assignments(self, members: Iterable[str]) -> tuple[At[Assignment], ...]:
        wanted = frozenset(members)
        return self._all(lambda facts: facts.assignments, lambda assignment: assignment.member in wanted)

    def calls(self, members: Iterable[str]) -> tuple[At[Call], ...]:
        wanted = frozenset(members)
        return self._all(lambda facts: facts.calls, lambda call: call.member in wanted)

    def functions(self, names: Iterable[str]) -> tuple[At[Function], ...]:
        wanted = frozenset(names)
        return self._all(lambda facts: facts.functions, lambda function: function.name in wanted)

    def macros(self, members: Iterable[str]) -> tuple[At[MacroUse], ...]:
        wanted = frozenset(members)
        return self._all(lambda facts: facts.macros, lambda macro: not wanted.isdisjoint(macro.members))

    def unread(self, words: Iterable[str] = ()) -> tuple[At[Unread], ...]:
        wanted = frozenset(words)
        return self._all(lambda facts: facts.unread, lambda part: not wanted or not wanted.isdisjoint(part.words))

    def files_with(self, word: str) -> tuple[RepoPath, ...]:
        wanted = word.encode("utf-8", "surrogateescape")
        return tuple(path for path in self.facts if wanted in self.words.get(path, ()))

    def extent(self) -> Extent:
        every = self.facts.values()
        return Extent(
            files=len(self.facts),
            bytes=sum(facts.size for facts in every),
            unread_files=sum(bool(facts.unread) for facts in every),
            unread_bytes=sum(facts.unread_bytes for facts in every),
        )

    def _records(self) -> Iterator[At[Record]]:
        everywhere = known_typedefs(typedef for facts in self.facts.values() for typedef in facts.typedefs)
        for path, facts in self.facts.items():
            find = FindTypedef(known_typedefs(facts.typedefs), everywhere)
            for record in facts.records:
                yield At(path, with_callbacks(record, find))

    def _all(
        self, facts_of: Callable[[Facts], Iterable[FactT]], is_wanted: Callable[[FactT], bool]
    ) -> tuple[At[FactT], ...]:
        return tuple(
            At(path, fact) for path, facts in self.facts.items() for fact in facts_of(facts) if is_wanted(fact)
        )
