"""What is put into the slots of types, and where they are called, judged by the object's type."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.facts import Access, Assignment, At, Call, MacroUse, MemberKind, Root, Storage
from kpatch_tools.hooks.index.query import TreeFacts
from kpatch_tools.hooks.index.words import names_in

from .atlas import CallSite, Put, Unresolved
from .instances import Found, Holdings, Key, key_of
from .nearness import can_see
from .records import Records
from .resolving import Resolution, Resolver, Way

SlotKey = tuple[Key, str]
"""A slot: its type, and its path in it."""


@dataclass(slots=True)
class Uses:
    """What was found, by slot; what may belong to a type and what not, by type."""

    defaults: dict[SlotKey, list[Put]] = field(default_factory=lambda: defaultdict(list))
    overrides: dict[SlotKey, list[Put]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[SlotKey, list[CallSite]] = field(default_factory=lambda: defaultdict(list))
    unresolved: dict[Key, list[Unresolved]] = field(default_factory=lambda: defaultdict(list))


@dataclass(slots=True)
class UseFinder:
    """Finds the uses of `slots` (paths by type). `holdings` are of the same types."""

    facts: TreeFacts
    records: Records
    resolver: Resolver
    holdings: Holdings
    slots: Mapping[Key, Sequence[str]]
    uses: Uses = field(default_factory=Uses)
    _keys: dict[str, list[Key]] = field(default_factory=lambda: defaultdict(list))

    def find(self, variables: Iterable[Found]) -> Uses:
        """`variables`: those of the types, whose initialisers are the defaults."""
        for found in variables:
            self._default(found)
        members = {path.rpartition(".")[2] for paths in self.slots.values() for path in paths}
        positions = {f"#{index}" for index in range(max(map(len, self.slots.values()), default=0))}
        assignments = self.facts.assignments(members | positions)
        for assignment, resolution in zip(assignments, self.resolver.resolve(assignments), strict=True):
            self._assign(assignment, resolution)
        parts = {name for paths in self.slots.values() for path in paths for name in path.split(".")[:-1]}
        whole = self.facts.assignments({"", *parts, *self.holdings.members})
        for assignment, resolution in zip(whole, self.resolver.resolve(whole), strict=True):
            self._assign_whole(assignment, resolution)
        self._read_macros(members)
        calls = self.facts.calls(members)
        for call, resolution in zip(calls, self.resolver.resolve(calls), strict=True):
            self._call(call, resolution)
        return self.uses

    def _default(self, found: Found) -> None:
        variable, held = found.variable, found.held
        if held.doubtful:
            text = f"{variable.fact.type} {variable.fact.name}"
            self._leave(held.key, Unresolved(text, _location(variable.file, variable.fact.line, ""), True))
            return
        for fill in variable.fact.fills:
            if not fill.path:
                continue
            location = _location(variable.file, fill.line, variable.fact.function)
            for way in self.resolver.walk(variable.fact.type, fill.path, variable.file).ways:
                put = Put(_value(fill.value, way), location, variable.fact.name, fill.number, False)
                for slot in self._owned(way):
                    if slot[0] == held.key:
                        self.uses.defaults[slot].append(put)

    def _owned(self, way: Way) -> Iterator[SlotKey]:
        """The slots of the types in question that a way leads to: one for each record around it."""
        for owner in way.owners:
            key = key_of(owner.record)
            slots = self.slots.get(key, ())
            if owner.path in slots:
                yield key, owner.path
            elif way.member.type == "void" and owner.path.rpartition(".")[0] in slots:
                yield key, owner.path.rpartition(".")[0]  # the pointer in a struct that is a slot

    def _judge(self, access: At[Access], resolution: Resolution) -> list[SlotKey]:
        """The slots that an access surely means; where it only may mean some, that is noted."""
        ways = [set(self._owned(way)) for way in resolution.ways]
        certain = set.intersection(*ways) if ways and not resolution.lost else set()
        possible = set().union(*ways)
        location = _location(access.file, access.fact.line, access.fact.function)
        text = ".".join(filter(None, (access.fact.root or "()", access.fact.chain)))
        for key in {key for key, _ in possible - certain}:
            self._leave(key, Unresolved(text, location, True))
        if resolution.lost and not possible:
            for key in self._having(access.fact.member):
                if can_see(access.file, key[1]):
                    self._leave(key, Unresolved(text, location, False))
        return sorted(certain)

    def _having(self, member: str) -> Sequence[Key]:
        """The types with a slot of that name."""
        if not self._keys:
            for key, paths in self.slots.items():
                for name in {path.rpartition(".")[2] for path in paths}:
                    self._keys[name].append(key)
        return self._keys.get(member, ())

    def _leave(self, key: Key, unresolved: Unresolved) -> None:
        self.uses.unresolved[key].append(unresolved)

    def _assign(self, assignment: At[Assignment], resolution: Resolution) -> None:
        fact = assignment.fact
        location = _location(assignment.file, fact.line, fact.function)
        for slot in self._judge(assignment, resolution):
            value = _value(fact.value, resolution.ways[0])
            put = Put(value, location, self.resolver.instance(assignment, resolution), 0, fact.conditional)
            self.uses.overrides[slot].append(put)

    def _assign_whole(self, assignment: At[Assignment], resolution: Resolution) -> None:
        """A struct is copied that is or holds one of the types, or is a part of one."""
        types = () if assignment.fact.chain else self.resolver.root_types(assignment)
        targets = [dict(self._parts(name, assignment.file)) for name in types]
        targets += [dict(self._parts_at(way)) for way in resolution.ways if way.member.kind is MemberKind.STRUCT]
        certain = targets[0] if targets and all(target == targets[0] for target in targets) else {}
        location = _location(assignment.file, assignment.fact.line, assignment.fact.function)
        doubtful = {held.key for name in types for held in self.holdings.of(name, assignment.file) if held.doubtful}
        for key in sorted(doubtful | {key for target in targets if target != certain for key, _ in target}):
            text = f"{assignment.fact.root}.{assignment.fact.chain}".strip(".")
            self._leave(key, Unresolved(text, location, True))
        if certain:
            self._copy(assignment, location, self.resolver.instance(assignment, resolution), certain)

    def _parts(self, type_name: str, seen_from: RepoPath) -> Iterator[tuple[SlotKey, str]]:
        """The slots that a type surely contains, and their paths in it."""
        for held in self.holdings.of(type_name, seen_from):
            for path in () if held.doubtful else self.slots[held.key]:
                yield (held.key, path), f"{held.prefix}.{path}".strip(".")

    def _parts_at(self, way: Way) -> Iterator[tuple[SlotKey, str]]:
        """The same for the struct at a member, of types around it too."""
        for owner in way.owners:
            key = key_of(owner.record)
            for path in self.slots.get(key, ()):
                if path.startswith(owner.path + "."):
                    yield (key, path), path[len(owner.path) + 1 :]
        yield from self._parts(way.member.type, way.owners[-1].record.file)

    def _copy(self, assignment: At[Assignment], location: Location, named: str, parts: Mapping[SlotKey, str]) -> None:
        filled = self._filled(assignment)
        for slot, path in parts.items():
            values = [f"{assignment.fact.value}.{path}"] if filled is None else filled.get(path, ["NULL"])
            for value in values:
                self.uses.overrides[slot].append(Put(value, location, named, 0, assignment.fact.conditional))

    def _filled(self, assignment: At[Assignment]) -> dict[str, list[str]] | None:
        """What the initialiser of the variable that is assigned fills; None where there is none to be seen."""
        named = assignment.fact._replace(root=assignment.fact.value, root_kind=Root.GLOBAL, root_type="", chain="")
        source = At(assignment.file, named)
        self.resolver.root_types(source)
        variables = [item for item in self.resolver.variables(source) if item.fact.storage is not Storage.EXTERN]
        variables = variables or [
            item for item in self.resolver.every_variable(source) if item.fact.storage is Storage.PUBLIC
        ]
        if len(variables) != 1 or variables[0].fact.array or variables[0].fact.pointer:
            return None
        (variable,) = variables
        filled: dict[str, list[str]] = defaultdict(list)
        for fill in variable.fact.fills:
            for way in self.resolver.walk(variable.fact.type, fill.path, variable.file).ways:
                filled[way.owners[0].path].append(_value(fill.value, way))
        return filled

    def _call(self, call: At[Call], resolution: Resolution) -> None:
        fact = call.fact
        location = _location(call.file, fact.line, fact.function)
        arguments = -1 if fact.macro else fact.arguments
        for slot in self._judge(call, resolution):
            site = CallSite(location, fact.guarded, arguments, fact.macro, self.resolver.instance(call, resolution))
            self.uses.calls[slot].append(site)

    def _read_macros(self, members: set[str]) -> None:
        """Macros whose bodies call a slot of a global variable; of a parameter, only the macro's users know."""
        found = [
            At(
                macro.file,
                Call(root, _root(macro.fact, root), "", chain, "", macro.fact.line, -1, False, macro.fact.name),
            )
            for macro in self.facts.macros(members)
            for root, _, chain in (path.partition(".") for path in macro.fact.roots)
            if chain.rpartition(".")[2] in members and _calls(macro.fact.body, chain.rpartition(".")[2])
        ]
        for call, resolution in zip(found, self.resolver.resolve(found), strict=True):
            # A name in a macro may also be a local one of its users.
            seen = all(can_see(call.file, variable.file) for variable in self.resolver.variables(call))
            self._call(call, resolution if seen else Resolution((), lost=True))


def _root(macro: MacroUse, name: str) -> Root:
    return Root.LOCAL if name in (macro.parameters or ()) else Root.GLOBAL


def _calls(body: str, member: str) -> bool:
    return re.search(rf"(?:\.|->)\s*{member}\s*\)?\s*\(", body) is not None


def _value(value: str, way: Way) -> str:
    """The function, where a struct around a pointer to code is made by a macro: `WRAPPED(f)`."""
    names = names_in(value) if way.member.kind is not MemberKind.SLOT else ()
    return names[0] if len(names) == 1 else value


def _location(file: RepoPath, line: int, function: str) -> Location:
    return Location(file, line, function or None)
