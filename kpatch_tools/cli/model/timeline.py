"""`kpt model timeline`: a verdict for every commit of a range that can change it."""

import click

from kpatch_tools.app.model_timeline import TIMELINE_LAYOUTS, Entry, Timeline, timeline
from kpatch_tools.app.verdict_journal import Answer
from kpatch_tools.app.verdicts import open_journal
from kpatch_tools.cli.model.answers import answer_fields, effort_fields, verdict_markup
from kpatch_tools.cli.model.arguments import layout_of, layouts_option
from kpatch_tools.cli.session import Session, cache_dir, verb


@click.command("timeline")
@click.argument("range_", metavar="OLD..NEW")
@click.option("--paths", multiple=True, metavar="PATH", help="Only commits that touch this file or folder; repeatable.")
@layouts_option
@click.option(
    "--first-parent/--full",
    default=False,
    help="Only NEW's line of first parents, each held against the one before  [default: every commit].",
)
@verb
def command(
    session: Session, *, range_: str, paths: tuple[str, ...], layouts: tuple[str, ...], first_parent: bool
) -> int:
    """The verdict of every commit of OLD..NEW that can change it, oldest first, and where it flips.

    Listed is each commit whose tree is executed otherwise than that of each of its parents; all others have a parent's
    verdict. A merge is listed if it made something new. A flip is a verdict (or another way to crash) that none of the
    parents has. What is settled is kept in the cache folder ($KPT_CACHE_DIR): an interrupted run goes on where it was.

    The default layouts are 64M and those of `kpt model`. With -q only flips are printed.
    Exit 0 when all are OK, 1 when one faults, 3 when one is undetermined.

    \b
    Examples:
      kpt model timeline v2.6.38..v2.6.39 --first-parent
      kpt model timeline v2.6.39-rc5..v2.6.39 --layout 512M --layout 1200M,hole=1180M+18M
      kpt model timeline v3.0..v3.1 --paths arch/x86/mm --paths arch/x86/xen --json
    """
    chosen = tuple(layout_of(text) for text in layouts) or TIMELINE_LAYOUTS
    with session.progress(range_) as step:
        report = timeline(
            session.tree,
            range_,
            chosen,
            paths=paths,
            first_parent=first_parent,
            journal=open_journal(cache_dir()),
            progress=step,
        )
    if session.as_json:
        session.print_json(_fields(report))
    else:
        _print(session, report)
    return report.exit


def _fields(report: Timeline) -> dict[str, object]:
    return {
        "old": {"revision": report.base.spelled, "commit": report.base.oid, "verdicts": _all(report.base_answers)},
        "new": {"revision": report.tip.spelled, "commit": report.tip.oid, "verdicts": _all(report.tip_answers)},
        "first_parent": report.first_parent,
        "layouts": [layout.name for layout in report.layouts],
        "commits": report.commits,
        "units": report.units,
        "effort": effort_fields(report.effort),
        "entries": [
            {
                "commit": entry.commit.oid,
                "subject": entry.commit.subject,
                "parents": list(entry.commit.parents),
                "unit": entry.unit,
                "verdicts": _all(entry.answers),
                "flips": [
                    {"layout": flip.layout.name, "before": _all(flip.before), "after": answer_fields(flip.after)}
                    for flip in entry.flips
                ],
            }
            for entry in report.entries
        ],
    }


def _all(answers: tuple[Answer, ...]) -> list[dict[str, object]]:
    return [answer_fields(answer) for answer in answers]


def _print(session: Session, report: Timeline) -> None:
    out = session.out
    which = "first parents" if report.first_parent else "all commits"
    out.print(f"{report.base.spelled}..{report.tip.spelled}, {which}", style="bold", markup=False)
    out.print("  columns: " + " · ".join(layout.name for layout in report.layouts), style="dim", markup=False)
    out.print(f"  {report.base.oid[:12]} {_columns(report.base_answers)} {report.base.spelled}")
    for entry in report.entries if session.verbosity >= 0 else report.flips:
        _print_entry(session, entry)
    effort = report.effort
    out.print(
        f"{report.commits} commits, {len(report.entries)} of them executed otherwise than their parents, "
        f"{len(report.flips)} with a flip; {report.units} distinct units "
        f"({effort.booted} booted, {effort.alike} like one of those, the rest known)",
        style="dim",
        markup=False,
    )


def _print_entry(session: Session, entry: Entry) -> None:
    mark = "*" if entry.flips else " "
    merge = "merge: " if entry.is_merge else ""
    session.out.print(f"{mark} {entry.commit.oid[:12]} {_columns(entry.answers)} ", end="")
    session.out.print(f"{merge}{entry.commit.subject}", markup=False, style="bold" if entry.flips else "")
    for flip in entry.flips:
        before = " | ".join(dict.fromkeys(map(str, flip.before)))
        session.out.print(f"      {flip.layout.name}: {before} → {flip.after}", markup=False)
        if session.verbosity > 0 and flip.after.message:
            session.out.print(f"        {flip.after.message}", style="dim", markup=False)


def _columns(answers: tuple[Answer, ...]) -> str:
    return " ".join(verdict_markup(answer) for answer in answers)
