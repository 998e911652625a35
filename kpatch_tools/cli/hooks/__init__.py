"""`kpt hooks`: the hook tables of a revision. A command of its own, and a group of others."""

from collections.abc import Mapping
from typing import Final

import click

from kpatch_tools.app.hooks import HooksReport, survey_hooks
from kpatch_tools.cli.hooks.fields import coverage_fields, table_fields
from kpatch_tools.cli.hooks.text import print_coverage, print_table
from kpatch_tools.cli.lazy import LazyGroup, refuse_options_before
from kpatch_tools.cli.session import Session, verb

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
@click.option("--rev", default="HEAD", show_default=True, help="Revision to read.")
@click.option("--table", default="x86_init", show_default=True, help="The table's variable.")
@verb
@click.pass_context
def command(ctx: click.Context, session: Session, *, rev: str, table: str) -> int:
    """Show a hook table: its slots, what they default to, who overrides and who calls them.

    The table is found in the tree's own C, never listed: comments, strings, `#if 0` and names that only look alike do
    not count. What could not be understood is said.

    \b
    Examples:
      kpt hooks --rev v2.6.39
      kpt hooks --rev v3.1 --table x86_platform
      kpt hooks --rev v2.6.39 --json | jq '.tables[0].slots[] | select(.guards != [])'
    """
    if ctx.invoked_subcommand is not None:
        refuse_options_before(ctx)
        return 0
    with session.progress(f"reading {rev}") as step:
        step(table)
        report = survey_hooks(session.tree, rev, table=table)
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
