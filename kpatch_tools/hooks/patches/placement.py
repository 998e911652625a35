"""Where each part of a hook goes in a target, found by shape; one function per part.

Each answers with the edits, or with a Lack: why the part has no place here.
"""

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Span
from kpatch_tools.hooks.tables.conditions import Conditions
from kpatch_tools.render import render
from kpatch_tools.syntax import Node, ParsedFile, descend

from . import entries, installer, layout, structs
from .edits import Edit, Placed, behind, indent_of, insert, line_start, start_with_comment
from .features import Features
from .installer import find_installer, installed_functions
from .lacks import Lack, Need
from .lookup import declares, folder_of
from .parts import HookPart
from .reading import Files
from .shapes import path_of
from .site import find_buffer, find_site
from .spec import HookSpec
from .units import in_bytes


def place_declaration(files: Files, spec: HookSpec) -> Placed:
    """The sub-table's type before that of the member `before`, and the member before `before`."""
    return structs.place_declaration(files, spec.hook)


def place_initialiser(files: Files, spec: HookSpec) -> Placed:
    """The default, in the order that the table's members have."""
    if find_table_type(files, spec) is None:
        return Lack(Need.TABLE, f"no initialiser of {spec.table}")
    return entries.place_initialiser(files, spec.hook, spec.default)


def place_prototype(files: Files, spec: HookSpec, *, function: str | None = None) -> Placed:
    """Beside the prototype of the neighbouring slot's default, but outside of any dependence on the configuration.

    `function`: whose prototype, if not the default's.
    """
    found = find_table(files, spec)
    neighbours = (
        [name for member, entry in found[1] if member == spec.before for name in _functions_in(entry)] if found else []
    )
    for name in neighbours:
        place = files.find(
            lambda one, name=name: declares(one, name),  # type: ignore[misc]
            name.encode(),
            first=spec.prototype_header,
            scope=(folder_of(spec.prototype_header),),
            suffix=".h",
        )
        if place is None:
            continue
        path, node = place
        parsed = files.known(path)
        at = _outside_configuration(files.conditions(path), parsed, node)
        extern = parsed.text(node).startswith(b"extern")
        text = render(
            "hooks/prototype.h.j2",
            hook=spec.hook,
            function=function if function is not None else spec.default,
            storage="extern " if extern else "",
        )
        blind = [file for file in _users(files, spec) if path not in files.seen_from(file)]
        if blind:
            return Lack(Need.VISIBILITY, f"{path}, with the prototype, is not included by {', '.join(blind)}")
        return (insert(HookPart.PROTOTYPE, path, at, text),)
    return Lack(Need.TABLE, f"no prototype of a default of {spec.table}.{spec.before} to stand beside")


def place_default(files: Files, spec: HookSpec, features: Features, *, init: bool) -> Placed:
    """Behind the function that sets up the buffer."""
    site = find_site(files, spec)
    buffer = find_buffer(files, site) if site is not None else None
    if site is None or buffer is None or features.reserve is None:
        return Lack(Need.BUFFER, "no function that sets up the buffer, to stand behind")
    branches = files.conditions(buffer.path).at(buffer.finder.end_byte)
    if any(branch.state is not True for branch in branches):
        where = files.location(buffer.path, buffer.finder)
        return Lack(Need.BUFFER, "the function that sets up the buffer depends on the configuration", where)
    start, end = (one.name for one in spec.parameters)
    text = render(
        f"hooks/{spec.name}/default.c.j2",
        spec=spec,
        head=features.default_convention.head(spec.returns, static=False, init=init),
        reserve=features.reserve,
        arguments=features.reserve.call(start, end),
    )
    return (behind(HookPart.DEFAULT, buffer.path, files.known(buffer.path), buffer.finder, text),)


def place_call(files: Files, spec: HookSpec, features: Features) -> Placed:
    """In place of the reserving call, with a comment above its `if`."""
    site, buffer = find_site(files, spec), features.buffer
    if site is None or buffer is None:
        return Lack(Need.SITE, f"{spec.call_function}() has no reserving call to replace")
    parsed = files.known(site.path)
    if any(branch.state is not True for branch in files.conditions(site.path).at(site.branch.start_byte)):
        where = files.location(site.path, site.call)
        return Lack(Need.SITE, f"{spec.call_function}() reserves the buffer in some configurations only", where)
    macro = features.sees(site.path, "PFN_PHYS")
    given = tuple(in_bytes(one.name, one.unit, macro=macro) for one in (buffer.start, buffer.end))
    above = line_start(parsed.source, site.branch.start_byte)
    note = layout.comment(
        render(f"hooks/{spec.name}/call.txt.j2", buffer=buffer), indent_of(parsed.source, site.branch.start_byte)
    )
    text = layout.call(spec.path, given, indent_of(parsed.source, site.call.start_byte))
    return (
        insert(HookPart.CALL, site.path, above, note),
        Edit(HookPart.CALL, site.path, Span(site.call.start_byte, site.call.end_byte), text.encode()),
    )


def place_override(
    files: Files, spec: HookSpec, features: Features, *, template: str = "override", name: str | None = None
) -> Placed:
    """Behind a function that the installer sets, or else before the installer: where everything it uses is declared.

    Another `template` than the hook's is for a function called `name` that other files call.
    """
    found = find_installer(files, spec)
    if found is None:
        return Lack(Need.INSTALLER, f"no function {spec.installer}() to set the override in")
    if features.buffer is None:
        return Lack(Need.BUFFER, "no buffer whose spare pages the override could release")
    path, function = found
    parsed, conditions = files.known(path), files.conditions(path)
    top = features.buffer.top
    text = render(
        f"hooks/{spec.name}/{template}.c.j2",
        spec=spec,
        name=name if name is not None else spec.override,
        head=features.override_convention.head(spec.returns, static=template == "override"),
        top=in_bytes(top.name, top.unit, macro=features.sees(path, "PFN_PHYS")),
    )
    needed = declares(parsed, spec.acts_through)
    earliest = needed.end_byte if needed is not None else 0
    around = conditions.at(function.start_byte)
    for definition in installed_functions(files, spec.table, path, function):
        at = definition.end_byte
        if earliest <= at <= function.start_byte and conditions.at(at) == around:
            return (behind(HookPart.OVERRIDE, path, parsed, definition, text),)
    if earliest > function.start_byte:
        return Lack(Need.VISIBILITY, f"{spec.acts_through}() is declared below {spec.installer}()")
    return (insert(HookPart.OVERRIDE, path, start_with_comment(parsed, function), text + "\n"),)


def place_assignment(files: Files, spec: HookSpec) -> Placed:
    """Among the installer's other assignments to the table, in the table's order."""
    if find_table_type(files, spec) is None:
        return Lack(Need.INSTALLER, f"no function {spec.installer}() to set the override in")
    return installer.place_assignment(files, spec.hook, spec.hook.overrides[0])


def find_table_type(files: Files, spec: HookSpec) -> tuple[RepoPath, Node, Node] | None:
    """Header, struct of the hook table, and its member `before`."""
    found = structs.find_table_type(files, spec.hook)
    sibling = structs.find_member(found[1], spec.before) if found is not None else None
    return (*found, sibling) if found is not None and sibling is not None else None


def find_table(files: Files, spec: HookSpec) -> tuple[RepoPath, entries.Entries] | None:
    """File and entries (member and its `.member = {...}`) of the hook table's initialiser; None without entries."""
    found = entries.find_entries(files, spec.hook)
    return (found.path, found.entries) if found is not None else None


def _users(files: Files, spec: HookSpec) -> tuple[RepoPath, ...]:
    """The files that name the default function: the table's and the override's."""
    places = (find_table(files, spec), find_installer(files, spec))
    return tuple(dict.fromkeys(place[0] for place in places if place is not None))


def _functions_in(entry: Node) -> tuple[str, ...]:
    values = (one.child_by_field_name("value") for one in descend(entry) if one.type == "initializer_pair")
    return tuple(name for value in values if value is not None and (name := path_of(value)) is not None)


def _outside_configuration(conditions: Conditions, parsed: ParsedFile, node: Node) -> int:
    """The start of `node`'s line, or of the outermost conditional around it that depends on CONFIG_ symbols."""
    at = line_start(parsed.source, node.start_byte)
    for branch in reversed(conditions.at(node.start_byte)):
        opening = parsed.source[branch.opened_at : parsed.source.index(b"\n", branch.opened_at)]
        if b"CONFIG_" not in opening:
            break
        at = line_start(parsed.source, branch.opened_at)
    return at
