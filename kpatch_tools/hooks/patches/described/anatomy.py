"""The parts of a described hook as a tree has them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.patches.anatomy import Found
from kpatch_tools.hooks.patches.description import HookDescription, Origin, Override
from kpatch_tools.hooks.patches.entries import entries_in, find_entries
from kpatch_tools.hooks.patches.installer import installer_of, installs
from kpatch_tools.hooks.patches.lookup import folder_of
from kpatch_tools.hooks.patches.reading import Files
from kpatch_tools.hooks.patches.shapes import calls, prototype
from kpatch_tools.hooks.patches.structs import find_holder, find_member
from kpatch_tools.syntax import Node, ParsedFile, descend, name_of

from .calls import find_calling_function
from .functions import Definition, find_definition


@dataclass(frozen=True, slots=True)
class OverrideFound:
    """What there is of one override.

    `assignments`: those in the installer, in file order, or the entry of the variable's initialiser.
    """

    override: Override
    function: Definition | None
    prototype: Found | None
    assignments: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class HookAnatomy:
    """What a tree has of a described hook; None (or empty) for a part that is not there.

    `default` is looked for where it is a function with a name, `prototype` where the description has one.
    """

    slot: Found | None
    entry: Found | None
    alias: tuple[Found, ...]
    prototype: Found | None
    default: Definition | None
    calls: tuple[Found, ...]
    overrides: tuple[OverrideFound, ...]


def dissect_described(files: Files, hook: HookDescription) -> HookAnatomy:
    """Look for every part of `hook`."""
    holder = find_holder(files, hook)
    member = find_member(holder[1], hook.slot.name) if holder is not None else None
    caller = find_calling_function(files, hook)
    default = hook.default
    return HookAnatomy(
        slot=Found(holder[0], member) if holder is not None and member is not None else None,
        entry=find_entry(files, hook),
        alias=tuple(find_macros(files, hook, hook.alias.name)) if hook.alias is not None else (),
        prototype=_prototype(files, default.prototype, default.name),
        default=find_definition(files, hook, default) if default.origin is not Origin.NO_OP else None,
        calls=tuple(Found(caller[0], one) for one in calls(caller[1], hook.path) if files.compiled(caller[0], one))
        if caller is not None
        else (),
        overrides=tuple(_override(files, hook, one) for one in hook.overrides),
    )


def find_entry(
    files: Files, hook: HookDescription, *, variable: str | None = None, first: RepoPath | None = None
) -> Found | None:
    """The entry of the slot in the initialiser of the table, or of another `variable`."""
    found = find_entries(files, hook, variable=variable, first=first)
    if found is None:
        return None
    entries = found.entries
    if hook.sub_table is not None:
        lists = (
            braces
            for name, entry in entries
            if name == hook.sub_table.member and (braces := entry.child_by_field_name("value")) is not None
        )
        entries = tuple(pair for braces in lists for pair in entries_in(files, found.path, braces))
    return next((Found(found.path, entry) for name, entry in entries if name == hook.slot.name), None)


def find_macros(files: Files, hook: HookDescription, name: str) -> Iterator[Found]:
    """Every definition of a macro in the first header that has one."""
    assert hook.alias is not None, "asked for a hook with an alias only"
    word = re.compile(rb"#[ \t]*define[ \t]+" + re.escape(name.encode()) + rb"\b")

    def defines(parsed: ParsedFile) -> Node | None:
        return next(iter(macros_in(parsed, name)), None) if word.search(parsed.source) else None

    folder = folder_of(hook.alias.file)
    found = files.find(defines, name.encode(), first=hook.alias.file, scope=(folder,), suffix=".h")
    if found is not None:
        yield from (Found(found[0], node) for node in macros_in(files.known(found[0]), name))


def macros_in(parsed: ParsedFile, name: str) -> Iterator[Node]:
    """The definitions of a macro without parameters."""
    for node in descend(parsed.root):
        if node.type == "preproc_def":
            macro = node.child_by_field_name("name")
            if macro is not None and name_of(macro) == name:
                yield node


def _prototype(files: Files, header: RepoPath | None, name: str) -> Found | None:
    parsed = files.parsed(header) if header is not None else None
    node = prototype(parsed, name) if parsed is not None else None
    return Found(header, node) if header is not None and node is not None else None


def _override(files: Files, hook: HookDescription, override: Override) -> OverrideFound:
    function = override.function
    return OverrideFound(
        override,
        find_definition(files, hook, function) if function.origin is Origin.NEW else None,
        _prototype(files, function.prototype, function.name),
        tuple(_assignments(files, hook, override)),
    )


def _assignments(files: Files, hook: HookDescription, override: Override) -> Iterator[Found]:
    if override.variable:
        entry = find_entry(files, hook, variable=override.variable, first=override.function.file)
        if entry is not None:
            yield entry
        return
    installer = installer_of(files, hook, override)
    if installer is not None:
        for slot, one in installs(files, hook.table.variable, *installer):
            if slot == hook.path:
                yield Found(installer[0], one.node)
