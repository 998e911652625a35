"""Use case: show the hook tables of a revision."""

from dataclasses import dataclass

from kpatch_tools.app.targets import kernel_at
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.hooks import HookAtlas, find_hook_tables, list_hook_tables
from kpatch_tools.hooks.tables.finder import DEFAULT_SCOPE
from kpatch_tools.tree import KernelTree, Revision


@dataclass(frozen=True, slots=True)
class HooksReport:
    """The tables of one revision."""

    revision: Revision
    atlas: HookAtlas


def survey_hooks(tree: KernelTree, revision: str, *, table: str, scope: tuple[str, ...] = DEFAULT_SCOPE) -> HooksReport:
    """Find `table` in the tree at `revision`, as the C files below `scope` declare, fill and call it.

    Raises KpatchError "unknown-revision", and "no-such-table" where the revision has no such hook table.
    """
    resolved = kernel_at(tree, revision)
    atlas = find_hook_tables(tree.at(resolved), table=table, scope=scope)
    if not atlas.tables:
        raise KpatchError(
            "no-such-table",
            f"{resolved.spelled} has no hook table {table} below {', '.join(scope)}",
            hint="name the variable, such as x86_init; a table is a global struct of function pointers; --scope FOLDER "
            "looks elsewhere",
        )
    return HooksReport(resolved, atlas)


def declares(tree: KernelTree, revision: str, table: str, *, scope: tuple[str, ...] = DEFAULT_SCOPE[:1]) -> bool:
    """Whether a header below `scope` declares the variable `table` beside its struct, which holds function pointers."""
    source = tree.at(kernel_at(tree, revision))
    return any(one.name == table for one in list_hook_tables(source, scope=scope))
