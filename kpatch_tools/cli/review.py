"""`kpt review`: findings about a patch, a series or a thread, in the format that the reader takes."""

from collections.abc import Sequence
from email.utils import parseaddr
from pathlib import Path

import click

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.kept_reading import kept_reading
from kpatch_tools.app.review import Choice, review_input
from kpatch_tools.app.review_input import Input, inputs_of_commits, inputs_of_letters, inputs_of_path
from kpatch_tools.cli.clock import at_this_moment
from kpatch_tools.cli.patches import read_bytes
from kpatch_tools.cli.reviews import (
    chosen_checks,
    chosen_followups,
    chosen_model,
    exit_of_reviews,
    opened_past,
    print_review,
    read_ignores,
    rules,
    write_reviews,
)
from kpatch_tools.cli.session import Session, cache_dir, verb
from kpatch_tools.cli.writing import write_file
from kpatch_tools.patch import format_date
from kpatch_tools.review.reports import FORMATS
from kpatch_tools.review.reports.reply import format_mailbox, format_replies
from kpatch_tools.review.sources import letters_in
from kpatch_tools.review.values import Review, Skipped
from kpatch_tools.tree import Signature

_FORMATS = ("text", "mail", *FORMATS)


@click.command("review")
@click.argument("subjects", nargs=-1, metavar="SUBJECT...")
@click.option("--on", multiple=True, metavar="REV", help="Revision to review on; repeatable, best first.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True, help="Of the output.")
@click.option("-o", "--output", default="-", show_default=True, metavar="FILE", help="Where it goes, with --format.")
@click.option("--mail-from", metavar="ADDRESS", help="With --format mail: who replies.")
@click.option("--mail-to", multiple=True, metavar="ADDRESS", help="With --format mail: to whom; repeatable.")
@click.option("--check", "checks", multiple=True, metavar="ID", help="Only this check; repeatable.")
@click.option("--skip", multiple=True, metavar="ID", help="Not this check; repeatable.")
@click.option("--ignore", metavar="FILE", help="Findings that are known, each with its reason (TOML).")
@click.option("--all", "every", is_flag=True, help="Also what the base had already and what a later patch mends.")
@click.option("--index", is_flag=True, help="Index the history first: once, minutes; a base is found in all of it.")
@click.option("--list-checks", is_flag=True, help="What is checked and why, and exit.")
@verb
def command(
    session: Session,
    *,
    subjects: tuple[str, ...],
    on: tuple[str, ...],
    form: str,
    output: str,
    mail_from: str | None,
    mail_to: tuple[str, ...],
    checks: tuple[str, ...],
    skip: tuple[str, ...],
    ignore: str | None,
    every: bool,
    index: bool,
    list_checks: bool,
) -> int:
    """Review SUBJECT: a patch or mailbox (- for standard input), a maildir, a public-inbox folder, a folder of patches
    or with a quilt series, a commit, or a range A..B.

    The base of a series is found: its base-commit line, --on, or the newest revision that has every file as the
    patches found it: of the tags and branches, and with an index (--index, used once it is there) of all commits. Each
    patch is reviewed on top of the earlier ones; what a later one mends, and what the base had already, is not held
    against it. Pull requests and letters without a patch are passed over with a word.

    \b
    Examples:
      kpt review series.mbox
      git format-patch --stdout --base=v3.1 v3.1.. | kpt review -
      kpt review v3.1..HEAD --format sarif -o kpt.sarif
      kpt review ~/Maildir/.patches --on linux-next --on v3.1 -q
      kpt review series.mbox --format mail --mail-from me@example.org --mail-to list@example.org > replies.mbox
      b4 config: review-perpatch-check-cmd = kpt review - --format b4
    """
    if list_checks:
        _print_checks(session)
        return Exit.DONE
    if not subjects:
        raise click.UsageError("name what to review: a file, a folder, a commit, a range, or - for standard input")
    reviews: list[Review] = []
    skipped: list[Skipped] = []
    as_text = form == "text" and not session.as_json
    with session.progress("reviewing") as step, kept_reading(cache_dir()):
        past = opened_past(session, make=index)
        choice = Choice(
            on,
            chosen_checks(checks, skip),
            read_ignores(ignore),
            every,
            chosen_model(checks, skip, step),
            chosen_followups(past, checks, skip),
            past,
        )
        for subject in subjects:
            inputs, passed_over = _inputs(session, subject)
            skipped += passed_over
            for given in inputs:
                step(given.submission.subject)
                reviews.append(review_input(session.tree, given, choice, progress=step))
                step("")
                if as_text:
                    print_review(session, reviews[-1], every=every)
    for one in skipped:
        session.err.print(f"passed over: {one.name}: {one.reason}  {one.subject}", style="dim", markup=False)
    if form == "mail" and not session.as_json:
        write_file(output, _replies(reviews, mail_from or "", mail_to))
    elif not as_text:
        write_reviews(session, reviews, form, output)
    if not reviews and not skipped:
        session.err.print("nothing to review", style="dim")
    return exit_of_reviews(reviews)


def _replies(reviews: Sequence[Review], sender: str, recipients: Sequence[str]) -> bytes:
    """A mailbox of replies, which nobody has sent."""
    now = at_this_moment(Signature("", ""))
    return format_mailbox(
        letter
        for review in reviews
        for _, letter in format_replies(
            review,
            sender=sender,
            recipients=recipients,
            domain=parseaddr(sender)[1].rpartition("@")[2] or "localhost",
            date=format_date(now.when, now.offset),
        )
    )


def _inputs(session: Session, subject: str) -> tuple[Sequence[Input], Sequence[Skipped]]:
    if subject == "-":
        return inputs_of_letters(letters_in(read_bytes("-"), "standard input"))
    if Path(subject).exists():
        return inputs_of_path(Path(subject))
    return inputs_of_commits(session.tree, subject), ()


def _print_checks(session: Session) -> None:
    for rule in rules().values():
        session.out.print(f"{rule.id}: {rule.title}", style="bold", markup=False)
        for label, text in (("why", rule.why), ("example", rule.example), ("source", rule.source)):
            if text:
                session.out.print(f"  {label}: {text}", markup=False)
