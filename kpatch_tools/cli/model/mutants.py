"""`kpt model mutants`: would the model notice if this code were wrong?"""

import click
from rich.console import Console

from kpatch_tools.app.model_mutants import MutantsReport, mutate_hook
from kpatch_tools.cli.model.arguments import layout_of, layouts_option
from kpatch_tools.cli.session import Session, verb
from kpatch_tools.model.mutants import Fate, MutantOutcome

_STYLES = {Fate.KILLED: "green", Fate.LATENT: "green", Fate.EQUIVALENT: "red", Fate.UNDETERMINED: "yellow"}


@click.command("mutants")
@click.option("--rev", default="HEAD", show_default=True, help="Revision whose code is mutated.")
@click.option("--hook", default="pagetable_reserve", show_default=True, help="Hook whose code is mutated.")
@click.option("--function", "functions", multiple=True, metavar="NAME", help="Mutate these functions instead.")
@layouts_option
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1), help="Processes to use.")
@verb
def command(
    session: Session, *, rev: str, hook: str, functions: tuple[str, ...], layouts: tuple[str, ...], jobs: int
) -> int:
    """Break the hook's code at REV, one token or statement at a time, and boot each mutant on the layouts.

    Mutants are derived by rule from the syntax tree: other relational and arithmetic operators, one page more or less,
    another variable or function of the same type, statements dropped or swapped, conditions negated. Each is killed (a
    boot crashes), latent (none crashes, but free memory stays read-only, a live page table free, or spare pages
    reserved), equivalent-so-far (every boot is OK) or undetermined.

    Exit 0 when every mutant is killed or latent, 1 when one is equivalent so far, 3 when one is undetermined.

    \b
    Examples:
      kpt model mutants --rev v2.6.39
      kpt model mutants --rev v2.6.39 --function mask_rw_pte --layout 64M
      kpt model mutants --rev v2.6.39 --json | jq '.mutants[] | select(.fate == "equivalent-so-far")'
    """
    chosen = tuple(layout_of(text) for text in layouts)
    with session.progress(f"mutants of {rev}") as step:
        report = mutate_hook(session.tree, rev, chosen, hook=hook, functions=functions, jobs=jobs, progress=step)
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session.out, report, verbosity=session.verbosity)
    return report.exit


def _fields(report: MutantsReport) -> dict[str, object]:
    return {
        "revision": report.revision.spelled,
        "commit": report.revision.oid,
        "layouts": list(report.layouts),
        "places": [{"file": one.file, "line": one.line, "function": one.function} for one in report.places],
        "counts": {fate.value: report.count(fate) for fate in Fate},
        "mutants": [_mutant(one) for one in report.outcomes],
    }


def _mutant(one: MutantOutcome) -> dict[str, object]:
    run, mutant = one.run, one.mutant
    return {
        "rule": mutant.rule.value,
        "file": mutant.file,
        "line": mutant.line,
        "function": mutant.function,
        "before": mutant.before,
        "after": mutant.after,
        "fate": one.fate.value,
        "layout": None if run is None else run.layout.name,
        "verdict": None if run is None else run.verdict.value,
        "fault": None if run is None or run.fault is None else run.fault.kind,
        "reason": "" if run is None else run.reason,
        "differs": one.differs,
        "boots": one.boots,
    }


def _print(out: Console, report: MutantsReport, *, verbosity: int) -> None:
    counts = ", ".join(f"{report.count(fate)} {fate}" for fate in Fate)
    out.print(f"{report.revision.spelled}: {len(report.outcomes)} mutants: {counts}", style="bold", markup=False)
    out.print(f"on {len(report.layouts)} layouts", markup=False)
    for one in report.outcomes:
        if verbosity < 1 and one.fate in (Fate.KILLED, Fate.LATENT):
            continue
        out.print(f"  [{_STYLES[one.fate]}]{one.fate.value:<18}[/]", end="")
        out.print(str(one.mutant), markup=False)
        for line in _why(one):
            out.print(f"      {line}", style="dim", markup=False)
    if verbosity < 1:
        out.print("-v shows every mutant, with the layout that killed it", style="dim")


def _why(one: MutantOutcome) -> tuple[str, ...]:
    run = one.run
    if run is None:
        return (f"other page tables or rights on {one.differs}, which no oracle minds",) if one.differs else ()
    said = run.fault.lines()[0] if run.fault is not None else run.reason
    return (f"{run.layout.name}: {run.verdict}: {said}",)
