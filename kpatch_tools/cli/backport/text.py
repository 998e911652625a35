"""How the answer of the main job reads on a terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from kpatch_tools.app.report import BackportReport
from kpatch_tools.backport import HunkResult, ModelResult, Outcome, RelatedCommit, Verdict
from kpatch_tools.cli.findings import print_findings
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.patch.compare import FileComparison

STYLES = {
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
    """Outcome and reason first (with -q no more), then what they rest on, then what to do next."""
    out.print(Text.assemble((report.outcome.value, STYLES[report.outcome]), f": {report.subject} → {report.target}"))
    answer = report.answer
    out.print(Text(f"  {answer.reason}"))
    if verbosity < 0:
        if report.branch:
            out.print(Text(f"written: branch {report.branch}", "green"))
        return
    _section(out, "evidence", (_at(one.message, one.file, one.line) for one in answer.evidence))
    _section(out, "plan", answer.plan if report.dry_run or verbosity > 0 else ())
    _section(out, "prerequisites, in this order", map(_related, answer.prerequisites))
    _section(out, "follow-ups", map(_related, answer.followups))
    _print_hunks(out, answer.hunks, report.worst, verbosity=verbosity)
    _print_checks(out, answer.checks, verbosity=verbosity)
    _print_model(out, "model, without the change", answer.control)
    _print_model(out, "model, with the change", answer.patched)
    for warning in report.warnings:
        out.print(Text(f"warning: {warning}", "yellow"))
    _section(out, "compared with upstream", map(_compared, report.comparison))
    if report.branch:
        out.print(Text(f"written: branch {report.branch}", "green"))
    if report.conflict_branch:
        out.print(Text(f"written: branch {report.conflict_branch}, with conflict markers", "yellow"))
    if report.rejects:
        out.print(Text(f"written: {', '.join(report.rejects)}", "yellow"))
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
    kind = "incidental, " if one.kind == "incidental" else ""
    return f'{one.commit[:12]} ("{one.subject}") {kind}{one.state}: {one.why}'


def _compared(one: FileComparison) -> str:
    counts = {"equal": one.equal, "moved": one.moved, "only upstream": len(one.missing), "only here": len(one.extra)}
    tally = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no lines"
    lines = [f"upstream {kind}{text.decode('utf-8', 'replace')}" for kind, text in one.missing]
    lines += [f"here     {kind}{text.decode('utf-8', 'replace')}" for kind, text in one.extra]
    return "\n    ".join((f"{one.path}: {tally}", *lines))


def _print_hunks(out: Console, hunks: Sequence[HunkResult], worst: HunkClass, *, verbosity: int) -> None:
    """All of them with -v; otherwise those that a person has to look at, and how many there are of each class."""
    if not hunks:
        return
    counts = Counter(hunk.kind for hunk in hunks)
    files = len({hunk.file for hunk in hunks})
    summary = ", ".join(f"{count} {kind.label}" for kind, count in sorted(counts.items()))
    out.print(Text.assemble(("hunks", "bold"), f": {summary}, in {files} file{'s' if files > 1 else ''}"))
    for one in hunks:
        if verbosity > 0 or one.kind >= HunkClass.DROPPED:
            place = f"{one.file}:{one.line}" if one.line is not None else f"{one.file} #{one.number}"
            out.print(Text(f"  {one.kind.label:<11} {place}  {one.why}"))


def _print_checks(out: Console, findings: Sequence[Finding], *, verbosity: int) -> None:
    """All of them with -v; otherwise the bad news, and how many passed."""
    if not findings:
        return
    passed = sum(finding.status is Status.PASS for finding in findings)
    out.print(Text.assemble(("checks", "bold"), f": {passed} pass"))
    shown = findings if verbosity > 0 else [one for one in findings if one.status >= Status.WARN]
    print_findings(out, shown, verbosity=verbosity)


def _print_model(out: Console, title: str, result: ModelResult) -> None:
    style = "green" if result.verdict is Verdict.OK else "red" if result.verdict.faults else "yellow"
    detail = f" on {', '.join(run.layout for run in result.runs)}" if result.verdict is Verdict.OK else ""
    if not result.runs:
        detail = f", {result.why}" if result.why else ""
    out.print(Text.assemble((title, "bold"), ": ", (result.verdict.value, style), detail))
    if result.verdict is Verdict.OK:
        return
    for run in result.runs:
        why = f"  {run.why}" if run.why else ""
        out.print(Text(f"  {run.verdict.value:<12} {run.layout}{why}"))
