"""`kpt hooks --table`: one table, read for itself where it is a variable, else from the map."""

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.hooks import HooksReport, declares, survey_hooks
from kpatch_tools.app.hooks_map import has_variable
from kpatch_tools.cli.session import Session, cache_dir
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.hooks.tables.finder import DEFAULT_SCOPE

from .fields import coverage_fields, table_fields
from .map import MapQuestion, answer, open_session_map
from .text import print_coverage, print_table


def show_table(session: Session, revision: str, table: str, scope: tuple[str, ...], *, strict: bool) -> int:
    """`table` "" is x86_init. The exit code."""
    near = scope or DEFAULT_SCOPE
    headers = scope or DEFAULT_SCOPE[:1]
    if not table or (
        " " not in table and declares(session.tree, revision, table, scope=headers, cache_dir=cache_dir())
    ):
        return _print(session, _survey(session, revision, table or "x86_init", near), strict=strict)
    known = open_session_map(session, revision, scope)
    if has_variable(known, table, near):
        try:
            return _print(session, _survey(session, revision, table, near), strict=strict)
        except KpatchError as error:
            # The map tells of more variables: those of types that only a chain of headers leads to.
            if error.code != "no-such-table":
                raise
    return answer(session, MapQuestion(revision, scope, strict, table=table), known)


def _survey(session: Session, revision: str, table: str, scope: tuple[str, ...]) -> HooksReport:
    with session.progress(f"reading {revision}") as step:
        step(table)
        return survey_hooks(session.tree, revision, table=table, scope=scope, cache_dir=cache_dir())


def _print(session: Session, report: HooksReport, *, strict: bool) -> int:
    if session.as_json:
        session.print_json(_fields(report))
    else:
        for table in report.atlas.tables:
            print_table(session.out, table, report.revision.spelled)
        print_coverage(session.out, report.atlas.coverage)
    return Exit.UNDETERMINED if strict and report.atlas.coverage.not_understood else Exit.DONE


def _fields(report: HooksReport) -> dict[str, object]:
    return {
        "revision": report.revision.spelled,
        "commit": report.revision.oid,
        "tables": [table_fields(table) for table in report.atlas.tables],
        "coverage": coverage_fields(report.atlas.coverage),
    }
