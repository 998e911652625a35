"""`kpt hooks --list`, `--slot`, `--function`, and `--table` where it names a type: answers from the index."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.hooks_map import HookMap, list_tables, open_map, read_tables, serving, tell_slot
from kpatch_tools.cli.session import Session, cache_dir

from .map_fields import extent_fields, list_fields, map_fields, reading_fields, service_fields, story_fields
from .map_text import MapPrinter


@dataclass(frozen=True, slots=True)
class MapQuestion:
    """Exactly one of `types`, `table`, `slot` and `function` is asked. `scope` is empty for the whole tree."""

    revision: str
    scope: tuple[str, ...]
    strict: bool
    types: bool = False
    table: str = ""
    slot: str = ""
    function: str = ""


def open_session_map(session: Session, revision: str, scope: tuple[str, ...]) -> HookMap:
    """The map, whose index is kept in the cache folder."""
    with session.progress(f"indexing {revision}") as step:
        known = open_map(session.tree, revision, scope=scope, cache_dir=cache_dir(), progress=step)
    if known.remark:
        session.err.print(known.remark, style="yellow", markup=False)
    return known


def answer(session: Session, question: MapQuestion, known: HookMap | None = None) -> int:
    """Print the answer; the exit code. `known`: the map, where it was opened already."""
    known = known or open_session_map(session, question.revision, question.scope)
    found = _ask(known, question)
    if session.as_json:
        session.print_json({**map_fields(known), **found.fields, "extent": extent_fields(known.facts.extent())})
    else:
        printer = MapPrinter(session.out, verbosity=session.verbosity)
        found.show(printer)
        printer.extent(known.facts.extent())
    return Exit.UNDETERMINED if question.strict and not found.understood else Exit.DONE


@dataclass(frozen=True, slots=True)
class _Answer:
    """`understood`: whether the name that was asked for occurs in nothing that was not understood."""

    fields: Mapping[str, object]
    understood: bool
    show: Callable[[MapPrinter], None]


def _ask(known: HookMap, question: MapQuestion) -> _Answer:
    revision = known.revision.spelled
    if question.types:
        found = list_tables(known)
        return _Answer(list_fields(found), True, lambda printer: printer.types(found))
    if question.function:
        report = serving(known, question.function)
        return _Answer(
            service_fields(report), not report.services.unread, lambda printer: printer.services(report, revision)
        )
    if question.slot:
        stories = tell_slot(known, question.slot)
        return _Answer(
            {"stories": [story_fields(one) for one in stories]},
            not any(one.story.unread for one in stories),
            lambda printer: printer.stories(stories, revision),
        )
    readings = read_tables(known, question.table)
    return _Answer(
        {"types": [reading_fields(one) for one in readings]},
        not any(one.unread for one in readings),
        lambda printer: printer.readings(readings, revision),
    )
