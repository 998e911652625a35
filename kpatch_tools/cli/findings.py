"""How findings look on a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from kpatch_tools.core.finding import Finding, Status

MARKS = {
    Status.PASS: ("✓", "green"),
    Status.SKIP: ("–", "dim"),
    Status.WARN: ("!", "yellow"),
    Status.ERROR: ("?", "yellow"),
    Status.FAIL: ("✗", "red"),
}


def print_findings(out: Console, findings: Iterable[Finding], *, verbosity: int) -> None:
    """One line each, worst news in colour; a check that had nothing to look at is shown with -v only.

    With -q only what is not as it should be.
    """
    for finding in findings:
        if finding.status is Status.SKIP and verbosity < 1:
            continue
        if finding.status < Status.WARN and verbosity < 0:
            continue
        mark, style = MARKS[finding.status]
        place = "" if finding.file is None else f"  {finding.file}" + (f":{finding.line}" if finding.line else "")
        out.print(Text.assemble("  ", (mark, style), f" {finding.id}: {finding.message}", (place, "dim")))
        if finding.hint and finding.status >= Status.WARN:
            out.print(Text(f"      next: {finding.hint}", "dim"))
