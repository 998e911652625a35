"""What the verbs that review share: which checks, how a review looks on a terminal, what its exit code is."""

import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.review_rules import FOLLOWUPS, MODEL
from kpatch_tools.checks.catalogue import ALL_CHECKS
from kpatch_tools.checks.check import Check
from kpatch_tools.cli.findings import MARKS, print_findings
from kpatch_tools.cli.session import Session, kept_history, kept_translations
from kpatch_tools.cli.writing import write_file
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Status
from kpatch_tools.review.ignoring import Ignore, parse_ignores
from kpatch_tools.review.reports import FORMATS
from kpatch_tools.review.rules import Rule, parse_rule
from kpatch_tools.review.statements import summary
from kpatch_tools.review.values import Base, Review

if TYPE_CHECKING:
    from kpatch_tools.app.review_followups import FollowupReview
    from kpatch_tools.app.review_model import ModelReview
    from kpatch_tools.backport import Past


def write_reviews(session: Session, reviews: Sequence[Review], form: str, output: str) -> None:
    """Write them to the file `output` (- is standard output) in one of FORMATS; with --json always as JSON."""
    write_file(output, FORMATS["json" if session.as_json else form](reviews, rules()).encode())


def exit_of_reviews(reviews: Sequence[Review]) -> Exit:
    worst = max((review.status for review in reviews), default=Status.PASS)
    if worst is Status.FAIL:
        return Exit.PERSON
    return Exit.UNDETERMINED if worst is Status.ERROR else Exit.DONE


def chosen_checks(wanted: Sequence[str], unwanted: Sequence[str]) -> tuple[Check, ...]:
    known = [*(check.id for check in ALL_CHECKS), MODEL.id, FOLLOWUPS.id]
    for name in (*wanted, *unwanted):
        if name not in known:
            raise click.UsageError(f"no check {name}; there are {', '.join(known)}")
    return tuple(check for check in ALL_CHECKS if (not wanted or check.id in wanted) and check.id not in unwanted)


def chosen_followups(
    past: "Callable[[], Past]", wanted: Sequence[str], unwanted: Sequence[str]
) -> "FollowupReview | None":
    """The history, as `chosen_model`."""
    if FOLLOWUPS.id in unwanted or (wanted and FOLLOWUPS.id not in wanted):
        return None
    from kpatch_tools.app.review_followups import FollowupReview

    return FollowupReview(past)


def opened_past(session: Session, *, make: bool = False) -> "Callable[[], Past]":
    """Opens the history once, when it is asked for; an index of it is used if there is one, or made (`make`)."""
    return cache(lambda: kept_history(make=make).open(session.tree))


def chosen_model(
    wanted: Sequence[str], unwanted: Sequence[str], progress: Callable[[str], None] = lambda _: None
) -> "ModelReview | None":
    """The model, unless it was left out by --skip, or by --check of something else."""
    if MODEL.id in unwanted or (wanted and MODEL.id not in wanted):
        return None
    from kpatch_tools.app.review_model import ModelReview

    return ModelReview(kept_translations(), progress)


def read_ignores(name: str | None) -> tuple[Ignore, ...]:
    if name is None:
        return ()
    try:
        text = Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KpatchError("unreadable-file", f"cannot read {name}: {error}", hint="name a TOML file") from error
    return parse_ignores(text, name, rules())


def rules() -> dict[str, Rule]:
    of_checks = {
        check.id: parse_rule(check.id, check.title, sys.modules[check.run.__module__].__doc__ or "")
        for check in ALL_CHECKS
    }
    return {**of_checks, MODEL.id: MODEL, FOLLOWUPS.id: FOLLOWUPS}


def print_review(session: Session, review: Review, *, every: bool) -> None:
    """One line for each patch and what is held against it; what is as it should be with -v only."""
    if session.verbosity < 0 and review.status <= Status.WARN:
        return
    session.out.print(review.submission.subject, style="bold", markup=False)
    if review.base is not None:
        session.out.print(f"  on {_spelled(review.base)}", style="dim", markup=False)
    if review.nearest is not None:
        session.out.print(f"  the series applies to {_spelled(review.nearest)}", style="yellow", markup=False)
    shown = session.verbosity - 1
    print_findings(session.out, review.general, verbosity=shown)
    for patch in review.patches:
        mark, style = MARKS[Status.PASS if patch.status is Status.SKIP else patch.status]
        number = f"{patch.sent.number}/{len(review.patches)}"
        session.out.print(Text.assemble((mark, style), f" {number} {patch.sent.patch.subject}"))
        held = [one.finding for one in patch.findings if one.counts]
        print_findings(session.out, held, verbosity=shown)
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
