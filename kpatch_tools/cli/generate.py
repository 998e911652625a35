"""`kpt generate`: a hook's complete patch for a revision."""

from pathlib import Path

import click

from kpatch_tools.app.exits import exit_of_findings
from kpatch_tools.app.generate import INLINE, GenerateReport, generate, list_hooks
from kpatch_tools.cli.clock import committer
from kpatch_tools.cli.findings import print_findings
from kpatch_tools.cli.session import Session, verb
from kpatch_tools.cli.writing import write_file
from kpatch_tools.core.finding import finding_fields
from kpatch_tools.hooks.patches.description import HookDescription
from kpatch_tools.patch import format_patch


@click.command("generate")
@click.argument("hook", required=False)
@click.option("--for", "--rev", "revision", metavar="REV", help="Revision to write the patch for.")
@click.option(
    "--hook",
    "description",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="A description of your own, with its templates beside it.",
)
@click.option("--list-hooks", "listing", is_flag=True, help="Which hooks kpt has descriptions of.")
@click.option("--split", is_flag=True, help="Two patches, as upstream took them: the hook, then its section fix.")
@click.option(
    "--alternative", type=click.Choice([INLINE]), help="Not the hook, but a fix without one, to be compared with it."
)
@click.option("--signoff", "-s", is_flag=True, help="Add your Signed-off-by.")
@click.option("-o", "--output", metavar="FILE", default="-", show_default=True, help="Where the mail goes.")
@verb
def command(
    session: Session,
    *,
    hook: str | None,
    revision: str | None,
    description: Path | None,
    listing: bool,
    split: bool,
    alternative: str | None,
    signoff: bool,
    output: str,
) -> int:
    """Write HOOK's complete patch for REV: a mail that `git am` takes, on standard output.

    Names, units, headers and annotations are read from REV's own source. What the checks say of the result goes to
    standard error. The alternative "inline" lets generic code ask for the platform: it does the same on every machine,
    and the layering check warns of it.

    A hook of your own is a file that says what its parts are, as those that --list-hooks names.

    \b
    Examples:
      kpt generate pagetable_reserve --for 92bdaef7b2c
      kpt generate pagetable_reserve --for v2.6.39-rc7 --split -o hook.mbox
      kpt generate pagetable_reserve --for v2.6.38 | git am
      kpt generate pagetable_reserve --for 92bdaef7b2c --alternative inline
      kpt generate --list-hooks
      kpt generate --hook my_hook.toml --rev v2.6.39
    """
    if listing:
        return _list(session)
    if revision is None:
        raise click.UsageError("Missing option '--for'.")
    subject = description if description is not None else hook
    if subject is None or (description is not None and hook is not None):
        raise click.UsageError("name a HOOK, or a description with --hook FILE.toml")
    tree = session.tree
    with session.progress(f"writing {subject}") as step:
        step(f"for {revision}")
        report = generate(
            tree, subject, revision, author=committer(tree), split=split, signoff=signoff, alternative=alternative
        )
    total = len(report.patches)
    mails = b"".join(
        format_patch(patch, number=(number, total) if total > 1 else None)
        for number, patch in enumerate(report.patches, start=1)
    )
    if session.as_json:
        session.print_json(_fields(report, mails))
    else:
        write_file(output, mails)
        print_findings(session.err, report.findings, verbosity=session.verbosity)
    return exit_of_findings(report.findings)


def _list(session: Session) -> int:
    hooks = list_hooks()
    if session.as_json:
        session.print_json(
            {
                "hooks": [
                    {"name": one.name, "slot": one.path, "summary": one.summary, "file": str(_file(one))}
                    for one in hooks
                ]
            }
        )
        return 0
    width = max(len(one.name) for one in hooks)
    for one in hooks:
        click.echo(f"{one.name:{width}}  {one.path}: {one.summary}")
    click.echo(f"\nFor another slot, change a copy of {_file(hooks[-1])}")
    click.echo("and of the folder of that name, which has its texts, and give it with --hook FILE.toml.")
    return 0


def _file(hook: HookDescription) -> Path:
    return hook.templates / f"{hook.name}.toml"


def _fields(report: GenerateReport, mails: bytes) -> dict[str, object]:
    return {
        "for": report.revision.spelled,
        "files": list(report.generated.changes),
        "parts": [{"part": one.part.value, "file": one.file} for one in report.generated.parts],
        "checks": [finding_fields(finding) for finding in report.findings],
        "mail": mails.decode("utf-8", "backslashreplace"),
    }
