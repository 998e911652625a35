"""Which slots a function is put into."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.facts import MemberKind
from kpatch_tools.hooks.index.query import TreeFacts

from .atlas import Put, Service, Services, Unresolved
from .records import Records
from .resolving import Owner, Resolution, Resolver, Way
from .types import is_table


def services_of(facts: TreeFacts, function: str) -> Services:
    """Every slot that initialisers and assignments put a function of that name into, in tree order.

    Private functions of one name in several files are told apart by where the `put` stands. A slot is told as one of
    the outermost type around it that is a table.
    """
    finder = _Finder(facts, Records(facts))
    finder.find(function)
    unread = facts.unread((function,))
    return Services(_in_order(finder.services), tuple(dict.fromkeys(finder.unresolved)), facts.extent(), unread)


@dataclass(slots=True)
class _Finder:
    facts: TreeFacts
    records: Records
    services: list[Service] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)

    def find(self, function: str) -> None:
        resolver = Resolver(self.facts, self.records)
        filled = self.facts.filled_with((function,))
        self.records.fetch(item.fact.variable.type for item in filled)
        for item in filled:
            variable, fill = item.fact.variable, item.fact.fill
            if fill.path:
                location = Location(item.file, fill.line, variable.function or None)
                put = Put(function, location, variable.name, fill.number, False)
                self._take(resolver.walk(variable.type, fill.path, item.file), put, f"{variable.name}.{fill.path}")
        assigned = self.facts.assigned((function,))
        for assignment, resolution in zip(assigned, resolver.resolve(assigned), strict=True):
            fact = assignment.fact
            if fact.chain:
                location = Location(assignment.file, fact.line, fact.function or None)
                put = Put(function, location, resolver.instance(assignment, resolution), 0, fact.conditional)
                self._take(resolution, put, f"{fact.root}.{fact.chain}")

    def _take(self, resolution: Resolution, put: Put, text: str) -> None:
        found = dict.fromkeys(owner for way in resolution.ways for owner in self._slots(way))
        opaque = any(way.member.kind is MemberKind.STRUCT and not list(self._slots(way)) for way in resolution.ways)
        if resolution.lost or opaque or len(found) > 1:
            self.unresolved.append(Unresolved(text, put.location, len(found) > 1))
            return
        self.services += (Service(type_name, path, file, put) for type_name, path, file in found)

    def _slots(self, way: Way) -> Iterator[tuple[str, str, RepoPath]]:
        """The slot that a way leads to, if it leads to one."""
        if not self._is_slot(way):
            return
        tables = (owner for owner in way.owners if is_table(owner.record, self.records))
        owner: Owner = next(tables, way.owners[-1])
        path = owner.path.rpartition(".")[0] if way.member.type == "void" else owner.path
        yield owner.record.fact.type, path, owner.record.file

    def _is_slot(self, way: Way) -> bool:
        if way.member.kind is MemberKind.STRUCT:
            return self.records.wraps_code(way.member, way.owners[-1].record.file)
        return way.member.kind is MemberKind.SLOT or (way.member.type == "void" and "." in way.owners[0].path)


def _in_order(services: list[Service]) -> tuple[Service, ...]:
    return tuple(sorted(dict.fromkeys(services), key=lambda item: (item.put.location.file, item.put.location.line)))
