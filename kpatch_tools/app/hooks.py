"""Use case: show the hook tables of a revision."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.app.hooks_kept import KeptAnswers
from kpatch_tools.app.targets import kernel_at
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.hooks import HookAtlas, TableName, find_hook_tables, list_hook_tables
from kpatch_tools.hooks.tables.finder import DEFAULT_SCOPE
from kpatch_tools.tree import KernelTree, Revision, TreeAt


@dataclass(frozen=True, slots=True)
class HooksReport:
    """The tables of one revision."""

    revision: Revision
    atlas: HookAtlas


@dataclass(frozen=True, slots=True)
class TableNames:
    """Tables that headers declare."""

    names: tuple[TableName, ...]


def survey_hooks(
    tree: KernelTree,
    revision: str,
    *,
    table: str,
    scope: tuple[str, ...] = DEFAULT_SCOPE,
    cache_dir: Path | None = None,
) -> HooksReport:
    """Find `table` in the tree at `revision`, as the C files below `scope` declare, fill and call it. With a
    `cache_dir` the answer is kept there.

    Raises KpatchError "unknown-revision", and "no-such-table" where the revision has no such hook table.
    """
    resolved = kernel_at(tree, revision)
    source = tree.at(resolved)
    atlas = read_atlas(
        source.tree,
        table,
        scope,
        KeptAnswers(cache_dir),
        lambda: find_hook_tables(source, table=table, scope=scope),
    )
    if not atlas.tables:
        raise KpatchError(
            "no-such-table",
            f"{resolved.spelled} has no hook table {table} below {', '.join(scope)}",
            hint="name the variable, such as x86_init; a table is a global struct of function pointers; --scope FOLDER "
            "looks elsewhere",
        )
    return HooksReport(resolved, atlas)


def read_atlas(
    root: ObjectId, table: str, scope: tuple[str, ...], kept: KeptAnswers, find: Callable[[], HookAtlas]
) -> HookAtlas:
    """What is kept of the table in the root tree `root`, or what `find` finds."""
    return kept.of(("table", table, root, *scope), HookAtlas, find)


def declared_tables(source: TreeAt, scope: tuple[str, ...], kept: KeptAnswers) -> tuple[TableName, ...]:
    """The variables that headers below `scope` declare beside their structs, which hold function pointers."""
    return kept.of(
        ("declared", source.tree, *scope), TableNames, lambda: TableNames(list_hook_tables(source, scope=scope))
    ).names


def declares(
    tree: KernelTree,
    revision: str,
    table: str,
    *,
    scope: tuple[str, ...] = DEFAULT_SCOPE[:1],
    cache_dir: Path | None = None,
) -> bool:
    """Whether `table` is one of the `declared_tables`."""
    source = tree.at(kernel_at(tree, revision))
    return any(one.name == table for one in declared_tables(source, scope, KeptAnswers(cache_dir)))
