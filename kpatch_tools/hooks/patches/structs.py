"""Where a slot's declaration goes: into a struct that is there, or with a new sub-table."""

import re
from collections.abc import Iterator

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.render import render
from kpatch_tools.syntax import Node, ParsedFile, declared_name, find_struct, name_of

from . import layout
from .description import HookDescription
from .edits import Placed, indent_of, insert, line_end, line_start, start_with_comment
from .lacks import Lack, Need
from .lookup import folder_of
from .parts import HookPart
from .reading import Files

_DOC_LINE = re.compile(rb"^([ \t]*\*[ \t]*)@(\w+):?([ \t]*)", re.MULTILINE)


def find_table_type(files: Files, hook: HookDescription) -> tuple[RepoPath, Node] | None:
    """Header and struct of the hook table."""
    return _find_struct(files, hook, hook.table.type)


def find_sub_table(files: Files, hook: HookDescription) -> tuple[RepoPath, Node] | None:
    """Header and struct of the sub-table; None where there is none, or the slot is in the table itself."""
    return _find_struct(files, hook, hook.sub_table.type) if hook.sub_table is not None else None


def find_holder(files: Files, hook: HookDescription) -> tuple[RepoPath, Node] | None:
    """Header and struct that the slot is a member of, or is to be."""
    return find_sub_table(files, hook) if hook.sub_table is not None else find_table_type(files, hook)


def _find_struct(files: Files, hook: HookDescription, tag: str) -> tuple[RepoPath, Node] | None:
    return files.find(
        lambda one: find_struct(one, tag),
        tag.encode(),
        first=hook.table.header,
        scope=(folder_of(hook.table.header), "include"),
        suffix=".h",
    )


def place_declaration(files: Files, hook: HookDescription) -> Placed:
    """The slot in its struct, and the struct, where the target has none of this name, in the table."""
    table = find_table_type(files, hook)
    if hook.sub_table is None:
        return _in_struct(files, hook, *table) if table is not None else _no_table(hook)
    sub_table = find_sub_table(files, hook)
    if sub_table is None:
        return _with_sub_table(files, hook, table)
    if table is None:
        return _no_table(hook)
    if find_member(table[1], hook.sub_table.member) is None:
        return Lack(Need.TABLE, f"struct {hook.table.type} has no member {hook.sub_table.member}")
    return _in_struct(files, hook, *sub_table)


def _no_table(hook: HookDescription) -> Lack:
    return Lack(Need.TABLE, f"no struct {hook.table.type}")


def _in_struct(files: Files, hook: HookDescription, path: RepoPath, struct: Node) -> Placed:
    parsed, slot = files.known(path), hook.slot
    data = parsed.source
    listed = members(struct)
    named = slot.before or slot.after
    neighbour = find_member(struct, named) if named else (listed[-1] if listed else None)
    if neighbour is None:
        tag = struct.child_by_field_name("name")
        of = f"struct {name_of(tag)}" if tag is not None else "the struct"
        return Lack(Need.TABLE, f"{of} has no member {named}" if named else f"{of} has no members")
    if struct.has_error:
        return Lack(Need.SYNTAX, f"struct {hook.table.type} is not understood as C", files.location(path, struct))
    field = (
        f"{indent_of(data, neighbour.start_byte)}{slot.returns}{_gap(slot.returns)}(*{slot.name})({hook.signature});\n"
    )
    if slot.before:
        at = start_with_comment(parsed, neighbour)
    elif slot.after:
        at = line_end(data, neighbour.end_byte)
    else:
        body = struct.child_by_field_name("body")
        assert body is not None, "only a struct with a body is found"
        at = line_start(data, body.end_byte - 1)
    if not files.settled(path, at):
        where = files.location(path, neighbour)
        return Lack(Need.TABLE, f"the place of {hook.path} in its struct depends on the configuration", where)
    edits = [insert(HookPart.DECLARATION, path, at, field)]
    if (doc := _kernel_doc(parsed, struct, neighbour, hook)) is not None:
        edits.insert(0, insert(HookPart.DECLARATION, path, *doc))
    return tuple(edits)


def _gap(type_: str) -> str:
    return "" if type_.endswith("*") else " "


def _kernel_doc(parsed: ParsedFile, struct: Node, neighbour: Node, hook: HookDescription) -> tuple[int, str] | None:
    """Where a line for the slot goes in the comment above, and the line; None where that has none for members."""
    start = start_with_comment(parsed, statement_of(struct))
    lines = list(_DOC_LINE.finditer(parsed.source, start, struct.start_byte))
    if not lines:
        return None
    beside = next((one for one in lines if one.group(2).decode() == member_name(neighbour)), None)
    known = beside if beside is not None else lines[-1]
    begin = line_start(parsed.source, known.start())
    at = begin if beside is not None and hook.slot.before else doc_end(parsed.source, known.start(), struct.start_byte)
    head = parsed.source[begin : known.end()].decode("utf-8", "replace")
    blanks = known.group(1).decode()
    return at, layout.padded(f"{blanks}@{hook.slot.name}:", layout.column(head)) + f"{hook.slot.about}\n"


def doc_end(data: bytes, start: int, limit: int) -> int:
    """Offset after a member's description in kernel-doc, its continuation lines included."""
    at = line_end(data, start)
    while at < limit:
        line = data[at : line_end(data, at)].strip()
        if not line.startswith(b"*") or line.startswith(b"*/") or not line[1:].strip() or line[1:].strip()[:1] == b"@":
            break
        at = line_end(data, at)
    return at


def doc_lines(parsed: ParsedFile, struct: Node, name: str) -> tuple[int, int] | None:
    """The lines that describe the member `name` in the kernel-doc above its struct."""
    start = start_with_comment(parsed, statement_of(struct))
    for one in _DOC_LINE.finditer(parsed.source, start, struct.start_byte):
        if one.group(2).decode() == name:
            return line_start(parsed.source, one.start()), doc_end(parsed.source, one.start(), struct.start_byte)
    return None


def _with_sub_table(files: Files, hook: HookDescription, table: tuple[RepoPath, Node] | None) -> Placed:
    """The sub-table's type before that of the member `before`, and the member before `before`."""
    assert hook.sub_table is not None, "asked for a slot in a sub-table only"
    sub_table = hook.sub_table
    if not sub_table.before:
        return Lack(Need.TABLE, f"no struct {sub_table.type}")
    sibling = find_member(table[1], sub_table.before) if table is not None else None
    if table is None or sibling is None:
        return Lack(Need.TABLE, f"no struct {hook.table.type} with a member {sub_table.before}")
    path, struct = table
    parsed = files.known(path)
    data = parsed.source
    name = declared_name(sibling.child_by_field_name("declarator"))
    type_ = sibling.child_by_field_name("type")
    assert name is not None, "it was found by its name"
    tag = type_.child_by_field_name("name") if type_ is not None else None
    neighbour = find_struct(parsed, name_of(tag)) if tag is not None else None
    anchor = neighbour if neighbour is not None and neighbour.start_byte < struct.start_byte else struct
    above = start_with_comment(parsed, statement_of(anchor))
    line = line_start(data, sibling.start_byte)
    indent = indent_of(data, sibling.start_byte)
    to = layout.column(data[line : name.start_byte].decode())
    member = layout.padded(f"{indent}struct {sub_table.type}", to) + f"{sub_table.member};\n"
    return (
        insert(HookPart.DECLARATION, path, above, render("hooks/struct.h.j2", hook=hook) + "\n"),
        insert(HookPart.DECLARATION, path, line, member),
    )


def members(struct: Node) -> tuple[Node, ...]:
    """The struct's own members, in order, under conditionals too; not those of structs inside."""
    body = struct.child_by_field_name("body")
    return tuple(_fields(body)) if body is not None else ()


def _fields(node: Node) -> Iterator[Node]:
    for one in node.named_children:
        if one.type == "field_declaration":
            yield one
        elif one.type.startswith("preproc_") or one.type == "ERROR":
            yield from _fields(one)


def member_name(field: Node) -> str:
    """The name of a member; "" for an unnamed one."""
    name = declared_name(field.child_by_field_name("declarator"))
    return name_of(name) if name is not None else ""


def find_member(struct: Node, name: str) -> Node | None:
    """The struct's member of that name."""
    return next((one for one in members(struct) if member_name(one) == name), None)


def statement_of(struct: Node) -> Node:
    """The declaration that a struct specifier is the whole of, or the specifier itself."""
    parent = struct.parent
    return parent if parent is not None and parent.type in ("declaration", "type_definition") else struct
