"""`kpt hooks --html` and `--dot`: the hook tables of some revisions as a page, or of one as a graph."""

import click

from kpatch_tools.app.hooks_page import AtlasReport, atlas_dot, atlas_page, survey_versions
from kpatch_tools.cli.session import Session, cache_dir
from kpatch_tools.cli.writing import write_file
from kpatch_tools.hooks.tables.finder import DEFAULT_SCOPE


def write_pictures(
    session: Session,
    *,
    revisions: tuple[str, ...],
    tables: tuple[str, ...],
    scope: tuple[str, ...],
    html: str | None,
    dot: str | None,
) -> None:
    """Write the page to `html` and the graph to `dot`, each unless it is None; "-" is standard output."""
    if html == dot or (session.as_json and "-" in (html, dot)):
        raise click.UsageError("the page, the graph and the JSON document each need a place of their own: name a FILE")
    with session.progress(" ".join(revisions)) as step:
        report = survey_versions(
            session.tree, revisions, tables=tables, scope=scope or DEFAULT_SCOPE, cache_dir=cache_dir(), progress=step
        )
    if html is not None:
        write_file(html, atlas_page(report))
    if dot is not None:
        write_file(dot, atlas_dot(report).encode())
    if session.as_json:
        session.print_json(_fields(report, html, dot))
        return
    slots = sum(len(table.rows) for table in report.tables)
    for name in (html, dot):
        if name not in (None, "-"):
            session.err.print(f"{name}: {_count(len(report.tables), 'table')}, {_count(slots, 'slot')}", markup=False)


def _fields(report: AtlasReport, html: str | None, dot: str | None) -> dict[str, object]:
    return {
        "html": html,
        "dot": dot,
        "scope": list(report.scope),
        "tables": {table.name: len(table.rows) for table in report.tables},
        "revisions": [
            {
                "revision": side.revision.spelled,
                "commit": side.revision.oid,
                "tables": len(side.tables),
                "not_understood": len(side.not_understood),
            }
            for side in report.sides
        ],
    }


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
