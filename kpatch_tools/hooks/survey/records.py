"""Records and typedefs of a revision, fetched in bundles and chosen by who looks."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.facts import At, MacroUse, Member, MemberKind, Record, Typedef
from kpatch_tools.hooks.index.query import TreeFacts

from .atlas import TypeSlot
from .nearness import nearest

_DEEPEST = 6
_LONGEST = 12


@dataclass(frozen=True, slots=True)
class Step:
    """How far a chain leads in one record: to `path`, where `member` is; `rest` goes on from there."""

    path: str
    member: Member
    rest: str


@dataclass(slots=True)
class Records:
    """What types stand for. Ask `fetch` with many names at once before looking at each."""

    facts: TreeFacts
    _records: dict[str, list[At[Record]]] = field(default_factory=dict)
    _typedefs: dict[str, list[At[Typedef]]] = field(default_factory=dict)
    _seen: dict[tuple[str, RepoPath], tuple[At[Record], ...]] = field(default_factory=dict)
    _macros: dict[str, tuple[At[MacroUse], ...]] = field(default_factory=dict)
    _missing: set[str] | None = None
    _misses: int = 0
    _taken: dict[str, bool] = field(default_factory=dict)
    _steps: dict[tuple[str, RepoPath, int, str], Step | None] = field(default_factory=dict)

    def fetch(self, names: Iterable[str]) -> None:
        """Have these types, and whatever typedefs lead to, at hand."""
        wanted = {name for name in names if name}
        while wanted := {name for name in wanted if name not in self._records}:
            for name in wanted:
                self._records[name] = []
                self._typedefs[name] = []
            for record in self.facts.records(wanted):
                self._records[record.fact.type].append(record)
            plain = [name for name in wanted if " " not in name]
            for typedef in self.facts.typedefs(plain) if plain else ():
                self._typedefs[typedef.fact.name].append(typedef)
            wanted = {typedef.fact.type for name in plain for typedef in self._typedefs[name] if typedef.fact.type}

    def gather(self, work: Callable[[], None]) -> None:
        """Do `work` again and again until all types that it asks for are at hand, fetching many at once."""
        for _ in range(_LONGEST):
            missing: set[str] = set()
            self._missing = missing
            work()
            self._missing = None
            if not missing:
                return
            self.fetch(missing)

    def of(self, name: str, seen_from: RepoPath) -> tuple[At[Record], ...]:
        """The records that `name` may stand for in `seen_from`; none where it is no record or not to be found."""
        key = (name, seen_from)
        if key not in self._seen:
            before = self._misses
            found = self._find(name, seen_from)
            if self._misses > before:
                return found
            self._seen[key] = found
        return self._seen[key]

    def _find(self, name: str, seen_from: RepoPath) -> tuple[At[Record], ...]:
        for _ in range(_DEEPEST):
            if not name or not self._has(name):
                return ()
            records = nearest(seen_from, self._records[name])
            if records:
                return records
            typedefs = nearest(seen_from, self._typedefs[name])
            types = {typedef.fact.type for typedef in typedefs}
            if len(types) != 1:
                return tuple(record for item in sorted(types) for record in self._after(item, seen_from))
            name = types.pop()
        return ()

    def step(self, record: At[Record], chain: str) -> Step | None:
        """Follow `chain` in `record` as far as it goes; None where it has no such member."""
        key = (record.fact.type, record.file, record.fact.line, chain)
        if key not in self._steps:
            named = positional(record.fact, chain)
            step = find_member(record.fact, named) if named is not None else None
            self._steps[key] = step or self._by_macro(record, chain)
        return self._steps[key]

    def _by_macro(self, record: At[Record], chain: str) -> Step | None:
        """The step where the first member is a macro for a chain: `#define sk_prot common.prot`, beside the record."""
        name, _, rest = chain.partition(".")
        if not name or not record.fact.members:
            return None
        if name not in self._macros:
            self._macros[name] = self.facts.macros_named((name,))
        for macro in self._macros[name]:
            if macro.file == record.file and macro.fact.parameters is None and macro.fact.roots == (macro.fact.body,):
                return find_member(record.fact, f"{macro.fact.body}.{rest}".strip("."))
        return None

    def _has(self, name: str) -> bool:
        """Fetch the type, or note that it is missing."""
        if self._missing is not None and name not in self._records:
            self._missing.add(name)
            self._misses += 1
            return False
        self.fetch((name,))
        return True

    def _after(self, name: str, seen_from: RepoPath) -> tuple[At[Record], ...]:
        return nearest(seen_from, self._records[name]) if name and self._has(name) else ()

    def wraps_code(self, member: Member, seen_from: RepoPath) -> bool:
        """Whether a member is a struct around nothing but an untyped pointer that macros call.

        That is: it is passed to a macro somewhere, and some macro takes the pointer out of its argument.
        """
        inner = self.of(member.type, seen_from)
        if len(inner) != 1 or [item.type for item in inner[0].fact.members] != ["void"]:
            return False
        pointer = inner[0].fact.members[0].path
        if pointer not in self._taken:
            macros = self.facts.macros((pointer,))
            reached = (
                f"{name}.{pointer}" in macro.fact.roots for macro in macros for name in macro.fact.parameters or ()
            )
            self._taken[pointer] = any(reached)
        name = member.path.rpartition(".")[2]
        return self._taken[pointer] and any(call.fact.macro for call in self.facts.calls((name,)))

    def slots(self, record: At[Record]) -> tuple[TypeSlot, ...]:
        """The slots of `record`, in order, those of records that it holds by value included."""
        found: dict[str, TypeSlot] = {}
        for path, member, file in self._slots(record, "", 0):
            found.setdefault(path, TypeSlot(path, member.signature, Location(file, member.line)))
        return tuple(found.values())

    def _slots(self, record: At[Record], prefix: str, depth: int) -> Iterator[tuple[str, Member, RepoPath]]:
        self.fetch(member.type for member in record.fact.members if member.kind is MemberKind.STRUCT)
        for member in record.fact.members:
            path = prefix + member.path
            if member.kind is MemberKind.SLOT:
                yield path, member, record.file
            elif member.kind is not MemberKind.STRUCT or member.type == record.fact.type or depth >= _DEEPEST:
                continue
            elif self.wraps_code(member, record.file):
                name = member.path.rpartition(".")[2]
                yield path, member._replace(signature=f"{member.type} {name}"), record.file
            else:
                for inner in self.of(member.type, record.file):
                    yield from self._slots(inner, path + ".", depth + 1)


def find_member(record: Record, chain: str) -> Step | None:
    """The member that `chain` leads to or through: the longest that fits."""
    names = chain.split(".")
    for length in range(len(names), 0, -1):
        path = ".".join(names[:length])
        for member in record.members:
            if member.path == path:
                return Step(path, member, ".".join(names[length:]))
    return None


def positional(record: Record, path: str) -> str | None:
    """`path` with names for the members that are given by their places ("#2.open"), as far as `record` declares them.

    None where it has no such place.
    """
    names: list[str] = []
    given = path.split(".")
    for place, name in enumerate(given):
        prefix = "".join(f"{item}." for item in names)
        inside = [member.path[len(prefix) :] for member in record.members if member.path.startswith(prefix)]
        if not inside:
            return ".".join((*names, *given[place:]))
        order = list(dict.fromkeys(item.partition(".")[0] for item in inside))
        if name.startswith("#"):
            if int(name[1:]) >= len(order):
                return None
            name = order[int(name[1:])]
        names.append(name)
    return ".".join(names)
