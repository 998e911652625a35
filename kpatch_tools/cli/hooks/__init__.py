"""`kpt hooks`: the hook tables of a revision. A command of its own, and a group of others."""

from collections.abc import Mapping
from typing import Final

import click

from kpatch_tools.cli.hooks.map import MapQuestion, answer
from kpatch_tools.cli.hooks.table import show_table
from kpatch_tools.cli.lazy import LazyGroup, refuse_options_before
from kpatch_tools.cli.session import Session, verb
from kpatch_tools.hooks.tables.finder import DEFAULT_SCOPE

SUBCOMMANDS: Final[Mapping[str, str]] = {
    "diff": "What differs between the tables of two revisions.",
    "timeline": "Birth, rename, re-typing and death of each slot, with the commit that did it.",
    "check": "Is every table complete and sound? Empty slots, wrong functions, dead overrides.",
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
@click.option("--list", "types", is_flag=True, help="Name every type of hook tables, and its variables.")
@click.option(
    "--table",
    "tables",
    multiple=True,
    help="A table's variable, or a type such as 'struct file_operations'; --html takes several.  [default: x86_init]",
)
@click.option("--slot", metavar="TABLE.SLOT", help="One slot's whole story: x86_init.mapping.pagetable_reserve.")
@click.option("--function", metavar="NAME", help="Which slots a function serves.")
@click.option(
    "--scope",
    multiple=True,
    metavar="FOLDER",
    help="What is read; repeatable.  [default: the whole tree; for a variable of "
    f"{DEFAULT_SCOPE[0]} and for pictures {', '.join(DEFAULT_SCOPE)}]",
)
@click.option("--strict", is_flag=True, help="Exit 3 where the name occurs in a part that was not understood.")
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
    types: bool,
    tables: tuple[str, ...],
    slot: str | None,
    function: str | None,
    scope: tuple[str, ...],
    strict: bool,
    html: str | None,
    dot: str | None,
) -> int:
    """Show hook tables: their slots, what they default to, who overrides and who calls them.

    Tables are found in the tree's own C, no list of them is kept: comments, strings, `#if 0` and names that only look
    alike do not count. What could not be understood is said. A variable of the architecture, such as x86_init, is
    read for itself. The rest is the map of the whole tree: an index in the cache folder ($KPT_CACHE_DIR), built in a
    minute for the first revision, then kept. Without --table, --html and --dot show all tables that headers declare.

    \b
    Examples:
      kpt hooks --rev v2.6.39
      kpt hooks --rev v2.6.39 --list | grep _operations
      kpt hooks --rev v2.6.39 --table 'struct file_operations' --scope fs/ext4 --scope include
      kpt hooks --rev v2.6.39 --slot x86_init.mapping.pagetable_reserve
      kpt hooks --rev v3.1 --function xen_init_IRQ --json
      kpt hooks --rev v2.6.39 --json | jq '.tables[0].slots[] | select(.guards != [])'
      kpt hooks --html atlas.html --rev v2.6.32 --rev v2.6.39 --rev v3.1 --table x86_init --table pv_mmu_ops
      kpt hooks --rev v3.1 --table x86_init --dot | dot -Tsvg -o x86_init.svg
    """
    if ctx.invoked_subcommand is not None:
        refuse_options_before(ctx)
        return 0
    pictures = html is not None or dot is not None
    _refuse_several(
        ctx,
        {"--list": types, "--slot": slot, "--function": function, "--html and --dot": pictures},
        tables,
    )
    if pictures:
        # The template engine takes longer to load than most answers to find.
        from kpatch_tools.cli.hooks.page import write_pictures

        write_pictures(session, revisions=revisions or ("HEAD",), tables=tables, scope=scope, html=html, dot=dot)
        return 0
    if len(revisions) > 1 or len(tables) > 1:
        raise click.UsageError("one --rev and one --table at a time, except with --html", ctx)
    revision, table = (*revisions, "HEAD")[0], (*tables, "")[0]
    if types or slot is not None or function is not None:
        question = MapQuestion(revision, scope, strict, types=types, slot=slot or "", function=function or "")
        return answer(session, question)
    return show_table(session, revision, table, scope, strict=strict)


def _refuse_several(ctx: click.Context, questions: Mapping[str, object], tables: tuple[str, ...]) -> None:
    """click.UsageError where more than one question is asked, or an empty one."""
    for option, value in questions.items():
        if value == "":
            raise click.UsageError(f"{option} needs a name", ctx)
    asked = [option for option, value in questions.items() if value]
    if tables and asked != ["--html and --dot"]:
        asked.append("--table")
    if len(asked) > 1:
        raise click.UsageError(f"one question at a time: {', '.join(asked)}", ctx)
