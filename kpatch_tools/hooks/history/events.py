"""What one commit did to hook tables, told from the tables before and after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.core.span import Location

from .renames import DefaultOf, Placed, find_renames
from .states import SlotState, Tables, TableState


class EventKind(StrEnum):
    """What happened to a slot or to a table."""

    BORN = "born"
    DIED = "died"
    RENAMED = "renamed"
    RETYPED = "re-typed"


@dataclass(frozen=True, slots=True)
class Event:
    """`slot` is the path inside `table`, "" where the event is the table's as a whole.

    `old_table`, `old_slot`: what it was called before; other than the new ones only for RENAMED. `signature`,
    `old_signature`: a slot's declaration, a table's type; "" on the side where there is none. `because`: by what a
    rename was told. `location`: after the commit; of what DIED, before it. `doubts`: parse errors in the structs that
    were compared, so that the event may be one of our reading.
    """

    kind: EventKind
    table: str
    slot: str
    signature: str
    old_table: str
    old_slot: str
    old_signature: str
    location: Location
    because: str = ""
    doubts: tuple[Location, ...] = ()

    @property
    def name(self) -> str:
        """The slot from the table's variable on; the variable itself for an event of the table."""
        return full_name(self.table, self.slot)

    @property
    def old_name(self) -> str:
        return full_name(self.old_table, self.old_slot)


def full_name(table: str, slot: str) -> str:
    """`x86_init.mapping.pagetable_reserve`."""
    return f"{table}.{slot}" if slot else table


def find_events(
    parents: Sequence[Tables], now: Tables, *, old_default: DefaultOf, new_default: DefaultOf
) -> tuple[Event, ...]:
    """What is in `now` otherwise than in every one of `parents` (none for a first commit), in the tables' order.

    A merge that has a slot as one of its parents has it did nothing to that slot. `old_default` and `new_default` name
    a slot's default function; they are asked only where slots went and came at once.
    """
    before: Sequence[Tables] = parents or ({},)
    found: list[Event] = []
    added: list[Placed] = []
    removed: list[Placed] = []
    for name in dict.fromkeys((*(name for tables in before for name in tables), *now)):
        olds = [tables.get(name) for tables in before]
        new = now.get(name)
        if new is not None and not any(olds):
            found.append(_table_event(EventKind.BORN, new))
        elif new is None and all(olds) and olds[0] is not None:
            found.append(_table_event(EventKind.DIED, olds[0]))
        paths = dict.fromkeys(slot.path for table in (*olds, new) if table is not None for slot in table.slots)
        for path in paths:
            sides = [table.slot(path) if table is not None else None for table in olds]
            slot = new.slot(path) if new is not None else None
            if new is not None and slot is not None:
                known = [side for side in sides if side is not None]
                if not known:
                    added.append(Placed(new, slot))
                elif not any(side.has_type_of(slot) for side in known):
                    found.append(_retyped(new, slot, known[0], [table for table in olds if table is not None]))
            elif all(sides) and sides[0] is not None and olds[0] is not None:
                removed.append(Placed(olds[0], sides[0]))
    renames = find_renames(before[0], now, removed, added, old_default=old_default, new_default=new_default)
    for rename in renames:
        removed.remove(rename.old)
        added.remove(rename.new)
        found.append(_renamed(rename.old, rename.new, rename.because))
    found += (_slot_event(EventKind.DIED, one) for one in removed)
    found += (_slot_event(EventKind.BORN, one) for one in added)
    return _in_order(found, now, before[0])


def _table_event(kind: EventKind, table: TableState) -> Event:
    old, new = ("", table.type) if kind is EventKind.BORN else (table.type, "")
    return Event(kind, table.name, "", new, table.name, "", old, table.location, doubts=table.damaged)


def _slot_event(kind: EventKind, placed: Placed) -> Event:
    table, slot = placed.table, placed.slot
    old, new = ("", slot.signature) if kind is EventKind.BORN else (slot.signature, "")
    return Event(kind, table.name, slot.path, new, table.name, slot.path, old, slot.location, doubts=table.damaged)


def _retyped(table: TableState, slot: SlotState, old: SlotState, before: list[TableState]) -> Event:
    doubts = tuple(dict.fromkeys(place for one in (*before, table) for place in one.damaged))
    return Event(
        EventKind.RETYPED,
        table.name,
        slot.path,
        slot.signature,
        table.name,
        slot.path,
        old.signature,
        slot.location,
        doubts=doubts,
    )


def _renamed(old: Placed, new: Placed, because: str) -> Event:
    return Event(
        EventKind.RENAMED,
        new.table.name,
        new.slot.path,
        new.slot.signature,
        old.table.name,
        old.slot.path,
        old.slot.signature,
        new.slot.location,
        because,
        tuple(dict.fromkeys((*old.table.damaged, *new.table.damaged))),
    )


def _in_order(events: list[Event], now: Tables, before: Tables) -> tuple[Event, ...]:
    """A table's own event first, then its slots as they are declared; what died after what is there."""
    tables = {name: number for number, name in enumerate((*now, *(name for name in before if name not in now)))}
    places: dict[str, int] = {}
    for side in (now, before):
        for table in side.values():
            for slot in table.slots:
                places.setdefault(full_name(table.name, slot.path), len(places))

    def order(event: Event) -> tuple[int, int]:
        return tables.get(event.table, len(tables)), places[event.name] if event.slot else -1

    return tuple(sorted(events, key=order))
