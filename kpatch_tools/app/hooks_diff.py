"""Use case: what differs between the hook tables of two revisions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from kpatch_tools.app.hooks import declared_tables, read_atlas
from kpatch_tools.app.hooks_kept import KeptAnswers
from kpatch_tools.app.targets import kernel_at
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.hooks import HookAtlas, HookTable, NotUnderstood, find_hook_tables
from kpatch_tools.hooks.history.difference import TableDifference, compare_tables
from kpatch_tools.hooks.tables.finder import DEFAULT_SCOPE
from kpatch_tools.hooks.tables.search import SearchedTree, search_ahead
from kpatch_tools.tree import KernelTree, Revision, TreeAt


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
    cache_dir: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> DiffReport:
    """Compare `tables` as the C files below `scope` declare, fill and call them; none means all that its headers
    declare in either revision (see `tables_declared`). With a `cache_dir` no table is read twice.

    KpatchError: no-such-table where neither revision has one of `tables`; unknown-revision, not-a-kernel-tree.
    """
    revisions = kernel_at(tree, old), kernel_at(tree, new)
    kept = KeptAnswers(cache_dir)
    wanted = tables
    if not wanted:
        progress("the headers")
        wanted = tables_declared([tree.at(revision) for revision in revisions], scope, kept)
    sides = [read_side(tree, revision, wanted, scope, kept, progress) for revision in revisions]
    for table in tables:
        if not any(one.name == table for side in sides for one in side.tables):
            raise KpatchError(
                "no-such-table",
                f"neither {old} nor {new} has a hook table {table} below {', '.join(scope)}",
                hint="name the variable, such as x86_init; --scope FOLDER looks elsewhere",
            )
    return DiffReport(sides[0], sides[1], scope, compare_tables(sides[0].tables, sides[1].tables))


def tables_declared(sources: Sequence[TreeAt], scope: tuple[str, ...], kept: KeptAnswers) -> tuple[str, ...]:
    """The tables that headers below `scope` declare in any of `sources`.

    The default scope has the drivers for what they do with the architecture's tables: a hundred of their own are not
    meant.
    """
    folders = DEFAULT_SCOPE[:1] if scope == DEFAULT_SCOPE else scope
    return tuple(dict.fromkeys(one.name for source in sources for one in declared_tables(source, folders, kept)))


def read_side(
    tree: KernelTree,
    revision: Revision,
    wanted: tuple[str, ...],
    scope: tuple[str, ...],
    kept: KeptAnswers,
    progress: Callable[[str], None],
) -> Side:
    """Those of the tables `wanted` that the revision has."""
    source = tree.at(revision)

    @cache
    def searched() -> SearchedTree:
        progress(f"{revision.spelled}: looking for {len(wanted)} tables")
        return search_ahead(source, wanted, scope)

    def find(table: str) -> HookAtlas:
        return find_hook_tables(searched(), table=table, scope=scope)

    found: list[HookTable] = []
    refused: dict[NotUnderstood, None] = {}
    for number, table in enumerate(wanted, 1):
        progress(f"{revision.spelled}: {table}, {number} of {len(wanted)}")
        atlas = read_atlas(source.tree, table, scope, kept, partial(find, table))
        found += atlas.tables
        refused.update(dict.fromkeys(atlas.coverage.not_understood))
    return Side(revision, tuple(found), tuple(refused))
