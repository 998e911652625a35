"""Where the default goes in a table's initialiser: in the order of the struct's members."""

from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.render import render
from kpatch_tools.syntax import Node, ParsedFile, descend, find_initialiser, name_of

from . import layout
from .description import HookDescription
from .edits import Edit, Placed, indent_of, insert, line_end, line_start, start_with_comment
from .lacks import Lack, Need
from .parts import HookPart
from .reading import Files
from .structs import find_holder, find_table_type, member_name, members

Entries = tuple[tuple[str, Node], ...]
"""Each compiled entry `.member = …` of an initialiser, with the member's name, in file order."""


@dataclass(frozen=True, slots=True)
class Initialiser:
    """The initialiser of a table's variable: its declarator `node`, its braces `value`, and what is in them."""

    path: RepoPath
    node: Node
    value: Node
    entries: Entries


def find_entries(
    files: Files, hook: HookDescription, *, variable: str | None = None, first: RepoPath | None = None
) -> Initialiser | None:
    """The initialiser of the hook's table (or of another `variable` of its type); None without entries."""
    variable = variable if variable is not None else hook.table.variable
    found = files.find(
        lambda one: find_initialiser(one, variable),
        hook.table.type.encode(),
        first=first if first is not None else hook.table.file,
        scope=hook.scope,
    )
    value = found[1].child_by_field_name("value") if found is not None else None
    if found is None or value is None:
        return None
    entries = entries_in(files, found[0], value)
    return Initialiser(found[0], found[1], value, entries) if entries else None


def entries_in(files: Files, path: RepoPath, braces: Node) -> Entries:
    """The entries directly inside of one pair of braces that an x86-64 build may compile."""
    return tuple(
        (designated(one), one) for one in _pairs(braces) if one.type == "initializer_pair" and files.compiled(path, one)
    )


def _pairs(node: Node) -> list[Node]:
    out: list[Node] = []
    for one in node.named_children:
        if one.type == "initializer_pair":
            out.append(one)
        elif one.type.startswith("preproc_"):
            out.extend(_pairs(one))
    return out


def place_initialiser(
    files: Files,
    hook: HookDescription,
    value: str,
    *,
    part: HookPart = HookPart.INITIALISER,
    variable: str | None = None,
    first: RepoPath | None = None,
) -> Placed:
    """`.slot = value` in the table's own initialiser, or in that of another `variable`."""
    found, table = find_entries(files, hook, variable=variable, first=first), find_table_type(files, hook)
    if found is None or table is None:
        return Lack(Need.TABLE, f"no initialiser of {variable or hook.table.variable}")
    order = [member_name(one) for one in members(table[1])]
    if hook.sub_table is None:
        return _ordered(files, hook, found.path, found.value, found.entries, value, part)
    inside = next((one for name, one in found.entries if name == hook.sub_table.member), None)
    if inside is None:
        before = hook.sub_table.before
        if hook.sub_table.member in order:
            later = order[order.index(hook.sub_table.member) + 1 :]
        else:
            later = order[order.index(before) :] if before in order else []
        return _whole(files, hook, found, later, value, part)
    braces = inside.child_by_field_name("value")
    if braces is None or braces.type != "initializer_list":
        where = files.location(found.path, inside)
        return Lack(Need.TABLE, f"the entry of {hook.sub_table.member} in {found.path} is no list", where)
    return _ordered(files, hook, found.path, braces, entries_in(files, found.path, braces), value, part)


def _whole(
    files: Files, hook: HookDescription, found: Initialiser, later: list[str], value: str, part: HookPart
) -> Placed:
    """An entry for the whole sub-table, before that of a member in `later`, else as the last one."""
    path, entries = found.path, found.entries
    parsed = files.known(path)
    following = next((entry for member, entry in entries if member in later), None)
    anchor = following if following is not None else entries[-1][1]
    gap = layout.padded(f"\t\t.{hook.slot.name}", _column_of_equals(parsed, anchor))[len(f"\t\t.{hook.slot.name}") :]
    text = render("hooks/initialiser.c.j2", hook=hook, gap=gap, value=value)
    if following is None:
        comma = _comma(part, path, parsed, anchor)
        return (*comma, insert(part, path, parsed.source.index(b"\n", anchor.end_byte) + 1, "\n" + text))
    at = start_with_comment(parsed, following)
    return (insert(part, path, at, text + ("\n" if _blank_above(parsed, at) else "")),)


def _ordered(
    files: Files, hook: HookDescription, path: RepoPath, braces: Node, entries: Entries, value: str, part: HookPart
) -> Placed:
    """Behind the entries of earlier members of the struct, before those of later ones."""
    holder = find_holder(files, hook)
    parsed = files.known(path)
    if not entries:
        return Lack(Need.TABLE, f"the initialiser names no neighbour of {hook.path}", files.location(path, braces))
    if braces.has_error:
        return Lack(Need.SYNTAX, f"the initialiser in {path} is not understood as C", files.location(path, braces))
    earlier = _earlier(holder[1] if holder is not None else None, hook)
    before = [entry for name, entry in entries if name in earlier] if earlier is not None else []
    known = before[-1] if before else entries[0][1] if earlier is not None else entries[-1][1]
    if not files.settled(path, known.start_byte):
        where = files.location(path, known)
        return Lack(Need.TABLE, f"the entry beside {hook.path}'s place depends on the configuration", where)
    indent = indent_of(parsed.source, known.start_byte)
    column = layout.column(_text_before_equals(parsed, known))
    text = layout.padded(f"{indent}.{hook.slot.name}", column) + f"= {value},\n"
    if earlier is not None and not before:
        return (insert(part, path, start_with_comment(parsed, known), text),)
    return (*_comma(part, path, parsed, known), insert(part, path, line_end(parsed.source, known.end_byte), text))


def _earlier(struct: Node | None, hook: HookDescription) -> frozenset[str] | None:
    """The members that stand before the slot in its struct, or will; None for a slot that goes last."""
    order = [member_name(one) for one in members(struct)] if struct is not None else []
    for name, behind in ((hook.slot.name, 0), (hook.slot.before, 0), (hook.slot.after, 1)):
        if name and name in order:
            return frozenset(order[: order.index(name) + behind])
    return None


def _comma(part: HookPart, path: RepoPath, parsed: ParsedFile, entry: Node) -> tuple[Edit, ...]:
    """The comma that the last entry may have done without."""
    following = entry.next_sibling
    while following is not None and following.type == "comment":
        following = following.next_sibling
    if following is not None and following.type == ",":
        return ()
    return (insert(part, path, entry.end_byte, ","),)


def designated(pair: Node) -> str:
    """The member that an entry of an initialiser names; "" for an array index."""
    for one in pair.children_by_field_name("designator"):
        for name in descend(one):
            if name.type == "field_identifier":
                return name_of(name)
    return ""


def _column_of_equals(parsed: ParsedFile, entry: Node) -> int:
    """The column of `=` in the first slot of a sub-table's entry."""
    for one in descend(entry):
        if one.type == "initializer_pair" and one != entry:
            return layout.column(_text_before_equals(parsed, one))
    return 0


def _text_before_equals(parsed: ParsedFile, pair: Node) -> str:
    equals = next((child for child in pair.children if child.type == "="), pair)
    return parsed.source[line_start(parsed.source, pair.start_byte) : equals.start_byte].decode("utf-8", "replace")


def _blank_above(parsed: ParsedFile, at: int) -> bool:
    return at >= 2 and parsed.source[at - 2 : at] == b"\n\n"
