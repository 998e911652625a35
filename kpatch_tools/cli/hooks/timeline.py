"""`kpt hooks timeline`: birth, rename, re-typing and death of each slot, with the commit that did it."""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

import click

from kpatch_tools.app.hooks_timeline import DEFAULT_SCOPE, Entry, StretchReport, TimelineReport, hooks_timeline
from kpatch_tools.cli.session import Session, cache_dir, verb
from kpatch_tools.hooks.history.events import Event, EventKind
from kpatch_tools.tree import CommitData, Signature

_STYLES = {EventKind.BORN: "green", EventKind.DIED: "red", EventKind.RENAMED: "yellow", EventKind.RETYPED: "yellow"}


@click.command("timeline")
@click.argument("revisions", nargs=-1, required=True, metavar="OLD..NEW | OLD NEW")
@click.option("--table", "tables", multiple=True, help="Only this table's variable; repeatable.  [default: all]")
@click.option(
    "--slot", default="", help="Only this slot, spelled from the table on: x86_init.mapping.pagetable_reserve."
)
@click.option(
    "--scope",
    multiple=True,
    metavar="FOLDER",
    help=f"Where the headers are that declare tables; repeatable.  [default: {', '.join(DEFAULT_SCOPE)}]",
)
@click.option(
    "--first-parent", is_flag=True, help="Only NEW's line of first parents, each held against the one before."
)
@verb
def command(
    session: Session,
    *,
    revisions: tuple[str, ...],
    tables: tuple[str, ...],
    slot: str,
    scope: tuple[str, ...],
    first_parent: bool,
) -> int:
    """What happened to each slot in OLD..NEW, oldest first: born, renamed, re-typed, died, and the commit that did it.

    Tables are the global variables of a struct with function pointers that headers declare; one that no header
    declares any more has died. A merge is listed if it made something new. Where two revisions have no history in
    common (a vendor's import), they are compared directly, and that is said. A..B..C, or A B C, is a chain of such
    stretches.

    What was read is kept in the cache folder ($KPT_CACHE_DIR): the second run takes a second.

    \b
    Examples:
      kpt hooks timeline v2.6.38..v2.6.39
      kpt hooks timeline v2.6.31..v3.1 --table x86_init --json
      kpt hooks timeline --table x86_init tree-3.8.13 tree-3.9.6
      kpt hooks timeline v2.6.38..v3.1..tree-3.8.13..tree-3.9.6 --slot x86_init.mapping.pagetable_reserve
    """
    spelled = "..".join(revisions)
    with session.progress(spelled) as step:
        report = hooks_timeline(
            session.tree,
            spelled,
            tables=tables,
            slot=slot,
            scope=scope or DEFAULT_SCOPE,
            first_parent=first_parent,
            cache_dir=cache_dir(),
            progress=step,
        )
    if session.as_json:
        session.print_json(_fields(report))
    else:
        for stretch in report.stretches:
            _print(session, report, stretch)
    return 0


def _fields(report: TimelineReport) -> dict[str, object]:
    return {
        "tables": list(report.tables),
        "slot": report.slot or None,
        "scope": list(report.scope),
        "first_parent": report.first_parent,
        "stretches": [
            {
                "old": {"revision": one.base.spelled, "commit": one.base.oid},
                "new": {"revision": one.tip.spelled, "commit": one.tip.oid},
                "has_history": one.has_history,
                "fork": one.fork,
                "commits": one.commits,
                "states": one.states,
                "not_understood": [{"file": place.file, "line": place.line} for place in one.damaged],
                "entries": [_entry_fields(entry) for entry in one.entries],
            }
            for one in report.stretches
        ],
    }


def _entry_fields(entry: Entry) -> dict[str, object]:
    return {
        "commit": entry.commit.oid,
        "subject": entry.commit.subject,
        "author_date": _date(entry.commit.author).isoformat(),
        "parents": list(entry.commit.parents),
        "direct": entry.direct,
        "events": [_event_fields(event) for event in entry.events],
    }


def _event_fields(event: Event) -> dict[str, object]:
    return {
        "kind": event.kind.value,
        "table": event.table,
        "slot": event.slot or None,
        "name": event.name,
        "signature": event.signature or None,
        "old_name": event.old_name if event.kind is not EventKind.BORN else None,
        "old_signature": event.old_signature or None,
        "because": event.because or None,
        "file": event.location.file,
        "line": event.location.line,
        "doubts": [{"file": place.file, "line": place.line} for place in event.doubts],
    }


def _date(signature: Signature) -> datetime:
    return datetime.fromtimestamp(signature.when, timezone(timedelta(minutes=signature.offset)))


def _print(session: Session, report: TimelineReport, stretch: StretchReport) -> None:
    which = "first parents" if report.first_parent else "all commits"
    how = which if stretch.has_history else "no history lies between: compared directly"
    about = report.slot or ", ".join(report.tables) or f"all tables of headers below {', '.join(report.scope)}"
    _line(session, f"{stretch.base.spelled}..{stretch.tip.spelled}: {about}; {how}", "bold")
    if stretch.fork is not None:
        apart = f"{stretch.base.spelled} is no ancestor of {stretch.tip.spelled}"
        _line(session, f"  {apart}: what it did since {stretch.fork[:12]} is not told", "yellow")
    for entry in stretch.entries:
        _print_entry(session, entry, stretch)
    events = sum(len(entry.events) for entry in stretch.entries)
    told = f"{_count(events, 'event')} in {_count(len(stretch.entries), 'commit')}"
    if stretch.has_history:
        looked = f"{_count(stretch.commits, 'commit')} looked at, with {_count(stretch.states, 'state')} of the tables"
        told = f"{told}; {looked}"
    _line(session, told if stretch.has_history else _count(events, "event"), "dim")
    for place in stretch.damaged:
        _line(session, f"not understood: {place}: parse error inside of a table's struct", "yellow")


def _print_entry(session: Session, entry: Entry, stretch: StretchReport) -> None:
    commit: CommitData = entry.commit
    if entry.direct:
        title = f"between {stretch.base.spelled} and {stretch.tip.spelled}, by an unknown commit"
    else:
        merge = "merge: " if entry.is_merge else ""
        title = f"{commit.oid[:12]} {_date(commit.author):%Y-%m-%d} {merge}{commit.subject}"
    _line(session, title, "cyan")
    for event, others in _grouped(entry.events):
        text = f"    {event.kind.value:<8} {_what(event)}"
        if others:
            shown = ", ".join(others[:2]) + (f" and {len(others) - 2} more" if len(others) > 2 else "")
            text += f"  (also of {shown})"
        _line(session, text, _STYLES[event.kind])
        if event.doubts:
            _line(session, "             in doubt: parse error inside of the struct", "yellow")


def _what(event: Event) -> str:
    if event.kind is EventKind.RENAMED:
        return f"{event.old_name} → {event.name}  {event.signature}  ({event.because})"
    if event.kind is EventKind.RETYPED:
        return f"{event.name}  {event.old_signature} → {event.signature}"
    return f"{event.name}  {event.signature or event.old_signature}"


def _grouped(events: Iterable[Event]) -> list[tuple[Event, list[str]]]:
    """Variables of one struct have their events in common: the first's, and the names of the other tables."""
    groups: dict[tuple[object, ...], tuple[Event, list[str]]] = {}
    for event in events:
        key: tuple[object, ...] = (event.kind, event.slot, event.old_slot, event.location, event.old_signature)
        if not event.slot or key not in groups:
            groups[key if event.slot else (*key, event.table)] = (event, [])
        else:
            groups[key][1].append(event.table)
    return list(groups.values())


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _line(session: Session, text: str, style: str = "") -> None:
    session.out.print(text, style=style, markup=False)
