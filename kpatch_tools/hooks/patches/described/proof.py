"""Reads back what was written: is the hook complete, and is every name it uses declared?"""

from collections.abc import Iterator

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.patches.description import HookDescription, Origin
from kpatch_tools.hooks.patches.lacks import Lack, Need
from kpatch_tools.hooks.patches.lookup import declaration_of
from kpatch_tools.hooks.patches.presence import PresenceState
from kpatch_tools.hooks.patches.reading import Files
from kpatch_tools.hooks.patches.shapes import names_in
from kpatch_tools.hooks.patches.site import local_names
from kpatch_tools.syntax import Node, ancestors, line_of

from .anatomy import HookAnatomy, dissect_described
from .presence import read_described

_SPELLED_BY_THE_COMPILER = frozenset({"__func__", "__FUNCTION__", "NULL", "true", "false"})


def doubts(before: Files, after: Files, hook: HookDescription, changed: tuple[RepoPath, ...]) -> Iterator[Lack]:
    """Every reason not to hand out a result; none for a good one."""
    for path in changed:
        if len(after.known(path).errors) > len(before.known(path).errors):
            yield Lack(Need.SYNTAX, f"with the hook, {path} would not be understood as C")
    presence = read_described(after, hook)
    if presence.state is not PresenceState.PRESENT:
        reasons = ", ".join(f"{part.name}{f' ({part.note})' if part.note else ''}" for part in presence.missing)
        yield Lack(Need.ABSENCE, f"the hook would not be complete: {reasons}")
    said: set[tuple[RepoPath, str]] = set()
    for path, node in _own_code(dissect_described(after, hook), hook):
        for name in _undeclared(after, path, node):
            if (path, name) not in said:
                said.add((path, name))
                yield Lack(Need.VISIBILITY, f"{path} declares no {name} above the place where the hook uses it")


def _own_code(found: HookAnatomy, hook: HookDescription) -> Iterator[tuple[RepoPath, Node]]:
    """The code that the hook brings: new functions, the entry, the call, assignments."""
    if found.default is not None and hook.default.origin is Origin.NEW:
        yield found.default.path, found.default.node
    value = found.entry.node.child_by_field_name("value") if found.entry is not None else None
    if found.entry is not None and value is not None:
        yield found.entry.path, value
    yield from ((one.path, one.node) for one in found.calls)
    for override in found.overrides:
        if override.function is not None:
            yield override.function.path, override.function.node
        yield from ((one.path, one.node) for one in override.assignments)


def _undeclared(files: Files, path: RepoPath, node: Node) -> Iterator[str]:
    """The names that neither a header, nor the file above, nor the function around declares."""
    around = next((one for one in (node, *ancestors(node)) if one.type == "function_definition"), None)
    known = local_names(around) if around is not None else frozenset()
    for name in names_in(node):
        if name in known or name in _SPELLED_BY_THE_COMPILER:
            continue
        where = declaration_of(files, path, name)
        if where is None or (where.file == path and where.line > line_of(node) and not _in_header(files, path, name)):
            yield name


def _in_header(files: Files, path: RepoPath, name: str) -> bool:
    return any(
        name.encode() in (files.source.read(header) or b"")
        and declaration_of(files, header, name, headers=False) is not None
        for header in files.seen_from(path)
    )
