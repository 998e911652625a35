"""Use case: what the tree's text says of its hook tables against what its own set-up code puts into them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from kpatch_tools.app.targets import kernel_at
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.hooks import HookTable, Reference, Slot, find_hook_tables, list_hook_tables
from kpatch_tools.hooks.tables.macros import object_macros
from kpatch_tools.hooks.tables.standing import Standing, standing_of
from kpatch_tools.model import Platform, Profile
from kpatch_tools.model.installed import ExecutedSlot, Execution, Executions, execute_installers
from kpatch_tools.tree import KernelTree, Revision

SCOPE = ("arch/x86",)
"""Set-up code of other folders is not compiled into the model's kernel."""


class Reading(StrEnum):
    """How the two readings of one slot compare.

    AGREE: the text's function is in memory. MACRO: the text's name is a macro that stands for what is in memory.
    NOT_TAKEN: the text has it under a condition, of C or of the preprocessor, that does not hold here. NOT_REACHED: the
    run stopped before the override. The others are disagreements: OTHER_DEFAULT: memory began with another function.
    NOT_IN_MEMORY: a function that ran always overrides, by its text, and did not. NOT_IN_TEXT: it did, and the text
    does not say so.
    """

    AGREE = "agree"
    MACRO = "macro"
    NOT_TAKEN = "not-taken"
    NOT_REACHED = "not-reached"
    OTHER_DEFAULT = "other-default"
    NOT_IN_MEMORY = "not-in-memory"
    NOT_IN_TEXT = "not-in-text"


DISAGREEMENTS = frozenset({Reading.OTHER_DEFAULT, Reading.NOT_IN_MEMORY, Reading.NOT_IN_TEXT})


@dataclass(frozen=True, slots=True)
class Compared:
    """One slot at one moment. `installer`: the function that ran; "" before any.

    `read` is what the text says, more than one where conditionals choose, `executed` what memory holds; a null pointer
    is "". `location`: where the text says it; None where it says nothing.
    """

    slot: str
    installer: str
    read: tuple[str, ...]
    executed: str
    reading: Reading
    location: Location | None


@dataclass(frozen=True, slots=True)
class TableExecuted:
    """`slots` are those of the compiled struct, `other` those that this configuration leaves out; both of the text."""

    table: HookTable
    slots: int
    other: tuple[str, ...]
    compared: tuple[Compared, ...]
    changed: tuple[tuple[str, int], ...]
    """Each function that ran, and how many slots it changed."""


@dataclass(frozen=True, slots=True)
class ExecutedReport:
    revision: Revision
    tables: tuple[TableExecuted, ...]
    executions: Executions

    @property
    def disagreements(self) -> tuple[Compared, ...]:
        return tuple(one for table in self.tables for one in table.compared if one.reading in DISAGREEMENTS)

    @property
    def exit(self) -> int:
        """0 where both readings agree, 1 where they do not."""
        return 1 if self.disagreements else 0


def execute_tables(
    tree: KernelTree,
    revision: str,
    *,
    tables: Sequence[str] = (),
    installers: Sequence[str] = (),
    platform: Platform,
    profile: Profile | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> ExecutedReport:
    """Read `tables` (none: all that x86's headers declare) in the text, run `installers` (none: every function that
    overrides one of their slots), and compare.

    KpatchError "no-such-table" and "no-such-function" for names that the revision does not have.
    """
    resolved = kernel_at(tree, revision)
    source = tree.at(resolved)
    read: list[HookTable] = []
    for name in tables or tuple(dict.fromkeys(found.name for found in list_hook_tables(source, scope=SCOPE))):
        progress(name)
        found = find_hook_tables(source, table=name, scope=SCOPE).tables
        if not found and tables:
            raise KpatchError("no-such-table", f"{revision} has no hook table {name} in {SCOPE[0]}")
        read.extend(found)
    homes = {
        override.location.function: override.location.file
        for table in read
        for slot in table.slots
        for override in slot.overrides
        if override.location.function is not None
    }
    unknown = [name for name in installers if name not in homes]
    if unknown:
        raise KpatchError(
            "no-such-function",
            f"{unknown[0]} overrides no slot of these tables in {revision}",
            hint="one of: " + ", ".join(sorted(homes)),
        )
    progress("set-up code")
    wanted = {name: file for name, file in homes.items() if not installers or name in installers}
    executions = execute_installers(source, wanted, [table.name for table in read], platform=platform, profile=profile)
    compared = [_compare(table, read, executions) for table in read if table.name not in executions.left_out]
    return ExecutedReport(resolved, _settled(compared, source, executions.symbols), executions)


def _compare(table: HookTable, tables: Sequence[HookTable], executions: Executions) -> TableExecuted:
    alike = [other for other in tables if other.type == table.type]
    runs = {run.function: _slots_of(run, table.name) for run in executions.runs}
    first = next(iter(runs.values()), {})
    compared = [_default(table, slot, first[slot.path]) for slot in table.slots if slot.path in first]
    for run in executions.runs:
        compared.extend(_overrides(table, alike, run, runs[run.function]))
    return TableExecuted(
        table=table,
        slots=len(first),
        other=tuple(slot.path for slot in table.slots if slot.path not in first),
        compared=tuple(compared),
        changed=tuple((name, sum(slot.changed for slot in slots.values())) for name, slots in runs.items()),
    )


def _settled(
    tables: Sequence[TableExecuted], source: BlobSource, symbols: Mapping[str, bool]
) -> tuple[TableExecuted, ...]:
    """The same, with what explains a difference: a macro for what memory has, or a condition that does not hold."""

    @cache
    def stands_for(name: str) -> frozenset[str]:
        return frozenset(
            "" if word == "NULL" else word
            for body in object_macros(source, name, scope=SCOPE)
            for word in re.findall(r"\w+", body)
        )

    @cache
    def standing(location: Location) -> Standing:
        return standing_of(source, location, symbols)

    def settle(one: Compared) -> Compared:
        if one.reading not in DISAGREEMENTS:
            return one
        if any(one.executed in stands_for(name) for name in one.read if name.isidentifier()):
            return replace(one, reading=Reading.MACRO)
        conditional = one.location is not None and standing(one.location) is not Standing.ALWAYS
        if conditional and one.reading is not Reading.NOT_IN_TEXT and (one.installer or not one.executed):
            return replace(one, reading=Reading.NOT_TAKEN)
        return one

    return tuple(replace(table, compared=tuple(settle(one) for one in table.compared)) for table in tables)


def _slots_of(run: Execution, table: str) -> dict[str, ExecutedSlot]:
    return {slot.path: slot for one in run.tables if one.name == table for slot in one.slots}


def _default(table: HookTable, slot: Slot, executed: ExecutedSlot) -> Compared:
    read = tuple(_value(default) for default in slot.defaults) or ("",)
    agree = executed.before in read
    location = slot.defaults[0].location if slot.defaults else None
    reading = Reading.AGREE if agree else Reading.OTHER_DEFAULT
    return Compared(f"{table.name}.{slot.path}", "", read, executed.before, reading, location)


def _overrides(
    table: HookTable, alike: Sequence[HookTable], run: Execution, executed: dict[str, ExecutedSlot]
) -> Iterator[Compared]:
    """Overrides that `run`'s own function holds, and changes that other functions make.

    `alike` are the tables of the same type: one that a pointer points to is overridden under the pointer's name.
    """
    for slot in table.slots:
        held = executed.get(slot.path)
        if held is None:
            continue
        name = f"{table.name}.{slot.path}"
        own = [one for one in slot.overrides if one.location.function == run.function]
        same = [other.slot(slot.path) for other in alike]
        values = {_value(one) for there in same if there is not None for one in there.overrides}
        if own:
            read = tuple(dict.fromkeys(_value(one) for one in own))
            yield Compared(name, run.function, read, held.after, _reading(own, run, held), own[-1].location)
        elif held.changed:
            reading = Reading.AGREE if held.after in values else Reading.NOT_IN_TEXT
            yield Compared(name, run.function, tuple(sorted(values)), held.after, reading, None)


def _reading(own: Sequence[Reference], run: Execution, held: ExecutedSlot) -> Reading:
    if held.after in {_value(one) for one in own}:
        return Reading.AGREE
    if run.line is not None and all(one.location.line >= run.line for one in own):
        return Reading.NOT_REACHED
    return Reading.NOT_IN_TEXT if held.changed else Reading.NOT_IN_MEMORY


def _value(reference: Reference) -> str:
    return "" if reference.function == "NULL" else reference.function
