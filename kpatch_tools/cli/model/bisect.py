"""`kpt model bisect`: the commit by which a verdict changed."""

import click

from kpatch_tools.app.model_bisect import BisectReport, bisect
from kpatch_tools.app.verdicts import open_journal
from kpatch_tools.cli.model.answers import answer_fields, effort_fields, verdict_markup
from kpatch_tools.cli.model.arguments import layout_of
from kpatch_tools.cli.session import Session, cache_dir, verb
from kpatch_tools.tree import CommitData


@click.command("bisect")
@click.argument("old", metavar="GOOD")
@click.argument("new", metavar="BAD")
@click.option("--layout", required=True, metavar="MAP", help="The memory map to boot on.")
@click.option("--first-parent", is_flag=True, help="Only BAD's line of first parents: the merge that brought it.")
@verb
def command(session: Session, *, old: str, new: str, layout: str, first_parent: bool) -> int:
    """The first commit between GOOD and BAD whose verdict on the layout is no longer GOOD's.

    GOOD is an ancestor of BAD, and their verdicts differ. It need not be the better one: if BAD is OK and GOOD is not,
    the commit that repaired it is found (git bisect's old and new). Commits without a verdict are skipped as by
    git bisect skip, and named; commits that cannot change the verdict are not tried.

    Exit 0 with the commit; 2 where GOOD and BAD are no start (no ancestor, the same verdict, none); 3 where skipped
    commits leave more than one.

    \b
    Examples:
      kpt model bisect v2.6.38 v2.6.39-rc1 --layout 1200M,hole=1180M+18M
      kpt model bisect 92bdaef7b2c v2.6.39 --layout 4160M,hole=64M+4032M
      kpt model bisect 14988a4d350c v2.6.39-rc1 --layout 512M --first-parent --json
    """
    with session.progress(f"{old}..{new}") as step:
        report = bisect(
            session.tree,
            old,
            new,
            layout_of(layout),
            first_parent=first_parent,
            journal=open_journal(cache_dir()),
            progress=step,
        )
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session, report)
    return report.exit


def _fields(report: BisectReport) -> dict[str, object]:
    return {
        "old": {"revision": report.old.spelled, "commit": report.old.oid, **answer_fields(report.old_answer)},
        "new": {"revision": report.new.spelled, "commit": report.new.oid, **answer_fields(report.new_answer)},
        "layout": report.layout.name,
        "first": None if report.first is None else _commit(report.first),
        "answer": None if report.answer is None else answer_fields(report.answer),
        "before": [answer_fields(answer) for answer in report.before],
        "suspects": [_commit(commit) for commit in report.suspects],
        "skipped": [_commit(commit) for commit in report.skipped],
        "trials": [
            {**_commit(trial.commit), "term": trial.term.value, **answer_fields(trial.answer)}
            for trial in report.trials
        ],
        "commits": report.commits,
        "candidates": report.candidates,
        "effort": effort_fields(report.effort),
        "next": _next(report),
    }


def _commit(commit: CommitData) -> dict[str, object]:
    return {"commit": commit.oid, "subject": commit.subject, "parents": list(commit.parents)}


def _next(report: BisectReport) -> str | None:
    if report.first is None:
        return None
    return f"kpt model explain --rev {report.first.oid[:12]} --layout {report.layout.name}"


def _print(session: Session, report: BisectReport) -> None:
    out = session.out
    if report.first is not None and report.answer is not None:
        before = " | ".join(dict.fromkeys(str(answer) for answer in report.before))
        out.print(f"{report.first.oid} {report.first.subject}", style="bold", markup=False)
        out.print(f"  {report.layout.name}: {before} → {report.answer}", markup=False)
        if report.answer.message:
            out.print(f"  {report.answer.message}", markup=False)
    else:
        out.print("the first one is among these; those that were skipped hide it:", style="bold")
        for commit in report.suspects:
            out.print(f"  {commit.oid} {commit.subject}", markup=False)
    out.print(
        f"{report.commits} commits, {report.candidates} that change what is read, {len(report.trials)} tried:",
        style="dim",
        markup=False,
    )
    for trial in report.trials:
        out.print(f"  {trial.term.value:<4} {trial.commit.oid[:12]} {verdict_markup(trial.answer)} ", end="")
        out.print(trial.commit.subject, markup=False)
    if (then := _next(report)) is not None:
        out.print(f"next: {then}", style="dim", markup=False)
