"""`kpt review`: findings about a patch, a series or a thread, in the format that the reader takes."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.review import Choice, review_input
from kpatch_tools.app.review_input import Input, inputs_of_commits, inputs_of_letters, inputs_of_path
from kpatch_tools.checks.catalogue import ALL_CHECKS
from kpatch_tools.checks.check import Check
from kpatch_tools.cli.findings import print_findings
from kpatch_tools.cli.patches import read_bytes
from kpatch_tools.cli.session import Session, verb
from kpatch_tools.cli.writing import write_file
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Status
from kpatch_tools.review.ignoring import Ignore, parse_ignores
from kpatch_tools.review.reports import FORMATS
from kpatch_tools.review.rules import Rule, parse_rule
from kpatch_tools.review.sources import letters_in
from kpatch_tools.review.statements import summary
from kpatch_tools.review.values import Base, Review, Skipped

_FORMATS = ("text", *FORMATS)


@click.command("review")
@click.argument("subjects", nargs=-1, metavar="SUBJECT...")
@click.option("--on", multiple=True, metavar="REV", help="Revision to review on; repeatable, best first.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True, help="Of the output.")
@click.option("-o", "--output", default="-", show_default=True, metavar="FILE", help="Where it goes, with --format.")
@click.option("--check", "checks", multiple=True, metavar="ID", help="Only this check; repeatable.")
@click.option("--skip", multiple=True, metavar="ID", help="Not this check; repeatable.")
@click.option("--ignore", metavar="FILE", help="Findings that are known, each with its reason (TOML).")
@click.option("--all", "every", is_flag=True, help="Also what the base had already and what a later patch mends.")
@click.option("--list-checks", is_flag=True, help="What is checked and why, and exit.")
@verb
def command(
    session: Session,
    *,
    subjects: tuple[str, ...],
    on: tuple[str, ...],
    form: str,
    output: str,
    checks: tuple[str, ...],
    skip: tuple[str, ...],
    ignore: str | None,
    every: bool,
    list_checks: bool,
) -> int:
    """Review SUBJECT: a patch or mailbox (- for standard input), a maildir, a public-inbox folder, a folder of patches
    or with a quilt series, a commit, or a range A..B.

    The base of a series is found: its base-commit line, --on, or the newest revision that has every file as the
    patches found it. Each patch is reviewed on top of the earlier ones; what a later one mends, and what the base had
    already, is not held against it. Pull requests and letters without a patch are passed over with a word.

    \b
    Examples:
      kpt review series.mbox
      git format-patch --stdout --base=v3.1 v3.1.. | kpt review -
      kpt review v3.1..HEAD --format sarif -o kpt.sarif
      kpt review ~/Maildir/.patches --on linux-next --on v3.1 -q
      b4 config: review-perpatch-check-cmd = kpt review - --format b4
    """
    if list_checks:
        _print_checks(session)
        return Exit.DONE
    if not subjects:
        raise click.UsageError("name what to review: a file, a folder, a commit, a range, or - for standard input")
    choice = Choice(on, _chosen(checks, skip), _ignores(ignore), every)
    reviews: list[Review] = []
    skipped: list[Skipped] = []
    as_text = form == "text" and not session.as_json
    with session.progress("reviewing") as step:
        for subject in subjects:
            inputs, passed_over = _inputs(session, subject)
            skipped += passed_over
            for given in inputs:
                step(given.submission.subject)
                reviews.append(review_input(session.tree, given, choice, progress=step))
                step("")
                if as_text:
                    _print(session, reviews[-1], every=every)
    for one in skipped:
        session.err.print(f"passed over: {one.name}: {one.reason}  {one.subject}", style="dim", markup=False)
    if not as_text:
        write_file(output, FORMATS["json" if session.as_json else form](reviews, _rules()).encode("utf-8", "replace"))
    if not reviews and not skipped:
        session.err.print("nothing to review", style="dim")
    return _exit(reviews)


def _inputs(session: Session, subject: str) -> tuple[Sequence[Input], Sequence[Skipped]]:
    if subject == "-":
        return inputs_of_letters(letters_in(read_bytes("-"), "standard input"))
    if Path(subject).exists():
        return inputs_of_path(Path(subject))
    return inputs_of_commits(session.tree, subject), ()


def _exit(reviews: Sequence[Review]) -> Exit:
    worst = max((review.status for review in reviews), default=Status.PASS)
    if worst is Status.FAIL:
        return Exit.PERSON
    return Exit.UNDETERMINED if worst is Status.ERROR else Exit.DONE


def _chosen(wanted: Sequence[str], unwanted: Sequence[str]) -> tuple[Check, ...]:
    known = [check.id for check in ALL_CHECKS]
    for name in (*wanted, *unwanted):
        if name not in known:
            raise click.UsageError(f"no check {name}; there are {', '.join(known)}")
    return tuple(check for check in ALL_CHECKS if (not wanted or check.id in wanted) and check.id not in unwanted)


def _ignores(name: str | None) -> tuple[Ignore, ...]:
    if name is None:
        return ()
    try:
        text = Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KpatchError("unreadable-file", f"cannot read {name}: {error}", hint="name a TOML file") from error
    return parse_ignores(text, name, _rules())


def _rules() -> dict[str, Rule]:
    return {
        check.id: parse_rule(check.id, check.title, sys.modules[check.run.__module__].__doc__ or "")
        for check in ALL_CHECKS
    }


def _print_checks(session: Session) -> None:
    for rule in _rules().values():
        session.out.print(f"{rule.id}: {rule.title}", style="bold", markup=False)
        for label, text in (("why", rule.why), ("example", rule.example), ("source", rule.source)):
            if text:
                session.out.print(f"  {label}: {text}", markup=False)


def _print(session: Session, review: Review, *, every: bool) -> None:
    if session.verbosity < 0 and review.status <= Status.WARN:
        return
    session.out.print(review.submission.subject, style="bold", markup=False)
    if review.base is not None:
        session.out.print(f"  on {_spelled(review.base)}", style="dim", markup=False)
    if review.nearest is not None:
        session.out.print(f"  the series applies to {_spelled(review.nearest)}", style="yellow", markup=False)
    print_findings(session.out, review.general, verbosity=session.verbosity)
    for patch in review.patches:
        session.out.print(f"{patch.sent.number}/{len(review.patches)} {patch.sent.patch.subject}", markup=False)
        held = [one.finding for one in patch.findings if one.counts]
        print_findings(session.out, held, verbosity=session.verbosity)
        for one in patch.findings:
            if every and not one.counts and one.finding.status >= Status.WARN:
                place = f"  {one.finding.file}:{one.finding.line or 0}" if one.finding.file else ""
                said = f"{one.finding.id}: {one.finding.message}{place} ({one.excuse})"
                session.out.print(f"  · {said}", style="dim", markup=False)
        if patch.applies:
            session.out.print(f"      cause: {patch.applies}", style="dim", markup=False)
    session.out.print(f"{summary(review)}", style="bold" if review.status >= Status.ERROR else "green", markup=False)


def _spelled(base: Base) -> str:
    blobs = f", {base.matched} of {base.wanted} pre-image blobs" if base.wanted else ""
    return f"{base.revision} ({base.reason.value}{blobs})"
