"""Every type with slots in a revision, and the variables of each."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.facts import At, MemberKind, Record
from kpatch_tools.hooks.index.query import TreeFacts

from .atlas import Instance, TableKind, TableList, TableType
from .instances import Key, find_holdings, key_of
from .keeping import kept_tables
from .records import Records

_DEEPEST = 6


def list_types(facts: TreeFacts) -> TableList:
    """The types whose members are function pointers, and those that consist of structs of such by value.

    A struct that holds one such struct among other things is not listed: its variables are instances of what it holds.
    Instances whose type could be one of several are left out; `read_type` names them. An index keeps the list.
    """
    return TableList(kept_tables(facts, lambda: _list(facts)), facts.extent())


def _list(facts: TreeFacts) -> tuple[TableType, ...]:
    records = Records(facts)
    tables = _tables(facts, records)
    records.fetch(_held(tables.values()))
    instances: dict[Key, list[Instance]] = defaultdict(list)
    for found in find_holdings(facts, records, tables).variables():
        if not found.held.doubtful:
            instances[found.held.key].append(found.instance)
    return tuple(table_type(record, records, instances[key]) for key, record in tables.items())


def table_type(record: At[Record], records: Records, instances: Iterable[Instance]) -> TableType:
    """What is known of the type that `record` defines."""
    found = tuple(instances)
    location = Location(record.file, record.fact.line)
    return TableType(record.fact.type, location, _kind(found), records.slots(record), found)


def _kind(instances: tuple[Instance, ...]) -> TableKind:
    """A variable that conditionals define twice is one."""
    variables = {(item.name, item.location.file if item.private else "") for item in instances}
    if not variables:
        return TableKind.NONE
    return TableKind.OWN if len(variables) == 1 and not any(item.array for item in instances) else TableKind.MANY


def _tables(facts: TreeFacts, records: Records) -> dict[Key, At[Record]]:
    """In tree order; of several definitions in one file, as conditionals make them, the first."""
    own = facts.slot_records()
    tables: dict[Key, At[Record]] = {}
    for record in own:
        tables.setdefault(key_of(record), record)
    new = {name for name, _ in tables}
    while new:
        new |= facts.aliases(new)
        holders = [record for record in facts.holders(new) if key_of(record) not in tables]
        new = set()
        records.fetch(_held(holders))
        for record in holders:
            if is_table(record, records):
                tables[key_of(record)] = record
                new.add(record.fact.type)
    order = {key: index for index, key in enumerate(sorted(tables, key=lambda key: (key[1], tables[key].fact.line)))}
    return dict(sorted(tables.items(), key=lambda item: order[item[0]]))


def _held(records: Iterable[At[Record]]) -> Iterator[str]:
    """The types of what the records hold by value: to be fetched at once."""
    for record in records:
        yield from (member.type for member in record.fact.members if member.kind is MemberKind.STRUCT)


def is_table(record: At[Record], records: Records, depth: int = 0) -> bool:
    """Whether a type is listed: it has function pointers of its own, or consists of structs of them."""
    if any(member.kind is MemberKind.SLOT for member in record.fact.members):
        return True
    structs = [member for member in record.fact.members if member.type or member.kind is not MemberKind.STRUCT]
    return (
        bool(structs)
        and depth < _DEEPEST
        and all(
            member.kind is MemberKind.STRUCT
            and any(is_table(inner, records, depth + 1) for inner in records.of(member.type, record.file))
            for member in structs
        )
    )
