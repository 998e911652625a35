"""`kpt backport`: the main job."""

import time
from pathlib import Path

import click

from kpatch_tools.app.backport import BackportRequest, backport
from kpatch_tools.app.modelling import modelling
from kpatch_tools.app.report import fields_of_backport
from kpatch_tools.cli.backport_text import print_backport
from kpatch_tools.cli.clock import identity_of_environment
from kpatch_tools.cli.patches import is_patch_argument, read_bytes
from kpatch_tools.cli.session import Session, kept_translations, verb
from kpatch_tools.cli.writing import write_file
from kpatch_tools.patch import Patch, parse_patch


@click.command("backport")
@click.argument("subject", default="pagetable_reserve")
@click.option("--to", "target", required=True, metavar="REV", help="The version to bring it to.")
@click.option("-o", "--output", metavar="DIR", help="Write the patches to this folder (- for standard output).")
@click.option("--branch", help="Write the result as commits on this new branch.")
@click.option("--force", is_flag=True, help="Go on where the change is not needed or a prerequisite is missing.")
@click.option("--split", is_flag=True, help="A bundled hook in two patches: the hook, then its section fix.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; execute nothing, write nothing.")
@verb
def command(
    session: Session,
    *,
    subject: str,
    target: str,
    output: str | None,
    branch: str | None,
    force: bool,
    split: bool,
    dry_run: bool,
) -> int:
    """Bring SUBJECT to REV, or say exactly why not.

    SUBJECT is a bundled hook [default: pagetable_reserve], a commit, or a patch file (- for standard input). Is it
    there already? Is what it repairs there at all? What has to come first? What did upstream fix later? The result is
    checked, and REV's own code is executed without and with it. Nothing is written unless -o or --branch asks for it.

    Exit 0: backported, or nothing to do. 1: a person is needed. 3: undetermined.

    \b
    Examples:
      kpt backport --to v2.6.39
      kpt backport --to v2.6.39-rc7 --json
      kpt backport 279b706bf80 --to v2.6.38
      kpt backport fix.patch --to v2.6.39 --branch backport/fix
      git show 53f8023febf | kpt backport - --to 279b706bf80 -o -
    """
    now = time.time()
    request = BackportRequest(
        target=target,
        subject=_subject(subject),
        spelled=subject,
        out=Path(output) if output not in (None, "-") else None,
        mails=output == "-",
        branch=branch,
        force=force,
        split=split,
        dry_run=dry_run,
        identity=identity_of_environment(),
        when=int(now),
        offset=time.localtime(now).tm_gmtoff // 60,
    )
    with session.progress(f"backport to {target}") as step:
        report = backport(request, session.tree, model=modelling(step, translations=kept_translations()), progress=step)
    if session.as_json:
        # Standard output holds one document: mails that would go there go into it.
        mails = [patch.data.decode("utf-8", "backslashreplace") for patch in report.patches] if output == "-" else []
        session.print_json({**fields_of_backport(report), "mails": mails})
    elif output == "-":
        write_file("-", b"".join(patch.data for patch in report.patches))
        print_backport(session.err, report, verbosity=session.verbosity)
    else:
        print_backport(session.out, report, verbosity=session.verbosity)
    return report.exit


def _subject(argument: str) -> str | Patch:
    return parse_patch(read_bytes(argument)) if is_patch_argument(argument) else argument
