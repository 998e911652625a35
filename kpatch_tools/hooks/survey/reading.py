"""One type with its instances, and all that fills and calls its slots."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.index.facts import At, Record
from kpatch_tools.hooks.index.query import TreeFacts

from .atlas import ReadSlot, SlotStory, TableType, TypeReading
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
    return tuple(_read(facts, name, file, ""))


def read_slot(facts: TreeFacts, name: str, *, file: RepoPath | None = None) -> tuple[SlotStory, ...]:
    """One slot, of each type that `name` may mean: "x86_init.mapping.pagetable_reserve", "struct file_operations.open".

    None where no such type has such a slot. `file` as in `read_type`.
    """
    head, _, path = name.partition(".")
    return tuple(
        _story(reading, slot, head) for reading in _read(facts, head, file, path) for slot in reading.slots if path
    )


def _read(facts: TreeFacts, name: str, file: RepoPath | None, only: str) -> Iterator[TypeReading]:
    """`only`: read that slot alone."""
    records = Records(facts)
    definitions: dict[Key, At[Record]] = {}
    for record in _definitions(facts, records, name):
        paths = [slot.path for slot in records.slots(record)]
        if file in (None, record.file) and paths and only in ("", *paths):
            definitions.setdefault(key_of(record), record)
    if not definitions:
        return
    holdings = find_holdings(facts, records, definitions)
    variables: dict[Key, list[Found]] = defaultdict(list)
    for found in holdings.variables():
        variables[found.held.key].append(found)
    tables = {
        key: table_type(record, records, (item.instance for item in variables[key] if not item.held.doubtful))
        for key, record in definitions.items()
    }
    slots = {key: tuple(slot.path for slot in table.slots if only in ("", slot.path)) for key, table in tables.items()}
    finder = UseFinder(facts, records, Resolver(facts, records), holdings, slots)
    uses = finder.find(item for items in variables.values() for item in items)
    for key, table in tables.items():
        yield _reading(facts, key, table, uses, only)


def _reading(facts: TreeFacts, key: Key, table: TableType, uses: Uses, only: str) -> TypeReading:
    slots = tuple(
        ReadSlot(
            slot,
            defaults=_unique(uses.defaults[key, slot.path]),
            overrides=_unique(uses.overrides[key, slot.path]),
            calls=_unique(uses.calls[key, slot.path]),
        )
        for slot in table.slots
        if only in ("", slot.path)
    )
    words = {table.type.rpartition(" ")[2], *(instance.name for instance in table.instances)}
    words |= {only.rpartition(".")[2]} - {""}
    unread = tuple(part for part in facts.unread(words) if can_see(part.file, key[1]))
    return TypeReading(table, slots, _unique(uses.unresolved[key]), facts.extent(), unread)


def _story(reading: TypeReading, slot: ReadSlot, name: str) -> SlotStory:
    """Of the variable `name` where it is one of several, else of all."""
    table = reading.table
    types = {table.type, table.type.rpartition(" ")[2]}
    variable = name if name not in types and name in {instance.name for instance in table.instances} else ""
    if variable:
        slot = ReadSlot(
            slot.slot,
            defaults=tuple(put for put in slot.defaults if put.variable == variable),
            overrides=tuple(put for put in slot.overrides if put.variable in (variable, "")),
            calls=tuple(call for call in slot.calls if call.variable in (variable, "")),
        )
    return SlotStory(table, slot, variable, reading.unresolved, reading.extent, reading.unread)


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
