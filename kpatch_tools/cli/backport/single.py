"""One change to one version, on the command line."""

import time
from dataclasses import replace
from pathlib import Path

from kpatch_tools.app.backport import BackportRequest, backport
from kpatch_tools.app.backport_message import Wording
from kpatch_tools.app.modelling import modelling
from kpatch_tools.app.report import fields_of_backport
from kpatch_tools.cli.clock import identity_of_environment
from kpatch_tools.cli.patches import is_patch_argument, read_bytes
from kpatch_tools.cli.session import Session, kept_history, kept_translations
from kpatch_tools.cli.writing import write_file
from kpatch_tools.hooks.patches.spec import HOOKS
from kpatch_tools.patch import Patch, parse_patch

from .options import Options
from .text import print_backport


def run(session: Session, options: Options) -> int:
    """Do the job, print the report, and give the exit code."""
    subject = options.subject or HOOKS[0]
    output = options.output
    request = replace(
        request_of(options),
        subject=_subject(subject),
        spelled=subject,
        out=Path(output) if output not in (None, "-") else None,
        mails=output == "-",
        branch=options.branch,
        split=options.split,
        rejects=None if options.rejects is None else Path(options.rejects),
        conflict_branch=options.conflict_branch,
    )
    with session.progress(f"backport to {request.target}") as step:
        model = modelling(step, translations=kept_translations())
        recall = kept_history(make=options.index)
        report = backport(request, session.tree, model=model, progress=step, recall=recall)
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


def request_of(options: Options) -> BackportRequest:
    """What one change and many have in common."""
    now = time.time()
    return BackportRequest(
        target=next(iter(options.targets)),
        force=options.force,
        dry_run=options.dry_run,
        identity=identity_of_environment(),
        when=int(now),
        offset=time.localtime(now).tm_gmtoff // 60,
        wording=Wording(options.reference, options.subject_prefix, options.note, options.signoff),
        compare=options.compare,
    )


def _subject(argument: str) -> str | Patch:
    return parse_patch(read_bytes(argument)) if is_patch_argument(argument) else argument
