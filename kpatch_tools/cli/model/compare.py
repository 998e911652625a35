"""`kpt model compare`: what a patch changes on the machine."""

import click
from rich.console import Console

from kpatch_tools.app.model_compare import Changes, CompareReport, compare
from kpatch_tools.cli.model.arguments import chosen_layouts, layouts_option
from kpatch_tools.cli.model.fields import run_fields
from kpatch_tools.cli.patches import read_bytes
from kpatch_tools.cli.session import Session, verb
from kpatch_tools.model.compare import BootedState, Difference, StateComparison
from kpatch_tools.patch import parse_patch

_SHOWN = 6
"""Ranges and lines of each kind that are printed without -v."""
_STYLES = {"identical": "green", "differs": "red", "undetermined": "yellow"}


@click.command("compare")
@click.argument("old", metavar="A")
@click.argument("new", metavar="[B]", required=False)
@click.option("--with", "patch", metavar="PATCH", help="A patch applied to B in memory first (- for standard input).")
@click.option("--without-hook", is_flag=True, help="Take the hook (--hook) out of B in memory.")
@click.option("--hook", default="pagetable_reserve", show_default=True, help="Which one --without-hook takes out.")
@click.option("--without-loop", "function", metavar="FUNCTION", help="Take the loops of this function out of B.")
@layouts_option
@verb
def command(
    session: Session,
    *,
    old: str,
    new: str | None,
    patch: str | None,
    without_hook: bool,
    hook: str,
    function: str | None,
    layouts: tuple[str, ...],
) -> int:
    """Boot A and B (A itself where only a change is named) and compare the states they leave the machine in.

    Compared, layout by layout: which frames are page tables and of which level, what the direct map and the image's
    map hold and with which rights, what the kernel's early books hold to be memory, reserved and free. What the kernel
    printed is shown beside it and decides nothing. A boot that faults is compared as the fault left it. Of each kind
    the first ranges are shown; -v shows all, --json always has all.

    Exit 0 when every layout is identical, 1 when one differs (in state, in its verdict, or in how it fails), 3 when
    none differs and one is undetermined on either side; 2 on bad input.

    \b
    Examples:
      kpt model compare v3.1 --without-hook
      kpt model compare v3.1 --without-loop xen_mapping_pagetable_reserve
      kpt model compare 92bdaef7b2c 279b706bf80 --layout 512M -v
      kpt generate pagetable_reserve --for 92bdaef7b2c | kpt model compare 92bdaef7b2c --with - --json
    """
    if new is None and patch is None and not without_hook and function is None:
        raise click.UsageError("name a second revision, or a change: --with, --without-hook, --without-loop")
    changes = Changes(
        patch=parse_patch(read_bytes(patch)) if patch is not None else None,
        without_hook=hook if without_hook else None,
        without_loops_of=function,
    )
    with session.progress(f"comparing {old}") as step:
        report = compare(session.tree, old, new or old, chosen_layouts(layouts), changes=changes, progress=step)
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session, report)
    return report.exit


def _fields(report: CompareReport) -> dict[str, object]:
    return {
        "old": {"revision": report.old.spelled, "commit": report.old.oid},
        "new": {"revision": report.new.spelled, "commit": report.new.oid, "changes": report.changes},
        "redundant": report.is_redundant,
        "comparisons": [_comparison(one) for one in report.comparisons],
    }


def _comparison(one: StateComparison) -> dict[str, object]:
    return {
        "layout": one.layout.name,
        "verdict": one.verdict,
        "old": _side(one.before),
        "new": _side(one.after),
        "differences": [
            {
                "aspect": piece.aspect,
                "start": f"{piece.start:#x}",
                "end": f"{piece.end:#x}",
                "old": piece.before,
                "new": piece.after,
            }
            for piece in one.differences
        ],
        "printed": list(one.printed),
    }


def _side(booted: BootedState) -> dict[str, object]:
    """`state` is null for a boot that never began."""
    state = booted.state
    return {
        "run": run_fields(booted.run),
        "state": None
        if state is None
        else {
            "complete": state.complete,
            "tables_by_level": {f"L{level}": count for level, count in state.tables_by_level.items()},
            **{
                name.replace(" ", "_"): [
                    {"start": f"{run.start:#x}", "end": f"{run.end:#x}", "value": run.value} for run in runs
                ]
                for name, runs in state.aspects()
            },
        },
    }


def _print(session: Session, report: CompareReport) -> None:
    out = session.out
    changed = f" {report.changes}" if report.changes else ""
    out.print(f"{report.old.spelled} against {report.new.spelled}{changed}", style="bold", markup=False)
    for one in report.comparisons:
        _print_comparison(out, one, limit=None if session.verbosity > 0 else _SHOWN)
    if report.is_redundant:
        what = report.changes.removeprefix("without ")
        taken = report.changes.startswith("without ")
        said = f"redundant here: {what}" if taken else f"{report.changes}: no effect on the machine"
        out.print(f"{said} (the same state on each of these layouts)", style="green", markup=False)


def _print_comparison(out: Console, one: StateComparison, *, limit: int | None) -> None:
    before, after = one.before.run, one.after.run
    out.print(f"  [{_STYLES[one.verdict]}]{one.verdict:<12}[/] {one.layout.name}: {before.verdict} → {after.verdict}")
    for side, booted in (("A", one.before), ("B", one.after)):
        run = booted.run
        why = run.fault.lines()[:1] if run.fault is not None else (run.reason,) if run.reason else ()
        for line in why:
            out.print(f"      {side}: {line}", markup=False)
        if booted.state is not None and not booted.state.complete:
            out.print(f"      {side}: the state is that at the fault, in stage {run.stage}", style="dim", markup=False)
    if one.before.state is not None and one.after.state is not None:
        counts = [booted.state.tables_by_level for booted in (one.before, one.after) if booted.state is not None]
        for level in counts[0]:
            if counts[0][level] != counts[1][level]:
                out.print(f"      L{level} tables: {counts[0][level]} → {counts[1][level]}", markup=False)
    for aspect in dict.fromkeys(piece.aspect for piece in one.differences):
        pieces = [piece for piece in one.differences if piece.aspect == aspect]
        size = sum(piece.end - piece.start for piece in pieces)
        out.print(f"      {aspect}: {size >> 10} KiB in {len(pieces)} ranges differ", markup=False)
        _print_capped(out, [_range(piece) for piece in pieces], limit)
    if one.printed:
        out.print("      messages:", style="dim")
        _print_capped(out, list(one.printed), limit)


def _range(piece: Difference) -> str:
    return f"{piece.start:#x}-{piece.end:#x}: {piece.before or 'nothing'} → {piece.after or 'nothing'}"


def _print_capped(out: Console, lines: list[str], limit: int | None) -> None:
    for line in lines[:limit]:
        out.print(f"        {line}", style="dim", markup=False)
    if limit is not None and len(lines) > limit:
        out.print(f"        … {len(lines) - limit} more (-v)", style="dim", markup=False)
