"""Use case: what differs between the hook tables of two revisions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kpatch_tools.app.targets import kernel_at
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks import HookTable, NotUnderstood, find_hook_tables, list_hook_tables
from kpatch_tools.hooks.history.difference import TableDifference, compare_tables
from kpatch_tools.hooks.tables.finder import DEFAULT_SCOPE
from kpatch_tools.hooks.tables.search import search_ahead
from kpatch_tools.tree import KernelTree, Revision


@dataclass(frozen=True, slots=True)
class Side:
    """One revision: the tables that were compared, and what could not be judged there."""

    revision: Revision
    tables: tuple[HookTable, ...]
    not_understood: tuple[NotUnderstood, ...]


@dataclass(frozen=True, slots=True)
class DiffReport:
    """`tables`: those that differ."""

    old: Side
    new: Side
    scope: tuple[str, ...]
    tables: tuple[TableDifference, ...]


def hooks_diff(
    tree: KernelTree,
    old: str,
    new: str,
    *,
    tables: tuple[str, ...] = (),
    scope: tuple[str, ...] = DEFAULT_SCOPE,
    progress: Callable[[str], None] = lambda _: None,
) -> DiffReport:
    """Compare `tables` as the C files below `scope` declare, fill and call them; none means all that its headers
    declare in either revision (see `tables_declared`).

    KpatchError: no-such-table where neither revision has one of `tables`; unknown-revision, not-a-kernel-tree.
    """
    revisions = kernel_at(tree, old), kernel_at(tree, new)
    wanted = tables
    if not wanted:
        progress("the headers")
        wanted = tables_declared([tree.at(revision) for revision in revisions], scope)
    sides = [read_side(tree, revision, wanted, scope, progress) for revision in revisions]
    for table in tables:
        if not any(one.name == table for side in sides for one in side.tables):
            raise KpatchError(
                "no-such-table",
                f"neither {old} nor {new} has a hook table {table} below {', '.join(scope)}",
                hint="name the variable, such as x86_init; --scope FOLDER looks elsewhere",
            )
    return DiffReport(sides[0], sides[1], scope, compare_tables(sides[0].tables, sides[1].tables))


def tables_declared(sources: Sequence[BlobSource], scope: tuple[str, ...]) -> tuple[str, ...]:
    """The tables that headers below `scope` declare in any of `sources`.

    The default scope has the drivers for what they do with the architecture's tables: a hundred of their own are not
    meant.
    """
    folders = DEFAULT_SCOPE[:1] if scope == DEFAULT_SCOPE else scope
    return tuple(dict.fromkeys(one.name for source in sources for one in list_hook_tables(source, scope=folders)))


def read_side(
    tree: KernelTree,
    revision: Revision,
    wanted: tuple[str, ...],
    scope: tuple[str, ...],
    progress: Callable[[str], None],
) -> Side:
    """Those of the tables `wanted` that the revision has."""
    progress(f"{revision.spelled}: looking for {len(wanted)} tables")
    source = search_ahead(tree.at(revision), wanted, scope)
    found: list[HookTable] = []
    refused: dict[NotUnderstood, None] = {}
    for number, table in enumerate(wanted, 1):
        progress(f"{revision.spelled}: {table}, {number} of {len(wanted)}")
        atlas = find_hook_tables(source, table=table, scope=scope)
        found += atlas.tables
        refused.update(dict.fromkeys(atlas.coverage.not_understood))
    return Side(revision, tuple(found), tuple(refused))
