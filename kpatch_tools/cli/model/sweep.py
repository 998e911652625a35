"""`kpt model sweep`: one kernel, all memory maps up to a bound."""

from pathlib import Path

import click
from rich.console import Console

from kpatch_tools.app.model_sweep import RevisionSweep, SweepRequest, sweep_revision
from kpatch_tools.cli.patches import read_bytes
from kpatch_tools.cli.session import Session, cache_dir, kept_translations, verb
from kpatch_tools.model import Layout, Verdict
from kpatch_tools.model.sweep import DEFAULT_BOUND, MAX_BOUND, Counterexample, Outcome, RealTrial
from kpatch_tools.patch import parse_patch
from kpatch_tools.workers import processors

_STYLES = {Verdict.OK: "green", Verdict.UNDETERMINED: "yellow", Verdict.NOT_RUN: "dim"}


@click.command("sweep")
@click.option("--rev", default="HEAD", show_default=True, help="Revision to execute.")
@click.option("--with", "patch", metavar="PATCH", help="A patch applied in memory first (- for standard input).")
@click.option(
    "--bound",
    default=DEFAULT_BOUND,
    show_default=True,
    type=click.IntRange(1, MAX_BOUND),
    help="How many steps the memory grows: all layouts up to there.",
)
@click.option("--jobs", type=click.IntRange(1), help="Processes to use.  [default: one a core]")
@click.option("--resume", is_flag=True, help="Use results that the journal has of this very kernel.")
@click.option("--journal", type=click.Path(path_type=Path), help="File to keep results in.  [default: in the cache]")
@click.option("--until-fault", is_flag=True, help="End with the first fault.")
@click.option("--no-confirm", is_flag=True, help="Do not try counterexamples at real size.")
@verb
def command(
    session: Session,
    *,
    rev: str,
    patch: str | None,
    bound: int,
    jobs: int | None,
    resume: bool,
    journal: Path | None,
    until_fault: bool,
    no_confirm: bool,
) -> int:
    """Boot REV on every memory map up to a bound, on a machine scaled down so that thousands take a minute.

    Its page tables have 16 entries instead of 512 and all addresses keep their proportions. The layouts are all
    combinations of memory sizes, holes, reserved tops, RAM above the boundary (really 4 GiB), kernel images, with and
    without ACPI, with and without node data. Of each kind of fault one is shrunk until nothing more can be taken away,
    and then tried at real size: it is reported as confirmed, or not.

    Results are kept as they come: after Ctrl-C, --resume goes on. Exit 0 when all layouts are OK, 1 when one faults, 3
    when one is undetermined, or when what faults was tried at real size and all went well there.

    \b
    Examples:
      kpt model sweep --rev v2.6.39
      kpt model sweep --rev v2.6.39-rc5 --bound 2 --until-fault
      kpt generate pagetable_reserve --for 92bdaef7b2c | kpt model sweep --rev 92bdaef7b2c --with -
    """
    request = SweepRequest(
        revision=rev,
        bound=bound,
        journal=journal or cache_dir() / "sweep.jsonl",
        patch=parse_patch(read_bytes(patch)) if patch is not None else None,
        jobs=jobs or processors(),
        resume=resume,
        until_fault=until_fault,
        confirm=not no_confirm,
    )
    try:
        with session.progress(f"sweeping {rev}") as step:
            done = sweep_revision(session.tree, request, progress=step, translations=kept_translations())
    except KeyboardInterrupt:
        session.err.print(f"stopped; --resume goes on with what {request.journal} has", markup=False)
        raise
    if session.as_json:
        session.print_json(_fields(done))
    else:
        _print(session.out, done, verbosity=session.verbosity)
    return done.exit


def _fields(done: RevisionSweep) -> dict[str, object]:
    report = done.report
    return {
        "revision": done.revision.spelled,
        "commit": done.revision.oid,
        "patched": done.patched,
        "machine": report.machine.name,
        "profile": report.machine.profile.name,
        "bound": report.enumeration.bound,
        "enumeration": str(report.enumeration),
        "layouts": len(report.outcomes),
        "left_out": report.enumeration.left_out,
        "counts": {verdict.value: count for verdict, count in report.counts.items()},
        "booted": report.booted,
        "remembered": report.remembered,
        "seconds": round(report.seconds, 3),
        "rate": round(report.rate, 1),
        "reason": report.reason,
        "counterexamples": [_example(one) for one in report.counterexamples],
        "undetermined": list(_reasons(done)),
    }


def _example(one: Counterexample) -> dict[str, object]:
    return {
        **_outcome(one.outcome),
        "layouts": one.shapes,
        "found": one.found.name,
        "smallest": one.smallest.name,
        "confirmed": one.confirmed,
        "real": [
            {"e820": _map(trial.layout), **_flags(trial.layout), **_outcome(trial.outcome)} for trial in one.trials
        ],
    }


def _outcome(outcome: Outcome) -> dict[str, object]:
    return {
        "verdict": outcome.verdict.value,
        "fault": outcome.kind or None,
        "stage": outcome.stage,
        "message": outcome.message,
    }


def _flags(layout: Layout) -> dict[str, object]:
    """What `kpt model --layout FILE.json` needs besides the map to boot the same machine."""
    flags: dict[str, object] = {"acpi": layout.acpi, "numa": layout.numa, "pages": layout.pages}
    return flags if layout.image_end is None else {**flags, "image_end": layout.image_end}


def _map(layout: Layout) -> list[str]:
    return [f"{entry.start:#x}-{entry.end:#x} {entry.type.name.lower()}" for entry in layout.ranges]


def _reasons(done: RevisionSweep) -> dict[str, None]:
    """Why layouts have no verdict, each reason once."""
    return {one.message: None for one in done.report.outcomes if one.verdict is Verdict.UNDETERMINED}


def _print(out: Console, done: RevisionSweep, *, verbosity: int) -> None:
    report = done.report
    patched = ", with the patch" if done.patched else ""
    out.print(f"{done.revision.spelled}{patched}, on {report.machine.name}", style="bold", markup=False)
    out.print(f"{report.enumeration}", markup=False)
    for verdict, count in report.counts.items():
        out.print(f"  [{_STYLES.get(verdict, 'red')}]{verdict.value:<12}[/] {count}")
    for reason in _reasons(done):
        out.print(f"      {reason}", markup=False)
    for one in report.counterexamples:
        _print_example(out, one, verbosity=verbosity)
    remembered = f", {report.remembered} remembered" if report.remembered else ""
    out.print(f"{report.booted} booted in {report.seconds:.1f} s ({report.rate:.0f} a second){remembered}", style="dim")


def _print_example(out: Console, one: Counterexample, *, verbosity: int) -> None:
    outcome = one.outcome
    out.print(f"\n{outcome.verdict}, {outcome.kind}: {one.shapes} layouts, such as {one.found.name}", markup=False)
    out.print(f"  smallest: {one.smallest.name} (pages of the scaled machine)", markup=False)
    out.print(f"      {outcome.message} (during {outcome.stage})", markup=False)
    trial = one.real
    if trial is None:
        out.print("  not tried at real size", style="yellow")
        return
    if one.confirmed:
        out.print("  confirmed at real size:", style="red")
    else:
        out.print(f"  not confirmed: at real size {_said(trial)}", style="yellow", markup=False)
    for line in _map(trial.layout) if one.confirmed or verbosity > 0 else ():
        out.print(f"      {line}", markup=False)
    if one.confirmed:
        out.print(f"      {trial.outcome.message} (during {trial.outcome.stage})", markup=False)


def _said(trial: RealTrial) -> str:
    outcome = trial.outcome
    return (
        f"{outcome.verdict}"
        + (f", {outcome.kind}" if outcome.kind else "")
        + (f": {outcome.message}" if outcome.message else "")
    )
