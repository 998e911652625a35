"""Hook tables for a terminal."""

from rich.console import Console

from kpatch_tools.hooks import Coverage, HookTable


def print_table(out: Console, table: HookTable, revision: str) -> None:
    """One table: a line for each slot and everything that fills or calls it, and the sums."""
    _line(out, f"{table.name}  {table.type}  {table.file}:{table.line}  at {revision}", "bold")
    for slot in table.slots:
        _line(out, f"{slot.path}  {slot.signature}", "cyan")
        for default in slot.defaults:
            _line(out, f"    default   {default.function:<36} {default.location}")
        for override in slot.overrides:
            where = f"  in {override.location.function}" if override.location.function else ""
            _line(out, f"    override  {override.function:<36} {override.location}{where}")
        for kind, places in (("call", slot.call_sites), ("guard", slot.guards)):
            for place in places:
                _line(out, f"    {kind:<9} {place.function or '(in a macro)':<36} {place}")
    overrides = sum(len(slot.overrides) for slot in table.slots)
    calls = sum(len(slot.call_sites) for slot in table.slots)
    defaults = sum(slot.default is not None for slot in table.slots)
    out.print(f"{len(table.slots)} slots, {defaults} defaults, {overrides} overrides, {calls} call sites")


def print_coverage(out: Console, coverage: Coverage) -> None:
    """How much was read, and every place that was not understood."""
    _line(out, f"parsed the {coverage.files} of {coverage.searched_files} files that name the table", "dim")
    for one in coverage.not_understood:
        _line(out, f"not understood: {one.location}: {one.reason}: {one.text}", "yellow")


def _line(out: Console, text: str, style: str = "") -> None:
    out.print(text, style=style, markup=False)
