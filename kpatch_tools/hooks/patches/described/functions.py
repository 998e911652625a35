"""The functions that go into a slot: found in the target, or written for it."""

from collections import Counter
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Span
from kpatch_tools.hooks.patches.description import Function, HookDescription, Origin, Override
from kpatch_tools.hooks.patches.edits import Edit, Placed, behind, insert, start_with_comment
from kpatch_tools.hooks.patches.entries import find_entries
from kpatch_tools.hooks.patches.heads import Convention, convention_of
from kpatch_tools.hooks.patches.installer import installed_functions, installer_of
from kpatch_tools.hooks.patches.lacks import Lack, Need
from kpatch_tools.hooks.patches.parts import HookPart
from kpatch_tools.hooks.patches.prototypes import is_declared, place_beside_file, place_include, place_sight
from kpatch_tools.hooks.patches.reading import Files
from kpatch_tools.hooks.patches.shapes import path_of
from kpatch_tools.render import render
from kpatch_tools.syntax import (
    Node,
    ancestors,
    descend,
    find_function,
    find_functions,
    function_name,
    functions,
    is_static,
)

from .signatures import is_empty, signature_of, signature_of_slot


@dataclass(frozen=True, slots=True)
class Definition:
    """A function that the target defines."""

    path: RepoPath
    node: Node


def find_definition(files: Files, hook: HookDescription, function: Function) -> Definition | None:
    """The definition that an x86-64 build may compile, in its file or where in scope it went."""
    name = function.name
    found = files.find(
        lambda one: find_function(one, name), name.encode() + b"(", first=function.file, scope=hook.scope
    )
    if found is None:
        return None
    for node in find_functions(files.known(found[0]), name):
        if files.compiled(found[0], node):
            return Definition(found[0], node)
    return None


def find_no_op(files: Files, hook: HookDescription) -> str | Lack:
    """The empty function of the slot's signature that the table's own initialiser uses; the most used of several.

    One that only other tables use may live in another section, which goes away at another time.
    """
    found = find_entries(files, hook)
    wanted = signature_of_slot(hook.slot)
    if found is None:
        return Lack(Need.TABLE, f"no initialiser of {hook.table.variable}")
    empty = {
        name
        for node in functions(files.known(found.path))
        if is_empty(node) and signature_of(node) == wanted and (name := function_name(node)) is not None
    }
    values = (one.child_by_field_name("value") for one in descend(found.value) if one.type == "initializer_pair")
    given = [path_of(value) for value in values if value is not None]
    used = Counter(name for name in given if name is not None and name in empty)
    ranked = used.most_common(2)
    if not ranked:
        return Lack(Need.DEFAULT, f"{hook.table.variable} has no default that does nothing and is a {wanted}")
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        names = " and ".join(name for name, _ in ranked)
        return Lack(Need.DEFAULT, f"{hook.table.variable} shares no one function that does nothing: {names} are alike")
    return ranked[0][0]


def place_default(files: Files, hook: HookDescription) -> Placed:
    """What a default needs in order to be there and to be seen by the table's file: () for a no-op."""
    function = hook.default
    if function.origin is Origin.NO_OP:
        return ()
    table = find_entries(files, hook)
    if table is None:
        return Lack(Need.TABLE, f"no initialiser of {hook.table.variable}")
    if function.origin is Origin.EXISTING:
        return _expose(files, hook, function, table.path)
    if not function.behind and not function.prototype:
        variable = next((one for one in ancestors(table.node) if one.type == "declaration"), table.node)
        head = Convention().head(hook.slot.returns, static=True, section=function.section)
        text = hook.text(function.template, head=head, name=function.name, default=function.name)
        at = start_with_comment(files.known(table.path), variable)
        return (
            insert(HookPart.DEFAULT, table.path, at, text + "\n"),
            *_includes(files, HookPart.DEFAULT, table.path, function),
        )
    neighbour = files.find(
        lambda one: find_function(one, function.behind),
        function.behind.encode(),
        first=function.file,
        scope=hook.scope,
    )
    if neighbour is None:
        return Lack(Need.DEFAULT, f"no function {function.behind}() for {function.name}() to follow")
    return _new(files, hook, function, HookPart.DEFAULT, *neighbour, (table.path,))


def place_override_function(files: Files, hook: HookDescription, override: Override) -> Placed:
    """A new override, its prototype and includes; () for one that the target has."""
    function = override.function
    user = _user(files, hook, override)
    if isinstance(user, Lack):
        return user
    path, installer = user
    if function.origin is Origin.EXISTING:
        return ()
    if function.behind:
        neighbour = files.find(
            lambda one: find_function(one, function.behind), function.behind.encode(), first=path, scope=()
        )
        if neighbour is None:
            return Lack(Need.VISIBILITY, f"{path} has no function {function.behind}() for {function.name}() to follow")
        return _new(files, hook, function, HookPart.OVERRIDE, *neighbour, (path,))
    for definition in installed_functions(files, hook.table.variable, path, installer):
        if definition.end_byte <= installer.start_byte and files.settled(path, definition.start_byte):
            return _new(files, hook, function, HookPart.OVERRIDE, path, definition, (path,))
    parsed = files.known(path)
    text = hook.text(
        function.template,
        head=_head(files, hook, function, path, installer),
        name=function.name,
        default=hook.default.name,
    )
    return (
        insert(HookPart.OVERRIDE, path, start_with_comment(parsed, installer), text + "\n"),
        *_includes(files, HookPart.OVERRIDE, path, function),
    )


def _user(files: Files, hook: HookDescription, override: Override) -> tuple[RepoPath, Node] | Lack:
    """The file and definition of who sets the override: a function, or a variable's declaration."""
    if override.installer:
        found = installer_of(files, hook, override)
        return (
            found
            if found is not None
            else Lack(Need.INSTALLER, f"no function {override.installer}() to set the override in")
        )
    entries = find_entries(files, hook, variable=override.variable, first=override.function.file)
    if entries is None:
        return Lack(Need.INSTALLER, f"no initialiser of {override.variable} to set the override in")
    return entries.path, next((one for one in ancestors(entries.node) if one.type == "declaration"), entries.node)


def _new(
    files: Files,
    hook: HookDescription,
    function: Function,
    part: HookPart,
    path: RepoPath,
    neighbour: Node,
    users: tuple[RepoPath, ...],
) -> Placed:
    """A new function behind a neighbour, and its prototype where it has one."""
    if not files.settled(path, neighbour.start_byte):
        where = files.location(path, neighbour)
        return Lack(Need.VISIBILITY, f"{where.function}(), which {function.name}() follows, is conditional", where)
    head = _head(files, hook, function, path, neighbour)
    text = hook.text(function.template, head=head, name=function.name, default=hook.default.name)
    prototype = _prototype(files, hook, function, path, users)
    if isinstance(prototype, Lack):
        return prototype
    parsed = files.known(path)
    return (behind(part, path, parsed, neighbour, text), *prototype, *_includes(files, part, path, function))


def _head(files: Files, hook: HookDescription, function: Function, path: RepoPath, neighbour: Node) -> str:
    static = function.prototype is None
    convention = (
        convention_of(files.known(path), neighbour, files.location(path, neighbour))
        if neighbour.type == "function_definition"
        else Convention()
    )
    return convention.head(hook.slot.returns, static=static, section=function.section)


def _prototype(
    files: Files, hook: HookDescription, function: Function, path: RepoPath, users: tuple[RepoPath, ...]
) -> Placed:
    """The declaration in the header, if there is to be one and it is not there; and the users' sight of that header."""
    if function.prototype is None:
        return ()
    edits: list[Edit] = []
    if not is_declared(files, function.prototype, function.name):
        line = render("hooks/prototype.h.j2", hook=hook, function=function.name, storage="").strip().rstrip(";")
        placed = place_beside_file(files, function.prototype, path, line, conditional=users == (path,))
        if isinstance(placed, Lack):
            return placed
        edits += placed
    for user in users:
        sight = place_sight(files, HookPart.PROTOTYPE, user, function.prototype)
        if isinstance(sight, Lack):
            return sight
        edits += sight
    return tuple(edits)


def _includes(files: Files, part: HookPart, path: RepoPath, function: Function) -> tuple[Edit, ...]:
    """The headers that a new function needs and that its file may do without so far."""
    wanted = {
        header: next((one for one in files.seen_from(path) if one.endswith(f"include/{header}")), None)
        for header in function.includes
    }
    return tuple(
        edit
        for header, seen in wanted.items()
        if seen is None or not files.surely_sees(path, seen)
        for edit in place_include(files, part, path, header)
    )


def _expose(files: Files, hook: HookDescription, function: Function, user: RepoPath) -> Placed:
    """What makes a function that the target has visible to the table's file."""
    found = find_definition(files, hook, function)
    if found is None:
        return Lack(Need.DEFAULT, f"the tree has no function {function.name}()")
    where, has, wanted = files.location(found.path, found.node), signature_of(found.node), signature_of_slot(hook.slot)
    if has != wanted:
        return Lack(Need.SIGNATURE, f"{function.name}() is a {has}, but the slot is a {wanted}", where)
    edits: list[Edit] = []
    if found.path != user and is_static(found.node):
        if function.prototype is None:
            message = f"{function.name}() is static, and the description names no header for its prototype"
            return Lack(Need.VISIBILITY, message, where)
        edits.append(_without_static(files, found))
    prototype = _prototype(files, hook, function, found.path, (user,))
    return prototype if isinstance(prototype, Lack) else (*edits, *prototype)


def _without_static(files: Files, found: Definition) -> Edit:
    word = next(one for one in found.node.children if one.type == "storage_class_specifier" and one.text == b"static")
    data, end = files.known(found.path).source, word.end_byte
    while data[end : end + 1] in (b" ", b"\t"):
        end += 1
    return Edit(HookPart.DEFAULT, found.path, Span(word.start_byte, end), b"")
