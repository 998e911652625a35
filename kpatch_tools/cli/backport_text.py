"""How the answer of the main job reads on a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from kpatch_tools.app.report import BackportReport
from kpatch_tools.backport import HunkResult, ModelResult, Outcome, RelatedCommit, Verdict
from kpatch_tools.cli.findings import print_findings

_STYLES = {
    Outcome.BACKPORTED: "bold green",
    Outcome.ALREADY_PRESENT: "bold green",
    Outcome.NOT_AFFECTED: "bold green",
    Outcome.SUPERSEDED: "bold green",
    Outcome.NEEDS_PREREQUISITE: "bold yellow",
    Outcome.PARTIALLY_PRESENT: "bold yellow",
    Outcome.UNDETERMINED: "bold yellow",
    Outcome.CONFLICT: "bold red",
}


def print_backport(out: Console, report: BackportReport, *, verbosity: int) -> None:
    """Outcome and reason first, then what they rest on, then what to do next."""
    out.print(Text.assemble((report.outcome.value, _STYLES[report.outcome]), f": {report.subject} → {report.target}"))
    answer = report.answer
    out.print(Text(f"  {answer.reason}"))
    _section(out, "evidence", (_at(one.message, one.file, one.line) for one in answer.evidence))
    _section(out, "plan", answer.plan if report.dry_run or verbosity > 0 else ())
    _section(out, "prerequisites, in this order", map(_related, answer.prerequisites))
    _section(out, "follow-ups", map(_related, answer.followups))
    _section(out, f"hunks ({report.worst.label})", map(_hunk, answer.hunks) if answer.hunks else ())
    if answer.checks:
        out.print(Text("checks", "bold"))
        print_findings(out, answer.checks, verbosity=verbosity)
    _print_model(out, "model, without the change", answer.control)
    _print_model(out, "model, with the change", answer.patched)
    for warning in report.warnings:
        out.print(Text(f"warning: {warning}", "yellow"))
    if report.branch:
        out.print(Text(f"written: branch {report.branch}", "green"))
    if report.next_command:
        out.print(Text.assemble(("next: ", "dim"), report.next_command))


def _section(out: Console, title: str, lines: Iterable[str]) -> None:
    shown = tuple(lines)
    if not shown:
        return
    out.print(Text(title, "bold"))
    for line in shown:
        out.print(Text(f"  {line}"))


def _at(message: str, file: str | None, line: int | None) -> str:
    if file is None:
        return message
    return f"{message}  [{file}:{line}]" if line is not None else f"{message}  [{file}]"


def _related(one: RelatedCommit) -> str:
    return f'{one.commit[:12]} ("{one.subject}") {one.state}: {one.why}'


def _hunk(one: HunkResult) -> str:
    place = f"{one.file}:{one.line}" if one.line is not None else f"{one.file} #{one.number}"
    return f"{one.kind.label:<11} {place}  {one.why}"


def _print_model(out: Console, title: str, result: ModelResult) -> None:
    style = "green" if result.verdict is Verdict.OK else "red" if result.verdict.faults else "yellow"
    out.print(
        Text.assemble((title, "bold"), ": ", (result.verdict.value, style), f"  {result.why}" if result.why else "")
    )
    for run in result.runs:
        why = f"  {run.why}" if run.why else ""
        out.print(Text(f"  {run.verdict.value:<12} {run.layout}{why}"))
