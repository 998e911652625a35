"""`kpt model --truth`: the comparison with real boots, printed."""

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from kpatch_tools.app.truth import TruthReport, check_truth
from kpatch_tools.cli.model.fields import run_fields
from kpatch_tools.cli.session import Session
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model.truth import Agreement, Comparison, parse_boots

_STYLES = {Agreement.AGREE: "green", Agreement.DISAGREE: "red", Agreement.UNDETERMINED: "yellow"}


def compare_with_truth(session: Session, file: str, allowed: tuple[str, ...]) -> int:
    """Run every record of `file` and print what came of it; the exit code."""
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise KpatchError("bad-record", f"cannot read {file}: {error.strerror}", hint="name a readable file") from error
    boots = parse_boots(data, name=file)
    with session.progress("comparing with real boots") as step:
        report = check_truth(session.tree, boots, allow_undetermined=allowed, progress=step)
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session, report)
    return report.exit


def split_ids(values: tuple[str, ...]) -> tuple[str, ...]:
    """`--allow-undetermined` may be repeated, and holds ids separated by commas."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def _fields(report: TruthReport) -> dict[str, object]:
    return {
        "agree": report.count(Agreement.AGREE),
        "disagree": report.count(Agreement.DISAGREE),
        "undetermined": report.count(Agreement.UNDETERMINED),
        "confusion": {
            outcome: {verdict.value: count for verdict, count in row.items()}
            for outcome, row in report.confusion.items()
        },
        "allowed_undetermined": sorted(report.allowed),
        "allowed_but_not_undetermined": list(report.not_undetermined),
        "records": [_record(comparison, report) for comparison in report.comparisons],
    }


def _record(comparison: Comparison, report: TruthReport) -> dict[str, object]:
    return {
        "id": comparison.boot.id,
        "state": comparison.state.value,
        "allowed": comparison.state is Agreement.UNDETERMINED and comparison.boot.id in report.allowed,
        "outcome": "crash" if comparison.boot.crashed else "boots",
        "why": list(comparison.why),
        **run_fields(comparison.run),
    }


def _print(session: Session, report: TruthReport) -> None:
    out = session.out
    verdicts = sorted({verdict for row in report.confusion.values() for verdict in row})
    table = Table("really", *(escape(verdict.value) for verdict in verdicts), title="real outcome × model verdict")
    for outcome, row in report.confusion.items():
        table.add_row(outcome, *(str(row.get(verdict, 0)) for verdict in verdicts))
    out.print(table)
    for comparison in report.comparisons:
        if comparison.state is Agreement.AGREE and session.verbosity < 1:
            continue
        style = _STYLES[comparison.state]
        allowed = " (allowed)" if _record(comparison, report)["allowed"] else ""
        out.print(f"[{style}]{comparison.state.value}[/] {escape(comparison.boot.id)}{allowed}")
        for line in comparison.why:
            out.print(f"    {line}", markup=False)
    for name in report.not_undetermined:
        out.print(f"allowed to be undetermined, but is not: {name}", markup=False)
    counts = ", ".join(f"{report.count(state)} {state.value}" for state in Agreement)
    out.print(f"{len(report.comparisons)} real boots: {counts}")
