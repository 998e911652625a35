"""One type with its instances, and all that fills and calls its slots."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.index.facts import At, Record
from kpatch_tools.hooks.index.query import TreeFacts

from .atlas import ReadSlot, TableType, TypeReading
from .instances import Found, Key, find_holdings, key_of
from .nearness import can_see
from .records import Records
from .resolving import Resolver
from .types import table_type
from .uses import UseFinder, Uses

ItemT = TypeVar("ItemT")
_KEYWORDS = ("struct ", "union ")


def read_type(facts: TreeFacts, name: str, *, file: RepoPath | None = None) -> tuple[TypeReading, ...]:
    """The types called `name`, one reading for each definition in another file; none where there is none with slots.

    `name`: "struct file_operations", a tag or typedef ("file_operations"), or one of the variables ("x86_init").
    `file`: only the definition in that file.
    """
    records = Records(facts)
    definitions = {
        key_of(record): record
        for record in _definitions(facts, records, name)
        if file in (None, record.file) and records.slots(record)
    }
    if not definitions:
        return ()
    holdings = find_holdings(facts, records, definitions)
    variables: dict[Key, list[Found]] = defaultdict(list)
    for found in holdings.variables():
        variables[found.held.key].append(found)
    tables = {
        key: table_type(record, records, (item.instance for item in variables[key] if not item.held.doubtful))
        for key, record in definitions.items()
    }
    slots = {key: tuple(slot.path for slot in table.slots) for key, table in tables.items()}
    finder = UseFinder(facts, records, Resolver(facts, records), holdings, slots)
    uses = finder.find(item for items in variables.values() for item in items)
    return tuple(_reading(facts, key, table, uses) for key, table in tables.items())


def _reading(facts: TreeFacts, key: Key, table: TableType, uses: Uses) -> TypeReading:
    slots = tuple(
        ReadSlot(
            slot,
            defaults=_unique(uses.defaults[key, slot.path]),
            overrides=_unique(uses.overrides[key, slot.path]),
            calls=_unique(uses.calls[key, slot.path]),
        )
        for slot in table.slots
    )
    words = {table.type.rpartition(" ")[2], *(instance.name for instance in table.instances)}
    unread = tuple(part for part in facts.unread(words) if can_see(part.file, key[1]))
    return TypeReading(table, slots, _unique(uses.unresolved[key]), facts.extent(), unread)


def _unique(items: Iterable[ItemT]) -> tuple[ItemT, ...]:
    return tuple(dict.fromkeys(items))


def _definitions(facts: TreeFacts, records: Records, name: str) -> tuple[At[Record], ...]:
    """Every record of that name; where there is none, those of the types of the variables of that name."""
    names = {name, *(keyword + name for keyword in _KEYWORDS if " " not in name)}
    found = facts.records(names)
    if found or " " in name:
        return found
    typedefs = {typedef.fact.type for typedef in facts.typedefs((name,))} - {""}
    if typedefs:
        return facts.records(typedefs)
    variables = facts.variables_named((name,))
    records.fetch(variable.fact.type for variable in variables)
    return tuple(record for variable in variables for record in records.of(variable.fact.type, variable.file))
