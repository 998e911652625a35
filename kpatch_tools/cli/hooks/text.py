"""Hook tables for a terminal."""

from rich.console import Console

from kpatch_tools.cli.hooks.lines import print_line, print_rows
from kpatch_tools.core.span import Location
from kpatch_tools.hooks import Coverage, HookTable


def print_table(out: Console, table: HookTable, revision: str) -> None:
    """One table: a line for each slot and everything that fills or calls it, and the sums."""
    print_line(out, f"{table.name}  {table.type}  {table.file}:{table.line}  at {revision}", "bold")
    for slot in table.slots:
        print_line(out, f"{slot.path}  {slot.signature}", "cyan")
        print_rows(out, "default", [f"{one.function:<36} {one.location}" for one in slot.defaults])
        print_rows(out, "override", [f"{one.function:<36} {_where(one.location)}" for one in slot.overrides])
        for kind, places in (("call", slot.call_sites), ("guard", slot.guards)):
            print_rows(out, kind, [f"{place.function or '(in a macro)':<36} {place}" for place in places])
    overrides = sum(len(slot.overrides) for slot in table.slots)
    calls = sum(len(slot.call_sites) for slot in table.slots)
    defaults = sum(slot.default is not None for slot in table.slots)
    print_line(out, f"{len(table.slots)} slots, {defaults} defaults, {overrides} overrides, {calls} call sites")


def print_coverage(out: Console, coverage: Coverage) -> None:
    """How much was read, and every place that was not understood."""
    print_line(out, f"parsed the {coverage.files} of {coverage.searched_files} files that name the table", "dim")
    for one in coverage.not_understood:
        print_line(out, f"not understood: {one.location}: {one.reason}: {one.text}", "yellow")


def _where(location: Location) -> str:
    return f"{location}  in {location.function}" if location.function else str(location)
