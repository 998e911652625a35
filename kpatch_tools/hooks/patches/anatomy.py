"""The parts of a hook as a tree has them: found one by one, each where an x86-64 build compiles it."""

from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import Node, declared_name, descend, find_functions, find_struct, name_of

from .installer import find_installer, installs
from .lookup import folder_of
from .placement import find_table, find_table_type
from .reading import Files
from .shapes import calls, is_function, path_of, prototype
from .site import find_caller
from .spec import HookSpec


@dataclass(frozen=True, slots=True)
class Found:
    """A node and the file it is in."""

    path: RepoPath
    node: Node


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What a tree has of a hook; None (or empty) for a part that is not there.

    `slot`: the slot's declaration, in the struct `sub_table`; `member`: that struct's place in the hook table's type.
    `initialiser`: the innermost entry `.slot = …` of the table's own initialiser. `assignments`: every assignment to
    the slot in the installer, in file order.
    """

    sub_table: Found | None
    slot: Found | None
    member: Found | None
    initialiser: Found | None
    prototype: Found | None
    default: Found | None
    call: Found | None
    override: Found | None
    assignments: tuple[Found, ...]


def dissect(files: Files, spec: HookSpec) -> Anatomy:
    """Look for every part of `spec`."""
    sub_table = _sub_table(files, spec)
    return Anatomy(
        sub_table=sub_table,
        slot=_slot(spec, sub_table),
        member=find_member(files, spec),
        initialiser=_initialiser(files, spec),
        prototype=_prototype(files, spec),
        default=_definition(files, spec, spec.default, spec.default_file),
        call=_call(files, spec),
        override=_definition(files, spec, spec.override, spec.override_file),
        assignments=tuple(_assignments(files, spec)),
    )


def _sub_table(files: Files, spec: HookSpec) -> Found | None:
    found = files.find(
        lambda one: find_struct(one, spec.member_type),
        spec.member_type.encode(),
        first=spec.table_header,
        scope=(folder_of(spec.table_header),),
        suffix=".h",
    )
    return Found(*found) if found is not None else None


def _slot(spec: HookSpec, sub_table: Found | None) -> Found | None:
    if sub_table is None:
        return None
    for one in descend(sub_table.node):
        if one.type == "field_declaration" and _declares(one, spec.slot) and _is_pointer_to_function(one):
            return Found(sub_table.path, one)
    return None


def _declares(field: Node, name: str) -> bool:
    declared = declared_name(field.child_by_field_name("declarator"))
    return declared is not None and name_of(declared) == name


def _is_pointer_to_function(field: Node) -> bool:
    declarator = field.child_by_field_name("declarator")
    return declarator is not None and declarator.type == "function_declarator" and not is_function(declarator)


def find_member(files: Files, spec: HookSpec) -> Found | None:
    """The sub-table's member of the hook table's type."""
    found = find_table_type(files, spec)
    if found is None:
        return None
    path, table, _ = found
    for one in descend(table):
        if one.type == "field_declaration" and _declares(one, spec.member):
            return Found(path, one)
    return None


def _initialiser(files: Files, spec: HookSpec) -> Found | None:
    table = find_table(files, spec)
    if table is None:
        return None
    path, entries = table
    for one in (node for member, entry in entries if member == spec.member for node in descend(entry)):
        if one.type == "initializer_pair" and _last_designated(one) == spec.slot and files.compiled(path, one):
            return Found(path, one)
    return None


def _last_designated(pair: Node) -> str:
    names = [
        name_of(name)
        for one in pair.children_by_field_name("designator")
        for name in descend(one)
        if name.type == "field_identifier"
    ]
    return names[-1] if names else ""


def _prototype(files: Files, spec: HookSpec) -> Found | None:
    """In a header that the override's file sees, for there it is needed."""
    installer = find_installer(files, spec)
    path = installer[0] if installer is not None else spec.override_file
    for header in (spec.prototype_header, *files.seen_from(path)):
        if spec.default.encode() not in (files.source.read(header) or b""):
            continue
        node = prototype(files.known(header), spec.default)
        if node is not None and files.compiled(header, node):
            return Found(header, node)
    return None


def _definition(files: Files, spec: HookSpec, name: str, first: RepoPath) -> Found | None:
    """The definition that is compiled; of several, the first."""
    found = files.find(
        lambda one: next(iter(find_functions(one, name)), None), name.encode() + b"(", first=first, scope=spec.scope
    )
    if found is None:
        return None
    path = found[0]
    for node in find_functions(files.known(path), name):
        if files.compiled(path, node):
            return Found(path, node)
    return None


def _call(files: Files, spec: HookSpec) -> Found | None:
    caller = find_caller(files, spec)
    if caller is None:
        return None
    path, function = caller
    compiled = (call for call in calls(function, spec.path) if files.compiled(path, call))
    call = next(compiled, None)
    return Found(path, call) if call is not None else None


def _assignments(files: Files, spec: HookSpec) -> Iterator[Found]:
    installer = find_installer(files, spec)
    if installer is None:
        return
    for slot, one in installs(files, spec.table, *installer):
        if slot == spec.path and path_of(one.right) is not None:
            yield Found(installer[0], one.node)
