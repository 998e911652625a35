"""What differs between the hook tables of two versions: slots, and who fills and calls them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.tables.atlas import HookTable, Slot

from .renames import Placed, Rename, find_renames
from .states import SlotState, Tables, TableState, squeezed


class SlotChange(StrEnum):
    """What became of a slot as such; KEPT where only its defaults, overrides, call sites or guards differ."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    RETYPED = "re-typed"
    KEPT = "kept"


class Role(StrEnum):
    """What a place does with a slot."""

    DEFAULT = "default"
    OVERRIDE = "override"
    CALL = "call"
    GUARD = "guard"


@dataclass(frozen=True, slots=True)
class Use:
    """A place without its line, for a line that moved is no change.

    `function`: what is put into the slot; "" for a call or guard. `where`: the function it stands in, None outside of
    any.
    """

    role: Role
    function: str
    file: RepoPath
    where: str | None


@dataclass(frozen=True, slots=True)
class UseChange:
    """`old` went or `new` came; both where only the file is another. `location`: the new place, else the old one.

    Several alike in one function are several changes.
    """

    old: Use | None
    new: Use | None
    location: Location

    @property
    def role(self) -> Role:
        use = self.new or self.old
        assert use is not None, "a change has at least one side"
        return use.role


@dataclass(frozen=True, slots=True)
class SlotDifference:
    """`old` is None for an ADDED slot, `new` for a REMOVED one, whose uses all came or went with it.

    `old_table`: the table that a RENAMED slot was in. `because`: by what a rename was told.
    """

    change: SlotChange
    table: str
    old_table: str
    old: Slot | None
    new: Slot | None
    uses: tuple[UseChange, ...]
    because: str = ""

    @property
    def name(self) -> str:
        """The slot from the table's variable on; its old name where it was removed."""
        slot = self.new or self.old
        assert slot is not None, "a difference has at least one side"
        return f"{self.table}.{slot.path}"


@dataclass(frozen=True, slots=True)
class TableDifference:
    """`old` is None for a table that only the newer version has, `new` for one that only the older has."""

    name: str
    old: HookTable | None
    new: HookTable | None
    slots: tuple[SlotDifference, ...]


def compare_tables(old: Sequence[HookTable], new: Sequence[HookTable]) -> tuple[TableDifference, ...]:
    """What differs, table by table, in the newer version's order; tables that are alike are left out.

    A slot is renamed where another of the same signature went at once, and they have a default function of their own,
    their name, or their place in common (see `find_renames`); then its uses are held against those of the old name.
    """
    before = {table.name: table for table in old}
    after = {table.name: table for table in new}
    renames = {(one.new.table.name, one.new.slot.path): one for one in _renames(before, after)}
    gone = {(one.old.table.name, one.old.slot.path) for one in renames.values()}
    found = []
    for name in dict.fromkeys((*after, *before)):
        ours, theirs = before.get(name), after.get(name)
        slots: list[SlotDifference] = []
        for slot in theirs.slots if theirs is not None else ():
            rename = renames.get((name, slot.path))
            slots += _of_slot(name, slot, rename, before)
        for slot in ours.slots if ours is not None else ():
            if (theirs is None or theirs.slot(slot.path) is None) and (name, slot.path) not in gone:
                uses = _changes(_uses(slot), ())
                slots.append(SlotDifference(SlotChange.REMOVED, name, name, slot, None, uses))
        if slots or ours is None or theirs is None:
            found.append(TableDifference(name, ours, theirs, tuple(slots)))
    return tuple(found)


def _of_slot(
    table: str, slot: Slot, rename: Rename | None, before: Mapping[str, HookTable]
) -> Iterable[SlotDifference]:
    if rename is not None:
        old_table = before[rename.old.table.name]
        was = old_table.slot(rename.old.slot.path)
        uses = _changes(_uses(was) if was is not None else (), _uses(slot))
        yield SlotDifference(SlotChange.RENAMED, table, old_table.name, was, slot, uses, rename.because)
        return
    was = before[table].slot(slot.path) if table in before else None
    if was is None:
        yield SlotDifference(SlotChange.ADDED, table, table, None, slot, _changes((), _uses(slot)))
        return
    uses = _changes(_uses(was), _uses(slot))
    if squeezed(was.signature) != squeezed(slot.signature):
        yield SlotDifference(SlotChange.RETYPED, table, table, was, slot, uses)
    elif uses:
        yield SlotDifference(SlotChange.KEPT, table, table, was, slot, uses)


def _renames(before: Mapping[str, HookTable], after: Mapping[str, HookTable]) -> Iterable[Rename]:
    old, new = _states(before), _states(after)
    removed = [
        Placed(table, slot)
        for table in old.values()
        for slot in table.slots
        if table.name not in new or new[table.name].slot(slot.path) is None
    ]
    added = [
        Placed(table, slot)
        for table in new.values()
        for slot in table.slots
        if table.name not in old or old[table.name].slot(slot.path) is None
    ]
    return find_renames(
        old,
        new,
        removed,
        added,
        old_default=lambda table, slot: _default(before[table], slot),
        new_default=lambda table, slot: _default(after[table], slot),
    )


def _states(tables: Mapping[str, HookTable]) -> Tables:
    return {
        name: TableState(
            name,
            table.type,
            Location(table.file, table.line),
            tuple(SlotState(slot.path, slot.signature, slot.location) for slot in table.slots),
        )
        for name, table in tables.items()
    }


def _default(table: HookTable, path: str) -> str:
    slot = table.slot(path)
    return slot.default.function if slot is not None and slot.default is not None else ""


def _uses(slot: Slot) -> tuple[tuple[Use, Location], ...]:
    found: list[tuple[Use, Location]] = []
    for role, references in ((Role.DEFAULT, slot.defaults), (Role.OVERRIDE, slot.overrides)):
        found += (
            (Use(role, one.function, one.location.file, one.location.function), one.location) for one in references
        )
    for role, places in ((Role.CALL, slot.call_sites), (Role.GUARD, slot.guards)):
        found += ((Use(role, "", place.file, place.function), place) for place in places)
    return tuple(found)


def _changes(old: Sequence[tuple[Use, Location]], new: Sequence[tuple[Use, Location]]) -> tuple[UseChange, ...]:
    came = _left_over(new, old)
    went = _left_over(old, new)
    changes: list[UseChange] = []
    for use, location in came:
        moved = next((one for one in went if _elsewhere(one[0]) == _elsewhere(use)), None)
        if moved is not None:
            went.remove(moved)
        changes.append(UseChange(moved[0] if moved is not None else None, use, location))
    changes += (UseChange(use, None, location) for use, location in went)
    order = list(Role)
    return tuple(sorted(changes, key=lambda change: order.index(change.role)))


def _left_over(
    some: Sequence[tuple[Use, Location]], others: Sequence[tuple[Use, Location]]
) -> list[tuple[Use, Location]]:
    """Those of `some` that `others` have not as often."""
    spare = Counter(use for use, _ in others)
    found = []
    for use, location in some:
        if spare[use]:
            spare[use] -= 1
        else:
            found.append((use, location))
    return found


def _elsewhere(use: Use) -> tuple[Role, str, str | None]:
    return use.role, use.function, use.where
