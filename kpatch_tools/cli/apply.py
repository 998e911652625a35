"""`kpt apply`: a patch onto a revision, in memory."""

import shlex
from pathlib import Path

import click

from kpatch_tools.app.apply import ApplyReport, apply_to, commit_applied, rebased_patch
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.staging import staged
from kpatch_tools.cli.clock import committer
from kpatch_tools.cli.findings import print_findings
from kpatch_tools.cli.patches import read_bytes
from kpatch_tools.cli.session import Session, verb
from kpatch_tools.cli.writing import write_file
from kpatch_tools.core.finding import finding_fields
from kpatch_tools.patch import format_patch, parse_patch


@click.command("apply")
@click.argument("patch")
@click.option("--to", "revision", required=True, metavar="REV", help="Revision to apply to.")
@click.option("--branch", help="Write the result as a commit on this new branch.")
@click.option("-o", "--output", metavar="FILE", help="Write the patch as it stands on REV (- for standard output).")
@click.option("--fuzz", default=0, show_default=True, help="Context lines that may differ, as in patch(1).")
@verb
def command(session: Session, *, patch: str, revision: str, branch: str | None, output: str | None, fuzz: int) -> int:
    """Apply PATCH (a file, or - for standard input) to REV in memory, and check the result.

    A patch that applies as text and names what REV does not have is refused. Work tree and index are never touched;
    objects and one ref are written only with --branch.

    \b
    Examples:
      kpt apply fix.patch --to v2.6.38
      kpt apply fix.patch --to v3.1 --branch backport/fix
      kpt apply - --to v3.1 -o rebased.patch < fix.patch
    """
    tree = session.tree
    parsed = parse_patch(read_bytes(patch))
    with session.progress(f"applying to {revision}") as step:
        step(parsed.subject or patch)
        report = apply_to(tree, parsed, revision, fuzz=fuzz)
    written = mail = None
    if report.exit is Exit.DONE:
        if output is not None:
            mail = format_patch(rebased_patch(report, tree))
        is_file = mail is not None and output not in (None, "-")
        folder, name = (Path(str(output)).parent, Path(str(output)).name) if is_file else (None, "")
        with staged(folder, {name: mail or b""}) as put:
            if branch is not None:
                written = commit_applied(tree, report, branch=branch, now=committer(tree))
            put()
        if mail is not None and output == "-" and not session.as_json:
            write_file(output, mail)
    if session.as_json:
        # Standard output holds one document: a patch that would go there goes into it.
        text = mail.decode("utf-8", "backslashreplace") if mail is not None and output == "-" else None
        session.print_json({**_fields(report), "branch": branch if written else None, "commit": written, "mail": text})
    elif output != "-" or report.exit is not Exit.DONE:
        _print(session, report, branch if written else None, output=output)
        if report.exit is Exit.DONE and branch is None and output is None:
            again = shlex.join(["kpt", "apply", patch, "--to", revision])
            session.out.print(f"next: {again} --branch NAME", style="dim", markup=False)
    return report.exit


def _fields(report: ApplyReport) -> dict[str, object]:
    return {
        "to": report.revision.spelled,
        "applied": report.exit is Exit.DONE,
        "notes": list(report.patch.notes),
        "hunks": [
            {"file": one.file.path, "line": one.hunk.new_start + one.offset, "offset": one.offset, "fuzz": one.fuzz}
            for one in report.result.placed
        ],
        "rejects": [
            {"file": one.file.path, "line": one.hunk.old_start if one.hunk else None, "reason": one.reason}
            for one in report.result.rejects
        ],
        "checks": [finding_fields(finding) for finding in report.findings],
    }


def _print(session: Session, report: ApplyReport, branch: str | None, *, output: str | None) -> None:
    out = session.out
    for note in report.patch.notes:
        session.err.print(f"repaired: {note}", markup=False)
    for one in report.result.rejects:
        place = f"{one.file.path}:{one.hunk.old_start}" if one.hunk else one.file.path
        out.print(f"  ✗ {place}: {one.reason}", markup=False)
    print_findings(out, report.findings, verbosity=session.verbosity)
    count = len(report.result.placed)
    if report.exit is not Exit.DONE:
        out.print(f"refused: not applied to {report.revision.spelled}; nothing was written", style="red", markup=False)
    elif branch:
        out.print(f"applied {count} hunks to {report.revision.spelled}, on branch {branch}", markup=False)
    else:
        where = f"written to {output}" if output else "nothing was written"
        out.print(f"applies to {report.revision.spelled}: {count} hunks; {where}", markup=False)
