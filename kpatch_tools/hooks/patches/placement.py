"""Where each part of a hook goes in a target, found by shape; one function per part.

Each answers with the edits, or with a Lack: why the part has no place here.
"""

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Span
from kpatch_tools.render import render
from kpatch_tools.syntax import Node, ParsedFile, declared_name, descend, find_initialiser, find_struct, name_of

from . import layout
from .conditions import Conditions
from .edits import Edit, indent_of, line_start, start_with_comment
from .features import Features, Lack, Need
from .installer import find_installer, installed_functions, installs, member_of, statement_of
from .lookup import declares, folder_of
from .parts import HookPart
from .reading import Files
from .shapes import path_of
from .site import find_buffer, find_site
from .spec import HookSpec
from .units import in_bytes

Placed = tuple[Edit, ...] | Lack


def place_declaration(files: Files, spec: HookSpec) -> Placed:
    """The sub-table's type before that of the member `before`, and the member before `before`."""
    found = find_table_type(files, spec)
    if found is None:
        return Lack(Need.TABLE, f"no struct {spec.table_type} with a member {spec.before}")
    path, table, sibling = found
    parsed = files.known(path)
    data = parsed.source
    name = declared_name(sibling.child_by_field_name("declarator"))
    type_ = sibling.child_by_field_name("type")
    assert name is not None
    tag = type_.child_by_field_name("name") if type_ is not None else None
    neighbour = find_struct(parsed, name_of(tag)) if tag is not None else None
    anchor = neighbour if neighbour is not None and neighbour.start_byte < table.start_byte else table
    above = start_with_comment(parsed, _statement(anchor))
    line = line_start(data, sibling.start_byte)
    indent = indent_of(data, sibling.start_byte)
    to = layout.column(data[line : name.start_byte].decode())
    member = layout.padded(f"{indent}struct {spec.member_type}", to) + f"{spec.member};\n"
    return (
        _insert(HookPart.DECLARATION, path, above, render("hooks/struct.h.j2", spec=spec) + "\n"),
        _insert(HookPart.DECLARATION, path, line, member),
    )


def place_initialiser(files: Files, spec: HookSpec) -> Placed:
    """The default, in the order that the table's members have."""
    found = find_table(files, spec)
    type_found = find_table_type(files, spec)
    if found is None or type_found is None:
        return Lack(Need.TABLE, f"no initialiser of {spec.table}")
    path, entries = found
    parsed = files.known(path)
    order = [_member_name(one) for one in _members(type_found[1])]
    rank = order.index(spec.before)
    following = next((e for m, e in entries if m in order and order.index(m) >= rank), None)
    anchor = following if following is not None else entries[-1][1]
    gap = layout.padded(f"\t\t.{spec.slot}", _column_of_equals(parsed, anchor))[len(f"\t\t.{spec.slot}") :]
    text = render("hooks/initialiser.c.j2", spec=spec, gap=gap)
    if following is None:
        return (_insert(HookPart.INITIALISER, path, parsed.source.index(b"\n", anchor.end_byte) + 1, "\n" + text),)
    at = start_with_comment(parsed, following)
    return (_insert(HookPart.INITIALISER, path, at, text + ("\n" if _blank_above(parsed, at) else "")),)


def place_prototype(files: Files, spec: HookSpec) -> Placed:
    """Beside the prototype of the neighbouring slot's default, but outside of any dependence on the configuration."""
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
        text = render("hooks/prototype.h.j2", spec=spec, storage="extern " if extern else "")
        blind = [file for file in _users(files, spec) if path not in files.seen_from(file)]
        if blind:
            return Lack(Need.VISIBILITY, f"{path}, with the prototype, is not included by {', '.join(blind)}")
        return (_insert(HookPart.PROTOTYPE, path, at, text),)
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
    return (_behind(HookPart.DEFAULT, buffer.path, files.known(buffer.path), buffer.finder, text),)


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
        _insert(HookPart.CALL, site.path, above, note),
        Edit(HookPart.CALL, site.path, Span(site.call.start_byte, site.call.end_byte), text.encode()),
    )


def place_override(files: Files, spec: HookSpec, features: Features, *, template: str = "override") -> Placed:
    """Behind a function that the installer sets, or else before the installer: where everything it uses is declared.

    Another `template` than the hook's is for a function that other files call.
    """
    found = find_installer(files, spec)
    if found is None:
        return Lack(Need.INSTALLER, f"no function {spec.installer}() to set the override in")
    if features.buffer is None:
        return Lack(Need.BUFFER, "no buffer whose spare pages the override could release")
    path, installer = found
    parsed, conditions = files.known(path), files.conditions(path)
    top = features.buffer.top
    text = render(
        f"hooks/{spec.name}/{template}.c.j2",
        spec=spec,
        head=features.override_convention.head(spec.returns, static=template == "override"),
        top=in_bytes(top.name, top.unit, macro=features.sees(path, "PFN_PHYS")),
    )
    needed = declares(parsed, spec.acts_through)
    earliest = needed.end_byte if needed is not None else 0
    around = conditions.at(installer.start_byte)
    for definition in installed_functions(files, spec, path, installer):
        at = definition.end_byte
        if earliest <= at <= installer.start_byte and conditions.at(at) == around:
            return (_behind(HookPart.OVERRIDE, path, parsed, definition, text),)
    if earliest > installer.start_byte:
        return Lack(Need.VISIBILITY, f"{spec.acts_through}() is declared below {spec.installer}()")
    return (_insert(HookPart.OVERRIDE, path, start_with_comment(parsed, installer), text + "\n"),)


def place_assignment(files: Files, spec: HookSpec) -> Placed:
    """Among the installer's other assignments to the table, in the table's order.

    Only beside one that always runs: behind an `if`, the new line would take its place or share its condition.
    """
    found, type_found = find_installer(files, spec), find_table_type(files, spec)
    if found is None or type_found is None:
        return Lack(Need.INSTALLER, f"no function {spec.installer}() to set the override in")
    path, installer = found
    parsed = files.known(path)
    order = [_member_name(one) for one in _members(type_found[1])]
    rank = order.index(spec.before)
    text = render("hooks/assignment.c.j2", spec=spec)
    body = installer.child_by_field_name("body")
    last: Node | None = None
    for slot, one in installs(files, spec, path, installer):
        if statement_of(one).parent != body:
            continue
        last = statement_of(one)
        member = member_of(slot)
        if member in order and order.index(member) >= rank:
            at = line_start(parsed.source, last.start_byte)
            return (_insert(HookPart.ASSIGNMENT, path, at, indent_of(parsed.source, last.start_byte) + text),)
    if last is None:
        return Lack(
            Need.INSTALLER, f"{spec.installer}() sets no slot of {spec.table} always", files.location(path, installer)
        )
    indent = indent_of(parsed.source, last.start_byte)
    return (_insert(HookPart.ASSIGNMENT, path, parsed.source.index(b"\n", last.end_byte) + 1, indent + text),)


def find_table_type(files: Files, spec: HookSpec) -> tuple[RepoPath, Node, Node] | None:
    """Header, struct of the hook table, and its member `before`."""
    found = files.find(
        lambda one: find_struct(one, spec.table_type),
        spec.table_type.encode(),
        first=spec.table_header,
        scope=(folder_of(spec.table_header), "include"),
        suffix=".h",
    )
    if found is None:
        return None
    path, table = found
    sibling = next((one for one in _members(table) if _member_name(one) == spec.before), None)
    return (path, table, sibling) if sibling is not None else None


def find_table(files: Files, spec: HookSpec) -> tuple[RepoPath, tuple[tuple[str, Node], ...]] | None:
    """File and entries (member and its `.member = {...}`) of the hook table's initialiser; None without entries."""
    found = files.find(
        lambda one: find_initialiser(one, spec.table),
        spec.table_type.encode(),
        first=spec.table_file,
        scope=spec.scope,
    )
    value = found[1].child_by_field_name("value") if found is not None else None
    if found is None or value is None:
        return None
    entries = [
        (designated(one), one)
        for one in value.named_children
        if one.type == "initializer_pair" and files.compiled(found[0], one)
    ]
    return (found[0], tuple(entries)) if entries else None


def designated(pair: Node) -> str:
    """The member that an entry of an initialiser names; "" for an array index."""
    for one in pair.children_by_field_name("designator"):
        for name in descend(one):
            if name.type == "field_identifier":
                return name_of(name)
    return ""


def _users(files: Files, spec: HookSpec) -> tuple[RepoPath, ...]:
    """The files that name the default function: the table's and the override's."""
    places = (find_table(files, spec), find_installer(files, spec))
    return tuple(dict.fromkeys(place[0] for place in places if place is not None))


def _members(struct: Node) -> tuple[Node, ...]:
    return tuple(one for one in descend(struct) if one.type == "field_declaration")


def _member_name(field: Node) -> str:
    name = declared_name(field.child_by_field_name("declarator"))
    return name_of(name) if name is not None else ""


def _statement(struct: Node) -> Node:
    """The declaration that a struct specifier is the whole of, or the specifier itself."""
    parent = struct.parent
    return parent if parent is not None and parent.type in ("declaration", "type_definition") else struct


def _column_of_equals(parsed: ParsedFile, entry: Node) -> int:
    """The column of `=` in the first slot of a sub-table's entry."""
    for one in descend(entry):
        if one.type == "initializer_pair" and one != entry:
            equals = next((child for child in one.children if child.type == "="), None)
            if equals is not None:
                line = line_start(parsed.source, one.start_byte)
                return layout.column(parsed.source[line : equals.start_byte].decode("utf-8", "replace"))
    return 0


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


def _blank_above(parsed: ParsedFile, at: int) -> bool:
    return at >= 2 and parsed.source[at - 2 : at] == b"\n\n"


def _insert(part: HookPart, path: RepoPath, at: int, text: str) -> Edit:
    return Edit(part, path, Span(at, at), text.encode())


def _behind(part: HookPart, path: RepoPath, parsed: ParsedFile, node: Node, text: str) -> Edit:
    """After `node`, with a blank line on either side."""
    apart = parsed.source[node.end_byte : node.end_byte + 2] in (b"\n\n", b"\n", b"")
    return _insert(part, path, node.end_byte, "\n\n" + text.rstrip("\n") + ("" if apart else "\n"))
