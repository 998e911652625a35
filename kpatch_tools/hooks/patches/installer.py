"""The function in which a platform sets its overrides."""

from collections.abc import Iterator

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import Node, find_function

from .reading import Files
from .shapes import Assignment, assignments, path_of
from .site import enclosing_statement
from .spec import HookSpec


def find_installer(files: Files, spec: HookSpec) -> tuple[RepoPath, Node] | None:
    """The definition of the spec's installer."""
    return files.find(
        lambda parsed: find_function(parsed, spec.installer),
        spec.installer.encode() + b"(",
        first=spec.override_file,
        scope=spec.scope,
    )


def installs(files: Files, spec: HookSpec, path: RepoPath, function: Node) -> Iterator[tuple[str, Assignment]]:
    """The assignments to the hook table in a function: the slot's path and the assignment, in file order."""
    for one in assignments(function):
        slot = path_of(one.left)
        if slot is not None and slot.startswith(f"{spec.table}.") and files.compiled(path, one.node):
            yield slot, one


def installed_functions(files: Files, spec: HookSpec, path: RepoPath, function: Node) -> Iterator[Node]:
    """The definitions, in the same file, of the functions that are assigned, in the order of the assignments."""
    parsed = files.known(path)
    for _, one in installs(files, spec, path, function):
        name = path_of(one.right)
        definition = find_function(parsed, name) if name is not None else None
        if definition is not None:
            yield definition


def member_of(slot: str) -> str:
    """The sub-table in a slot's path.

    >>> member_of("x86_init.paging.pagetable_init")
    'paging'
    """
    parts = slot.split(".")
    return parts[1] if len(parts) > 1 else ""


def statement_of(one: Assignment) -> Node:
    """The whole statement of an assignment."""
    return enclosing_statement(one.node)
