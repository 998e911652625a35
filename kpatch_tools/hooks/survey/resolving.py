"""Of which type the object is whose member an expression calls or assigns.

From the root's declared type the chain is followed member by member, through typedefs and pointers. Nothing is guessed:
an expression whose type is not to be had stays unresolved, and one with several candidates is ambiguous.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.index.facts import Access, At, Function, Member, MemberKind, Record, Root, Variable
from kpatch_tools.hooks.index.query import TreeFacts

from .nearness import nearest
from .records import Records

_LONGEST = 12


@dataclass(frozen=True, slots=True)
class Owner:
    """A record on the way to a slot, which holds it by value: the slot is `path` of it."""

    record: At[Record]
    path: str


@dataclass(frozen=True, slots=True)
class Way:
    """Where a chain leads in one reading of the types: the records around its last member, the outermost first."""

    owners: tuple[Owner, ...]
    member: Member


@dataclass(frozen=True, slots=True)
class Resolution:
    """`ways`: one where all is known, several where types are ambiguous. `lost`: a type on the way is not known."""

    ways: tuple[Way, ...]
    lost: bool


class Resolver:
    """Resolves accesses of one revision; what it had to look up, it keeps."""

    def __init__(self, facts: TreeFacts, records: Records) -> None:
        self._facts = facts
        self._records = records
        self._variables: dict[str, list[At[Variable]]] = {}
        self._functions: dict[str, list[At[Function]]] = {}

    def resolve(self, accesses: Sequence[At[Access]]) -> list[Resolution]:
        """One resolution for each access, in order."""
        self._prepare(access.fact for access in accesses)
        keys = [_key(access) for access in accesses]
        first = dict(zip(reversed(keys), reversed(accesses), strict=True))
        known: dict[Hashable, Resolution] = {}
        self._records.gather(lambda: known.update((key, self._resolve(access)) for key, access in first.items()))
        return [known[key] for key in keys]

    def walk(self, type_name: str, chain: str, seen_from: RepoPath) -> Resolution:
        """Follow `chain` from an object of `type_name`; positions ("#2") as in a Fill's path."""
        ways: list[Way] = []
        lost = self._walk(type_name, chain, (seen_from,), (), ways)
        return Resolution(tuple(ways), lost)

    def _prepare(self, facts: Iterable[Access]) -> None:
        listed = list(facts)
        names = {fact.root for fact in listed if not fact.root_type and fact.root_kind is Root.GLOBAL}
        names -= self._variables.keys()
        for name in names:
            self._variables[name] = []
        for variable in self._facts.variables_named(names) if names else ():
            self._variables[variable.fact.name].append(variable)
        called = {fact.root for fact in listed if not fact.root_type and fact.root_kind is Root.RESULT}
        called -= self._functions.keys()
        for name in called:
            self._functions[name] = []
        for function in self._facts.functions(called) if called else ():
            self._functions[function.fact.name].append(function)
        types = {fact.root_type for fact in listed}
        types |= {item.fact.type for name in names for item in self._variables[name]}
        types |= {returned_type(item.fact.returns) for name in called for item in self._functions[name]}
        self._records.fetch(types)

    def _resolve(self, access: At[Access]) -> Resolution:
        types = self._root_types(access)
        ways: list[Way] = []
        lost = not types
        for name in types:
            lost = self._walk(name, access.fact.chain, (access.file,), (), ways) or lost
        return Resolution(tuple(ways), lost)

    def variables(self, access: At[Access]) -> tuple[At[Variable], ...]:
        """The variables that the root of a resolved access may be: its file's own, else a header's, else any."""
        visible = [item for item in self._variables.get(access.fact.root, ()) if _reaches(item, access)]
        own = tuple(item for item in visible if item.file == access.file)
        return own or nearest(access.file, visible) or tuple(visible)

    def instance(self, access: At[Access], resolution: Resolution) -> str:
        """The variable that a resolved access names, "" where it goes through a pointer."""
        fact = access.fact
        direct = all(way.owners[0].path.count(".") == fact.chain.count(".") for way in resolution.ways)
        if fact.root_kind is not Root.GLOBAL or fact.root_type or not direct:
            return ""
        variables = self.variables(access)
        return fact.root if variables and not any(item.fact.pointer for item in variables) else ""

    def every_variable(self, access: At[Access]) -> tuple[At[Variable], ...]:
        """All variables of the root's name, wherever they are."""
        return tuple(self._variables.get(access.fact.root, ()))

    def root_types(self, access: At[Access]) -> tuple[str, ...]:
        """The types that the object may be of that an access begins with; none where that is not known."""
        self._prepare((access.fact,))
        return self._root_types(access)

    def _root_types(self, access: At[Access]) -> tuple[str, ...]:
        fact = access.fact
        if fact.root_type:
            return (fact.root_type,)
        if fact.root_kind is Root.GLOBAL:
            return tuple(dict.fromkeys(item.fact.type for item in self.variables(access)))
        if fact.root_kind is Root.RESULT:
            functions = self._functions.get(fact.root, [])
            near = [item for item in functions if item.file == access.file] or nearest(access.file, functions)
            near = near or [item for item in functions if not item.fact.private]
            return tuple(dict.fromkeys(filter(None, (returned_type(item.fact.returns) for item in near))))
        return ()

    def _walk(
        self,
        name: str,
        chain: str,
        views: tuple[RepoPath, ...],
        owners: tuple[Owner, ...],
        ways: list[Way],
        depth: int = 0,
    ) -> bool:
        """Add every way to `ways`; whether some type on the way is not known. `views` ends with the user's file."""
        records = next(filter(None, (self._records.of(name, view) for view in views)), ())
        if not records or depth > _LONGEST:
            return True
        lost = False
        dead_ends = 0
        for record in records:
            step = self._records.step(record, chain)
            if step is None:
                # The members of a record of nothing but numbers are not kept: then this is a number.
                dead_ends += bool(record.fact.members)
                continue
            around = tuple(Owner(owner.record, f"{owner.path}.{step.path}") for owner in owners)
            around = (*around, Owner(record, step.path))
            if not step.rest:
                ways.append(Way(around, step.member))
            elif step.member.kind is MemberKind.STRUCT:
                inner = (record.file, views[-1])
                lost = self._walk(step.member.type, step.rest, inner, around, ways, depth + 1) or lost
            elif step.member.kind is MemberKind.POINTER:
                # A header of everyone's often only announces a type that others define.
                public = record.file.startswith("include/")
                pointed = (views[-1],) if public else (record.file, views[-1])
                lost = self._walk(step.member.type, step.rest, pointed, (), ways, depth + 1) or lost
            else:
                lost = True
        return lost or dead_ends == len(records)


def _key(access: At[Access]) -> Hashable:
    """What decides a resolution."""
    fact = access.fact
    return (access.file, fact.root, fact.root_kind, fact.root_type, fact.chain, fact.function)


def returned_type(returns: str) -> str:
    """The type that a function's result points to or is, as facts spell types: "struct inode"."""
    words = [word for word in returns.replace("*", " ").split() if word not in _QUALIFIERS]
    if len(words) >= 2 and words[0] in ("struct", "union"):
        return f"{words[0]} {words[1]}"
    return words[0] if len(words) == 1 else ""


_QUALIFIERS = frozenset({"const", "volatile", "static", "inline", "extern", "__inline__", "__inline"})


def _reaches(variable: At[Variable], access: At[Access]) -> bool:
    """Whether the access can mean this variable: a file's own ones end with the file, a function's with that."""
    storage = variable.fact.storage.value
    if storage == "local":
        return variable.file == access.file and variable.fact.function == access.fact.function
    return storage != "private" or variable.file == access.file


def by_member(accesses: Iterable[At[Access]]) -> dict[str, list[At[Access]]]:
    """Accesses by the name of their last member."""
    found: dict[str, list[At[Access]]] = defaultdict(list)
    for access in accesses:
        found[access.fact.member].append(access)
    return found
