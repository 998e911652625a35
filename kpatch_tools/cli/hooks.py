"""`kpt hooks`: the hook tables of a revision."""

import click

from kpatch_tools.app.hooks import HooksReport, survey_hooks
from kpatch_tools.cli.session import Session, verb
from kpatch_tools.core.span import Location
from kpatch_tools.hooks import Coverage, HookTable, Reference, Slot


@click.command("hooks")
@click.option("--rev", default="HEAD", show_default=True, help="Revision to read.")
@click.option("--table", default="x86_init", show_default=True, help="The table's variable.")
@verb
def command(session: Session, *, rev: str, table: str) -> int:
    """Show a hook table: its slots, what they default to, who overrides and who calls them.

    The table is found in the tree's own C, never listed: comments, strings, `#if 0` and names that only look alike do
    not count. What could not be understood is said.

    \b
    Examples:
      kpt hooks --rev v2.6.39
      kpt hooks --rev v3.1 --table x86_platform
      kpt hooks --rev v2.6.39 --json | jq '.tables[0].slots[] | select(.guards != [])'
    """
    with session.progress(f"reading {rev}") as step:
        step(table)
        report = survey_hooks(session.tree, rev, table=table)
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session, report)
    return 0


def _fields(report: HooksReport) -> dict[str, object]:
    return {
        "revision": report.revision.spelled,
        "commit": report.revision.oid,
        "tables": [_table(table) for table in report.atlas.tables],
        "coverage": _coverage(report.atlas.coverage),
    }


def _table(table: HookTable) -> dict[str, object]:
    return {
        "name": table.name,
        "type": table.type,
        "file": table.file,
        "line": table.line,
        "slots": [_slot(slot) for slot in table.slots],
    }


def _slot(slot: Slot) -> dict[str, object]:
    return {
        "path": slot.path,
        "signature": slot.signature,
        **_location(slot.location),
        "default": _reference(slot.default) if slot.default else None,
        "defaults": [_reference(one) for one in slot.defaults],
        "overrides": [_reference(one) for one in slot.overrides],
        "call_sites": [_location(one) for one in slot.call_sites],
        "guards": [_location(one) for one in slot.guards],
    }


def _reference(reference: Reference) -> dict[str, object]:
    """`function` is what fills the slot, `in` the function that puts it there (null in an initialiser)."""
    place = reference.location
    return {"function": reference.function, "file": place.file, "line": place.line, "in": place.function}


def _location(location: Location) -> dict[str, object]:
    return {"file": location.file, "line": location.line, "function": location.function}


def _coverage(coverage: Coverage) -> dict[str, object]:
    return {
        "files": coverage.files,
        "bytes": coverage.bytes,
        "searched_files": coverage.searched_files,
        "searched_bytes": coverage.searched_bytes,
        "not_understood": [
            {**_location(one.location), "reason": one.reason, "text": one.text} for one in coverage.not_understood
        ],
    }


def _print(session: Session, report: HooksReport) -> None:
    out = session.out
    for table in report.atlas.tables:
        _line(session, f"{table.name}  {table.type}  {table.file}:{table.line}  at {report.revision.spelled}", "bold")
        for slot in table.slots:
            _line(session, f"{slot.path}  {slot.signature}", "cyan")
            for default in slot.defaults:
                _line(session, f"    default   {default.function:<36} {default.location}")
            for override in slot.overrides:
                where = f"  in {override.location.function}" if override.location.function else ""
                _line(session, f"    override  {override.function:<36} {override.location}{where}")
            for kind, places in (("call", slot.call_sites), ("guard", slot.guards)):
                for place in places:
                    _line(session, f"    {kind:<9} {place.function or '(in a macro)':<36} {place}")
        overrides = sum(len(slot.overrides) for slot in table.slots)
        calls = sum(len(slot.call_sites) for slot in table.slots)
        defaults = sum(slot.default is not None for slot in table.slots)
        out.print(f"{len(table.slots)} slots, {defaults} defaults, {overrides} overrides, {calls} call sites")
    coverage = report.atlas.coverage
    _line(session, f"parsed the {coverage.files} of {coverage.searched_files} files that name the table", "dim")
    for one in coverage.not_understood:
        _line(session, f"not understood: {one.location}: {one.reason}: {one.text}", "yellow")


def _line(session: Session, text: str, style: str = "") -> None:
    session.out.print(text, style=style, markup=False)
