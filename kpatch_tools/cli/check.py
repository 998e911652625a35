"""`kpt check`: findings about a patch, a commit or a range."""

import click

from kpatch_tools.app.check import Checked, CheckReport, check_commit_on, check_commits, check_patches
from kpatch_tools.app.exits import Exit, exit_of_findings
from kpatch_tools.app.kept_reading import kept_reading
from kpatch_tools.cli.findings import print_findings
from kpatch_tools.cli.patches import is_patch_argument, read_patches
from kpatch_tools.cli.session import Session, cache_dir, verb
from kpatch_tools.core.finding import finding_fields


@click.command("check")
@click.argument("subject")
@click.option("--on", help="Revision a patch is checked on.  [default: HEAD]")
@verb
def command(session: Session, *, subject: str, on: str | None) -> int:
    """Check SUBJECT: a patch file or mailbox (- for standard input), a commit, or a range A..B.

    Only what is new with the change is reported, each commit as soon as it is checked; with -q only what needs a
    look. Every mail of a mailbox is checked on top of those before it. Exit 0 without a FAIL or ERROR, 1 with a FAIL,
    3 with an ERROR.

    \b
    Examples:
      kpt check 279b706bf80
      kpt check v2.6.39-rc7..v2.6.39 --json
      git format-patch -1 --stdout | kpt check - --on v3.1
    """

    with session.progress("checking") as step, kept_reading(cache_dir()):

        def show(change: Checked) -> None:
            if not session.as_json:
                step("")
                _print(session, change)

        step(subject)
        if is_patch_argument(subject):
            report = check_patches(session.tree, read_patches(subject), on=on or "HEAD", checked=show)
        elif on is None:
            report = check_commits(session.tree, subject, progress=step, checked=show)
        else:
            report = check_commit_on(session.tree, subject, on=on, checked=show)
    if session.as_json:
        session.print_json(_fields(report))
    return report.exit


def _print(session: Session, change: Checked) -> None:
    if session.verbosity < 0 and exit_of_findings(change.findings) is Exit.DONE:
        return
    title = change.name if change.name == change.subject else f"{change.name}  {change.subject}"
    session.out.print(title, style="bold", markup=False)
    print_findings(session.out, change.findings, verbosity=session.verbosity)


def _fields(report: CheckReport) -> dict[str, object]:
    return {
        "on": report.on,
        "checks": [
            {**finding_fields(finding), "commit": change.commit, "subject": change.subject}
            for change in report.changes
            for finding in change.findings
        ],
    }
