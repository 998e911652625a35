"""The options of `kpt backport`: what they are called, and which of them go together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from kpatch_tools.app.backport_message import Reference
from kpatch_tools.cli.patches import is_patch_argument
from kpatch_tools.workers import processors

Command = Callable[..., Any]
WORTH_AN_INDEX = 10
"""From so many backports on, the history is indexed first: each of them would walk a part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """As given on the command line; None where the default depends on something else."""

    subject: str | None
    target: str | None
    output: str | None
    branch: str | None
    force: bool
    split: bool
    dry_run: bool
    series: bool
    reference: Reference
    subject_prefix: str | None
    signoff: bool
    note: bool
    compare: bool
    rejects: str | None
    conflict_branch: str | None
    batch: str | None
    out: str | None
    accept: str | None
    jobs: int | None
    objects: str | None
    full: bool
    index: bool

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in (self.target or "").split(",") if name))

    @property
    def is_many(self) -> bool:
        return self.series or len(self.targets) > 1 or is_range(self.subject)

    @property
    def processes(self) -> int:
        return self.jobs or processors()


def is_range(subject: str | None) -> bool:
    """Whether it is `A..B`, and no file of such a name."""
    return subject is not None and ".." in subject and not is_patch_argument(subject)


def result_options(command: Command) -> Command:
    """What is to become of one change."""
    for option in reversed(
        (
            click.option("--to", "target", metavar="REV[,REV…]", help="The version to bring it to, or several."),
            click.option("-o", "--output", metavar="DIR", help="Write the patches there (- for standard output)."),
            click.option("--branch", metavar="NAME", help="Write the result as commits on this new branch."),
            click.option("--force", is_flag=True, help="Go on where it is not needed or a prerequisite is missing."),
            click.option("--split", is_flag=True, help="A bundled hook in two patches: the hook, then its sections."),
            click.option("--series", is_flag=True, help="Each change onto what those before it came to."),
            click.option("--dry-run", is_flag=True, help="Say what would be done; execute nothing, write nothing."),
        )
    ):
        command = option(command)
    return command


def wording_options(command: Command) -> Command:
    """How the result reads, and what is written of one that does not go on cleanly."""
    for option in reversed(
        (
            click.option(
                "--reference",
                type=click.Choice(["commit", "bracket", "none"]),
                default="commit",
                help="`commit … upstream.`, `[ Upstream commit … ]` or no such line.  [default: commit]",
            ),
            click.option("--subject-prefix", metavar="TEXT", help="In mails.  [default: PATCH and REV's version]"),
            click.option("--signoff", is_flag=True, help="Add your own Signed-off-by."),
            click.option("--note/--no-note", default=True, help="Say in brackets what was done differently."),
            click.option("--compare", is_flag=True, help="Compare the result's edit with upstream's, file by file."),
            click.option("--rejects", metavar="DIR", help="On a conflict, write FILE.rej there for what is left."),
            click.option("--conflict-branch", metavar="NAME", help="On a conflict, commit what could be done, marked."),
        )
    ):
        command = option(command)
    return command


def queue_options(command: Command) -> Command:
    """What makes many of one."""
    for option in reversed(
        (
            click.option(
                "--batch", metavar="FILE", help="Do each line of this JSON-lines file (- for standard input)."
            ),
            click.option("--out", metavar="FILE", help="Add the results of --batch to it (- for standard output)."),
            click.option("--accept", metavar="CLASS,…", help="Classes to take without looking.  [default: generated]"),
            click.option("--full", is_flag=True, help="The whole job for each line of --batch, not its text alone."),
            click.option(
                "--index", is_flag=True, help="Index the history first: once, minutes; later runs take seconds."
            ),
            click.option("--jobs", type=click.IntRange(1), help="Processes to use.  [default: one a core]"),
            click.option(
                "--objects",
                metavar="PLACE",
                help="Where the trees of --batch go: repo, none, or a folder of objects.  [default: repo]",
            ),
        )
    ):
        command = option(command)
    return command


def require_sense(options: Options) -> None:
    """click.UsageError where options are given that do not go together, or one is missing."""
    if options.batch is not None:
        _refuse(
            options, "subject", "target", "output", "branch", "force", "split", "dry_run", *_ONE, because="with --batch"
        )
        if options.out is None:
            raise click.UsageError("--batch needs --out FILE (- for standard output)")
        return
    _refuse(options, "out", "accept", "objects", "jobs", "full", because="without --batch")
    if not options.targets:
        raise click.UsageError("Missing option '--to'.")
    if options.is_many:
        _refuse(options, "split", "rejects", "conflict_branch", because="with several changes or versions")
        if not options.series or len(options.targets) > 1:
            _refuse(options, "output", "branch", because="without a --series to one version")


_ONE = ("series", "subject_prefix", "signoff", "compare", "rejects", "conflict_branch")
_SPELLED = {"subject": "SUBJECT", "target": "--to", "output": "-o", "dry_run": "--dry-run"}


def _refuse(options: Options, *names: str, because: str) -> None:
    for name in names:
        if getattr(options, name) not in (None, False):
            raise click.UsageError(f"{_SPELLED.get(name, '--' + name.replace('_', '-'))} does nothing {because}")
