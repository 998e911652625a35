"""Answers of the map for a terminal, and for grep where they are piped."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpatch_tools.app.hooks_map import FunctionReport, SlotReport
from kpatch_tools.cli.hooks.lines import plain, print_line, print_rows
from kpatch_tools.hooks.index.facts import At, Function, Unread
from kpatch_tools.hooks.index.query import Extent
from kpatch_tools.hooks.survey.atlas import (
    CallSite,
    Instance,
    Put,
    ReadSlot,
    Service,
    TableKind,
    TableList,
    TableType,
    TypeReading,
    Unresolved,
)

_SHOWN: Final = 8
"""Lines of one sort that a terminal is given where there are more; -v and a pipe get all."""


class MapPrinter:
    """`verbosity` as in Session."""

    def __init__(self, out: Console, *, verbosity: int) -> None:
        self._out = out
        self._all = verbosity > 0 or not out.is_terminal

    def types(self, found: TableList) -> None:
        """A row for each type: a table on a terminal, else columns between tabs."""
        rows = [
            (table.type, str(len(table.slots)), table.kind.value, _instances(table), str(table.location))
            for table in found.tables
        ]
        if not self._out.is_terminal:
            for row in rows:
                self._line("\t".join(row))
        else:
            grid = Table(box=None, pad_edge=False, header_style="bold")
            grid.add_column("type", overflow="fold", style="cyan")
            grid.add_column("slots", justify="right", no_wrap=True)
            grid.add_column("kind", no_wrap=True)
            grid.add_column("variables", overflow="fold")
            grid.add_column("where", overflow="fold", style="dim")
            for row in rows:
                grid.add_row(*(Text(plain(cell)) for cell in row))
            self._out.print(grid, soft_wrap=False)
        kinds = [table.kind for table in found.tables]
        own, many = kinds.count(TableKind.OWN), kinds.count(TableKind.MANY)
        none = len(kinds) - own - many
        self._line(f"{_count(len(kinds), 'type')}: {own} with one variable, {many} with many, {none} with none", "dim")

    def readings(self, readings: Iterable[TypeReading], revision: str) -> None:
        """Types of one name: a line for each slot and everything that fills or calls it."""
        for reading in readings:
            self._reading(reading, revision)

    def _reading(self, reading: TypeReading, revision: str) -> None:
        table = reading.table
        self._head(table, revision)
        for slot in reading.slots:
            self._slot(slot)
        puts = sum(len(slot.defaults) for slot in reading.slots), sum(len(slot.overrides) for slot in reading.slots)
        calls = sum(len(slot.calls) for slot in reading.slots)
        told = [_count(len(reading.slots), "slot"), _count(puts[0], "default"), _count(puts[1], "override")]
        self._line(", ".join([*told, _count(calls, "call site")]))
        self._limits(reading.unresolved, reading.unread)

    def stories(self, reports: Iterable[SlotReport], revision: str) -> None:
        """One slot, of each type it may be of: the table, what goes into it, who calls it, and the functions in it."""
        for report in reports:
            story = report.story
            self._head(story.table, revision, story.variable)
            self._slot(story.slot)
            self._functions("function", report.definitions)
            self._limits(story.unresolved, story.unread)

    def services(self, report: FunctionReport, revision: str) -> None:
        """A function and the slots that it serves."""
        found = report.services
        self._line(f"{report.function}  at {revision}: serves {_count(len(found.services), 'slot')}", "bold")
        self._functions("defined", report.definitions)
        self._some("slot", [_service(service) for service in found.services])
        self._limits(found.unresolved, found.unread)

    def extent(self, extent: Extent) -> None:
        """How much there is, and how much of that was not understood."""
        size = f"{_count(extent.files, 'C file')}, {extent.bytes / 1e6:.1f} MB"
        if not extent.unread_files:
            self._line(f"{size}: all of it was understood", "dim")
            return
        share = 100 * extent.unread_bytes / max(extent.bytes, 1)
        self._line(
            f"{size}: {extent.unread_bytes} bytes ({share:.2f} %) in {_count(extent.unread_files, 'file')} "
            "were not understood",
            "dim",
        )

    def _line(self, text: str, style: str = "") -> None:
        print_line(self._out, text, style)

    def _head(self, table: TableType, revision: str, variable: str = "") -> None:
        name = f"{variable}  {table.type}" if variable else table.type
        instances = _count(len(table.instances), "variable")
        self._line(f"{name}  {table.location}  at {revision}: {_count(len(table.slots), 'slot')}, {instances}", "bold")
        shown = [one for one in table.instances if not variable or one.name == variable]
        self._some("variable", [_instance(one) for one in shown])

    def _slot(self, slot: ReadSlot) -> None:
        self._line(f"{slot.slot.path}  {slot.slot.signature}  {slot.slot.location}", "cyan")
        self._some("default", [_put(put) for put in slot.defaults])
        self._some("override", [_put(put) for put in slot.overrides])
        self._some("call", [_call(call) for call in slot.calls])

    def _functions(self, kind: str, functions: Iterable[At[Function]]) -> None:
        self._some(kind, [_function(one) for one in functions])

    def _limits(self, unresolved: Sequence[Unresolved], unread: Sequence[At[Unread]]) -> None:
        lines = [
            f"{one.text:<36} {_where(one.location.file, one.location.line, one.location.function)}: "
            f"{'one of several types of that name' if one.ambiguous else 'what it belongs to is not known'}"
            for one in unresolved
        ]
        if lines:
            self._line(f"{_count(len(lines), 'use')} of members of such names may belong here, too", "yellow")
            self._some("perhaps", lines)
        for part in unread:
            self._line(f"not understood: {part.file}:{part.fact.first}-{part.fact.last}: {part.fact.reason}", "yellow")

    def _some(self, kind: str, lines: Sequence[str]) -> None:
        shown = lines if self._all or len(lines) <= _SHOWN + 1 else lines[:_SHOWN]
        print_rows(self._out, kind, shown)
        if len(shown) < len(lines):
            print_rows(self._out, kind, [f"… and {len(lines) - len(shown)} more (-v)"], "dim")


def _instances(table: TableType) -> str:
    match table.kind:
        case TableKind.NONE:
            return "-"
        case TableKind.OWN:
            return _variable(table.instances[0])
        case TableKind.MANY:
            return str(len(table.instances))


def _instance(one: Instance) -> str:
    notes = ["private" if one.private else "", f"array of {one.elements}" if one.array else "", one.annotation]
    noted = ", ".join(note for note in notes if note)
    where = _where(one.location.file, one.location.line, one.location.function)
    return f"{_variable(one):<36} {where}" + (f"  {noted}" if noted else "")


def _variable(one: Instance) -> str:
    """`x86_init`, or the member of it that is the table: `x86_init.mapping`."""
    return f"{one.name}.{one.prefix}" if one.prefix else one.name


def _put(put: Put) -> str:
    into = f"  into {put.variable}" if put.variable else ""
    into += f"[{put.element}]" if put.variable and put.element else ""
    where = _where(put.location.file, put.location.line, put.location.function)
    return f"{put.value:<36} {where}{into}{'  conditionally' if put.conditional else ''}"


def _call(call: CallSite) -> str:
    where = call.location.function or "(in a macro)"
    by = f"  by {call.macro}" if call.macro else ""
    of = f"  of {call.variable}" if call.variable else ""
    return f"{where:<36} {call.location}{by}{of}{'  guarded' if call.guarded else ''}"


def _service(service: Service) -> str:
    put = service.put
    into = f"  into {put.variable}" if put.variable else ""
    name = f"{service.type}.{service.path}"
    return f"{name:<36} {_where(put.location.file, put.location.line, put.location.function)}{into}"


def _function(function: At[Function]) -> str:
    fact = function.fact
    section = f"  {fact.annotation}" if fact.annotation else ""
    return f"{fact.signature:<36} {function.file}:{fact.line}{section}"


def _where(file: str, line: int, function: str | None) -> str:
    return f"{file}:{line}" + (f"  in {function}" if function else "")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
