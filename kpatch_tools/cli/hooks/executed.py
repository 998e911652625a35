"""`kpt hooks executed`: hook tables as the tree's own set-up code fills them."""

import click

from kpatch_tools.app.hooks_executed import Compared, ExecutedReport, Reading, TableExecuted, execute_tables
from kpatch_tools.cli.model.arguments import platform_options
from kpatch_tools.cli.session import Session, verb
from kpatch_tools.model import Platform, Profile


@click.command("executed")
@click.option("--rev", default="HEAD", show_default=True, help="Revision to execute.")
@click.option("--table", "tables", multiple=True, help="A table's variable; may be repeated.  [default: all of x86]")
@click.option(
    "--run",
    "installers",
    multiple=True,
    metavar="FUNCTION",
    help="Set-up function to run; may be repeated.  [default: each that overrides a slot]",
)
@platform_options
@verb
def command(
    session: Session,
    *,
    rev: str,
    tables: tuple[str, ...],
    installers: tuple[str, ...],
    platform: Platform,
    profile: Profile | None,
) -> int:
    """Run the tree's own set-up functions on the modelled machine and read the hook tables from its memory.

    Each function runs on a machine just switched on, as far as the model can follow it. What memory holds is compared
    with what the text says: defaults before, overrides after. A function that another configuration compiles, or that
    takes arguments, is named and not run. Exit 0 where text and memory agree, 1 where they do not.

    \b
    Examples:
      kpt hooks executed --rev v2.6.39 --table x86_init --table pv_mmu_ops --run xen_init_mmu_ops
      kpt hooks executed --rev v3.1 --table x86_init
      kpt hooks executed --rev v3.1 --json | jq '.tables[] | {name, changed}'
    """
    with session.progress(f"executing {rev}") as step:
        report = execute_tables(
            session.tree,
            rev,
            tables=tables,
            installers=installers,
            platform=platform,
            profile=profile,
            progress=step,
        )
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session, report)
    return report.exit


def _fields(report: ExecutedReport) -> dict[str, object]:
    executions = report.executions
    return {
        "revision": report.revision.spelled,
        "commit": report.revision.oid,
        "platform": executions.platform,
        "profile": executions.profile,
        "disagreements": len(report.disagreements),
        "tables": [_table(table) for table in report.tables],
        "stopped": {run.function: run.stopped for run in executions.runs if run.stopped},
        "not_compiled": list(executions.not_compiled),
        "left_out": list(executions.left_out),
    }


def _table(table: TableExecuted) -> dict[str, object]:
    return {
        "name": table.table.name,
        "slots": table.slots,
        "other_configurations": list(table.other),
        "changed": dict(table.changed),
        "compared": [_compared(one) for one in table.compared],
    }


def _compared(one: Compared) -> dict[str, object]:
    return {
        "slot": one.slot,
        "installer": one.installer or None,
        "read": list(one.read),
        "executed": one.executed,
        "reading": one.reading.value,
        "file": one.location.file if one.location else None,
        "line": one.location.line if one.location else None,
    }


def _print(session: Session, report: ExecutedReport) -> None:
    executions = report.executions
    _say(session, f"{report.revision.spelled}  on {executions.platform}, configured as {executions.profile}", "bold")
    for table in report.tables:
        other = f", {len(table.other)} more in other configurations" if table.other else ""
        _say(session, f"{table.table.name}: {table.slots} slots{other}", "cyan")
        for function, changed in table.changed:
            if changed:
                _say(session, f"    {function} changes {changed}")
        shown = table.compared if session.verbosity > 0 else [one for one in table.compared if _stands_out(one)]
        for one in shown:
            style = "" if one.reading is Reading.AGREE else "yellow"
            _say(session, f"    {one.reading.value:<14} {one.slot}  {_sides(one)}", style)
    for run in executions.runs:
        if run.stopped:
            _say(session, f"{run.function} stopped: {run.stopped}", "dim")
    if executions.not_compiled:
        _say(session, "not compiled here, or takes arguments: " + ", ".join(executions.not_compiled), "dim")
    if executions.left_out:
        _say(session, "not among the files read: " + ", ".join(executions.left_out), "dim")
    total = sum(len(table.compared) for table in report.tables)
    _say(session, f"{total} readings compared, {len(report.disagreements)} disagreements", "bold")


def _stands_out(one: Compared) -> bool:
    return one.reading is not Reading.AGREE


def _sides(one: Compared) -> str:
    text = " or ".join(value or "NULL" for value in one.read) or "nothing"
    where = f" ({one.location})" if one.location else ""
    after = f" after {one.installer}" if one.installer else ""
    return f"text: {text}{where}; memory{after}: {one.executed or 'NULL'}"


def _say(session: Session, text: str, style: str = "") -> None:
    session.out.print(text, style=style, markup=False)
