"""All types with slots at once: reading them one by one would look through the tree once for each."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.index.facts import At, MemberKind, Record
from kpatch_tools.hooks.index.query import TreeFacts
from kpatch_tools.hooks.survey.atlas import CallSite, Instance, Put, TableType
from kpatch_tools.hooks.survey.instances import Key, find_holdings, key_of
from kpatch_tools.hooks.survey.records import Records
from kpatch_tools.hooks.survey.resolving import Resolver
from kpatch_tools.hooks.survey.types import table_type
from kpatch_tools.hooks.survey.uses import UseFinder


@dataclass(frozen=True, slots=True)
class GatheredSlot:
    """One slot of the type that declares it, with all that surely fills and calls it.

    `signatures`: several where conditionals declare it several times. `doubtful`: some use may be of this slot or of
    another one, so that there may be more than is known. `is_made_here`: the tree fills some slot of the type; where it
    does not, firmware or somebody else's code does.
    """

    table: TableType
    path: str
    line: int
    signatures: tuple[str, ...]
    defaults: tuple[Put, ...]
    overrides: tuple[Put, ...]
    calls: tuple[CallSite, ...]
    doubtful: bool
    is_made_here: bool

    @property
    def name(self) -> str:
        """The member."""
        return self.path.rpartition(".")[2]

    @property
    def tag(self) -> str:
        """The type's name without its keyword."""
        return self.table.type.rpartition(" ")[2]

    @property
    def file(self) -> RepoPath:
        return self.table.location.file

    @property
    def files(self) -> tuple[RepoPath, ...]:
        """Where the type is declared, has instances, and is used by this slot."""
        places = [one.location.file for one in self.table.instances]
        places += [one.location.file for one in (*self.defaults, *self.overrides)]
        places += [one.location.file for one in self.calls]
        return tuple(dict.fromkeys((self.file, *places)))

    def instance(self, put: Put) -> Instance | None:
        """The variable whose initialiser the value stands in; None for an assigned one."""
        for one in self.table.instances:
            if one.name == put.variable and one.location.file == put.location.file:
                return one
        return None


def gather_slots(
    facts: TreeFacts, *, types: Collection[str] | None = None, progress: Callable[[str], None] = lambda _: None
) -> tuple[GatheredSlot, ...]:
    """Every slot of the tree, in tree order of the types that declare them; with `types` only those of types so
    called."""
    records = Records(facts)
    definitions = _definitions(one for one in facts.slot_records() if types is None or one.fact.type in types)
    progress("variables of all types")
    holdings = find_holdings(facts, records, definitions)
    variables = tuple(holdings.variables())
    instances: dict[Key, list[Instance]] = defaultdict(list)
    for found in variables:
        if not found.held.doubtful:
            instances[found.held.key].append(found.instance)
    own = {key: _own_slots(same) for key, same in definitions.items()}
    progress("uses of all slots")
    finder = UseFinder(facts, records, Resolver(facts, records), holdings, {key: tuple(own[key]) for key in own})
    uses = finder.find(variables)
    lost = {(key, one.text.rpartition(".")[2]) for key, several in uses.unresolved.items() for one in several}
    gathered = []
    for key, same in definitions.items():
        table = table_type(same[0], records, instances[key])
        made = any(uses.defaults[key, path] or uses.overrides[key, path] for path in own[key])
        for path, (line, signatures) in own[key].items():
            gathered.append(
                GatheredSlot(
                    table=table,
                    path=path,
                    line=line,
                    signatures=signatures,
                    defaults=tuple(dict.fromkeys(uses.defaults[key, path])),
                    overrides=tuple(dict.fromkeys(uses.overrides[key, path])),
                    calls=tuple(dict.fromkeys(uses.calls[key, path])),
                    doubtful=(key, path.rpartition(".")[2]) in lost,
                    is_made_here=made,
                )
            )
    return tuple(gathered)


def _definitions(found: Iterable[At[Record]]) -> dict[Key, list[At[Record]]]:
    definitions: dict[Key, list[At[Record]]] = defaultdict(list)
    for record in found:
        definitions[key_of(record)].append(record)
    return definitions


def _own_slots(same: Iterable[At[Record]]) -> dict[str, tuple[int, tuple[str, ...]]]:
    """The slots that the record itself declares, with the line of the first declaration and all signatures."""
    found: dict[str, tuple[int, tuple[str, ...]]] = {}
    for record in same:
        for member in record.fact.members:
            if member.kind is MemberKind.SLOT:
                line, signatures = found.get(member.path, (member.line, ()))
                found[member.path] = line, tuple(dict.fromkeys((*signatures, member.signature)))
    return found
