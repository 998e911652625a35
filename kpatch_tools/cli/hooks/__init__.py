"""`kpt hooks`: the hook tables of a revision. A command of its own, and a group of others."""

from collections.abc import Mapping
from typing import Final

import click

from kpatch_tools.app.hooks import HooksReport, survey_hooks
from kpatch_tools.cli.hooks.fields import coverage_fields, table_fields
from kpatch_tools.cli.hooks.page import write_pictures
from kpatch_tools.cli.hooks.text import print_coverage, print_table
from kpatch_tools.cli.lazy import LazyGroup, refuse_options_before
from kpatch_tools.cli.session import Session, verb
from kpatch_tools.hooks.tables.finder import DEFAULT_SCOPE

SUBCOMMANDS: Final[Mapping[str, str]] = {
    "diff": "What differs between the tables of two revisions.",
    "timeline": "Birth, rename, re-typing and death of each slot, with the commit that did it.",
    "executed": "The tables as the tree's own set-up code fills them, against the text.",
}


@click.group(
    "hooks",
    cls=LazyGroup,
    package=__package__,
    commands_by_name=SUBCOMMANDS,
    title="Commands",
    invoke_without_command=True,
)
@click.option("--rev", "revisions", multiple=True, help="Revision to read; --html takes several.  [default: HEAD]")
@click.option(
    "--table", "tables", multiple=True, help="The table's variable; --html and --dot take several.  [default: x86_init]"
)
@click.option(
    "--scope",
    multiple=True,
    metavar="FOLDER",
    help=f"What is read; repeatable.  [default: {', '.join(DEFAULT_SCOPE)}, for tables of {DEFAULT_SCOPE[0]}]",
)
@click.option("--html", metavar="FILE", help="Write a page: tables x slots x platforms x versions, searchable.")
@click.option(
    "--dot", metavar="[FILE]", is_flag=False, flag_value="-", help="Write a graph for graphviz, of the last --rev."
)
@verb
@click.pass_context
def command(
    ctx: click.Context,
    session: Session,
    *,
    revisions: tuple[str, ...],
    tables: tuple[str, ...],
    scope: tuple[str, ...],
    html: str | None,
    dot: str | None,
) -> int:
    """Show a hook table: its slots, what they default to, who overrides and who calls them.

    The table is found in the tree's own C, never listed: comments, strings, `#if 0` and names that only look alike do
    not count. What could not be understood is said. Without --table, --html and --dot show all tables that headers
    declare.

    \b
    Examples:
      kpt hooks --rev v2.6.39
      kpt hooks --rev v3.1 --table x86_platform
      kpt hooks --rev v2.6.39 --json | jq '.tables[0].slots[] | select(.guards != [])'
      kpt hooks --html atlas.html --rev v2.6.32 --rev v2.6.39 --rev v3.1 --table x86_init --table pv_mmu_ops
      kpt hooks --rev v3.1 --table x86_init --dot | dot -Tsvg -o x86_init.svg
    """
    if ctx.invoked_subcommand is not None:
        refuse_options_before(ctx)
        return 0
    if html is not None or dot is not None:
        write_pictures(session, revisions=revisions or ("HEAD",), tables=tables, scope=scope, html=html, dot=dot)
        return 0
    if len(revisions) > 1 or len(tables) > 1:
        raise click.UsageError("one --rev and one --table at a time, except with --html", ctx)
    (rev,), (table,) = revisions or ("HEAD",), tables or ("x86_init",)
    with session.progress(f"reading {rev}") as step:
        step(table)
        report = survey_hooks(session.tree, rev, table=table, scope=scope or DEFAULT_SCOPE)
    if session.as_json:
        session.print_json(_fields(report))
    else:
        for table_read in report.atlas.tables:
            print_table(session.out, table_read, report.revision.spelled)
        print_coverage(session.out, report.atlas.coverage)
    return 0


def _fields(report: HooksReport) -> dict[str, object]:
    return {
        "revision": report.revision.spelled,
        "commit": report.revision.oid,
        "tables": [table_fields(table) for table in report.atlas.tables],
        "coverage": coverage_fields(report.atlas.coverage),
    }
