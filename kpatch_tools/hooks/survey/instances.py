"""Which variables are of a type, or hold one of it by value."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.facts import At, MemberKind, Record, Storage, Variable
from kpatch_tools.hooks.index.query import TreeFacts

from .atlas import Instance
from .records import Records

_DEEPEST = 6

Key = tuple[str, RepoPath]
"""A type: its name, and the file that defines it."""


def key_of(record: At[Record]) -> Key:
    return record.fact.type, record.file


@dataclass(frozen=True, slots=True)
class Held:
    """A type that a record is, with an empty `prefix`, or holds in the member `prefix`.

    `doubtful`: the member's type has several definitions that only the build could tell apart.
    """

    prefix: str
    key: Key
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A variable that is or holds one of the types that were asked for."""

    variable: At[Variable]
    held: Held

    @property
    def instance(self) -> Instance:
        fact = self.variable.fact
        elements = 1 + max((fill.number for fill in fact.fills), default=-1)
        return Instance(
            name=fact.name,
            location=Location(self.variable.file, fact.line, fact.function or None),
            prefix=self.held.prefix,
            private=fact.storage is not Storage.PUBLIC,
            array=fact.array,
            elements=elements,
            annotation=fact.annotation,
        )


@dataclass(slots=True)
class Holdings:
    """Which records hold the types `wanted` by value, at any depth."""

    facts: TreeFacts
    records: Records
    wanted: frozenset[Key]
    names: frozenset[str] = frozenset()
    """Every name of a type that is or holds one of them."""
    members: dict[str, None] = field(default_factory=dict)
    """The names of the members that hold one of them."""
    _inside: dict[Key, tuple[Held, ...]] = field(default_factory=dict)

    def find(self) -> "Holdings":
        """Look for the holders."""
        names: set[str] = set()
        new = {name for name, _ in self.wanted}
        while new:
            new |= self.facts.aliases(new)
            names |= new
            holders = self.facts.holders(new)
            held = [
                (holder.fact.type, member.path)
                for holder in holders
                for member in holder.fact.members
                if member.kind is MemberKind.STRUCT and member.type in new
            ]
            self.members.update((path.rpartition(".")[2], None) for _, path in held)
            new = {outer for outer, _ in held} - names
        self.names = frozenset(names)
        self.records.fetch(names)
        return self

    def inside(self, record: At[Record], depth: int = 0) -> tuple[Held, ...]:
        """What of the wanted types `record` is and holds."""
        key = key_of(record)
        if key not in self._inside:
            self._inside[key] = ()  # what holds itself is no C
            self._inside[key] = tuple(self._look_inside(record, depth))
        return self._inside[key]

    def _look_inside(self, record: At[Record], depth: int) -> Iterator[Held]:
        if key_of(record) in self.wanted:
            yield Held("", key_of(record), False)
        if depth >= _DEEPEST:
            return
        for member in record.fact.members:
            if member.kind is not MemberKind.STRUCT or member.type not in self.names:
                continue
            for held in self.of(member.type, record.file, depth + 1):
                path = f"{member.path}.{held.prefix}".strip(".")
                yield Held(path, held.key, held.doubtful)

    def of(self, type_name: str, seen_from: RepoPath, depth: int = 0) -> tuple[Held, ...]:
        """What the type called so in that file is and holds."""
        records = self.records.of(type_name, seen_from)
        doubtful = len({key_of(record) for record in records}) > 1
        found = dict.fromkeys(held for record in records for held in self.inside(record, depth))
        return tuple(Held(held.prefix, held.key, doubtful or held.doubtful) for held in found)

    def variables(self) -> Iterator[Found]:
        """The variables in question, in tree order; declarations and pointers are none."""
        for variable in self.facts.variables_of(self.names):
            if variable.fact.pointer or variable.fact.storage is Storage.EXTERN:
                continue
            for held in self.of(variable.fact.type, variable.file):
                yield Found(variable, held)


def find_holdings(facts: TreeFacts, records: Records, wanted: Iterable[Key]) -> Holdings:
    """Which records hold one of the types `wanted`."""
    return Holdings(facts, records, frozenset(wanted)).find()
