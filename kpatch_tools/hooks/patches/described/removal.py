"""Takes a described hook out of a tree, in memory, so that what is left can have it written again."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location, Span
from kpatch_tools.hooks.patches.anatomy import Found
from kpatch_tools.hooks.patches.description import Function, HookDescription, Origin, Position
from kpatch_tools.hooks.patches.edits import Edit, line_end, line_start, start_with_comment
from kpatch_tools.hooks.patches.lacks import Lack, Need
from kpatch_tools.hooks.patches.parts import HookPart
from kpatch_tools.hooks.patches.reading import Files
from kpatch_tools.hooks.patches.site import enclosing_statement
from kpatch_tools.hooks.patches.structs import (
    doc_lines,
    find_holder,
    find_member,
    find_table_type,
    members,
    statement_of,
)
from kpatch_tools.hooks.patches.written import Refused, changed
from kpatch_tools.hooks.tables.finder import find_hook_tables
from kpatch_tools.syntax import Node, descend, name_of

from .anatomy import HookAnatomy, dissect_described
from .functions import Definition
from .presence import condition_of

Taken = list[Edit] | Lack


@dataclass(frozen=True, slots=True)
class TakenOut:
    """A tree without the hook, as complete new contents of the files that change.

    `foreign` are the uses of the slot that the description does not account for, overrides of other platforms above
    all. They stay, for whoever puts the hook back; without it such a tree does not compile.
    """

    changes: dict[RepoPath, bytes]
    foreign: tuple[Location, ...]


def take_out(source: BlobSource, hook: HookDescription) -> TakenOut | Refused:
    """`source` without what the description brings; every reason where a part cannot be taken out.

    An include that came with the hook stays. A default that was there before becomes static again only where no
    other file of scope names it.
    """
    files = Files(source)
    found = dissect_described(files, hook)
    if found.slot is None:
        return Refused((Lack(Need.ABSENCE, f"the tree has no {hook.path}"),))
    taken = list(_parts(files, hook, found))
    lacks = [one for one in taken if isinstance(one, Lack)]
    if lacks:
        return Refused(tuple(dict.fromkeys(lacks)))
    edits = [edit for one in taken if not isinstance(one, Lack) for edit in one]
    return TakenOut(changed(source, edits), _foreign(source, files, hook, found))


def _parts(files: Files, hook: HookDescription, found: HookAnatomy) -> Iterator[Taken]:
    yield list(_declaration(files, hook, found))
    for one in found.alias:
        yield [_lines(files, HookPart.INITIALISER, one)]
    yield from _function(files, hook, HookPart.DEFAULT, hook.default, found.default, found.prototype)
    for call in found.calls:
        yield _call(files, hook, call)
    for override in found.overrides:
        yield from _function(
            files, hook, HookPart.OVERRIDE, override.override.function, override.function, override.prototype
        )
        for one in override.assignments:
            yield _assignment(files, one)


def _declaration(files: Files, hook: HookDescription, found: HookAnatomy) -> Iterator[Edit]:
    """A sub-table that has no other slot, and that the description could bring, goes as a whole."""
    holder = find_holder(files, hook)
    assert holder is not None, "the slot was found in it"
    assert found.slot is not None, "take_out() looked"
    path, struct = holder
    whole = hook.sub_table is not None and hook.sub_table.before != "" and len(members(struct)) == 1
    if whole and hook.sub_table is not None:
        yield _block(files, HookPart.DECLARATION, Found(path, statement_of(struct)))
        table = find_table_type(files, hook)
        member = find_member(table[1], hook.sub_table.member) if table is not None else None
        if table is not None and member is not None:
            yield _lines(files, HookPart.DECLARATION, Found(table[0], member))
    else:
        doc = doc_lines(files.known(path), struct, hook.slot.name)
        if doc is not None:
            yield Edit(HookPart.DECLARATION, path, Span(*doc), b"")
        yield _lines(files, HookPart.DECLARATION, found.slot)
    if found.entry is not None:
        around = found.entry.node.parent
        pair = around.parent if around is not None else None
        if whole and pair is not None and pair.type == "initializer_pair":
            yield _block(files, HookPart.INITIALISER, Found(found.entry.path, pair))
        else:
            yield _lines(files, HookPart.INITIALISER, found.entry)


def _function(
    files: Files,
    hook: HookDescription,
    part: HookPart,
    function: Function,
    definition: Definition | None,
    prototype: Found | None,
) -> Iterator[Taken]:
    if function.origin is Origin.NO_OP or definition is None:
        return
    users = tuple(_users(files, hook, function, definition))
    if function.origin is Origin.NEW:
        if users:
            message = f"{function.name}() is used by more than the hook, in {', '.join(users)}"
            yield Lack(Need.DEFINITION, message, files.location(definition.path, definition.node))
            return
        yield [_block(files, part, Found(definition.path, definition.node))]
    elif function.prototype is None or prototype is None or [one for one in users if one != definition.path]:
        return
    else:
        start = definition.node.start_byte
        yield [Edit(part, definition.path, Span(start, start), b"static ")]
    if prototype is not None:
        yield [_lines(files, HookPart.PROTOTYPE, prototype)]


def _users(files: Files, hook: HookDescription, function: Function, definition: Definition) -> Iterator[RepoPath]:
    """The files that name a function otherwise than the hook does: not to define, declare or put it into the slot."""
    word = re.compile(rb"\b" + re.escape(function.name.encode()) + rb"\b")
    own = {function.prototype, hook.alias.file if hook.alias is not None else None}
    for path in dict.fromkeys((definition.path, *files.source.paths(*hook.scope))):
        if path in own or not path.endswith((".c", ".h")) or word.search(files.source.read(path) or b"") is None:
            continue
        if any(_otherwise(hook, one) for one in _identifiers(files, path, function.name)):
            yield path


def _identifiers(files: Files, path: RepoPath, name: str) -> Iterator[Node]:
    return (one for one in descend(files.known(path).root) if one.type == "identifier" and name_of(one) == name)


def _otherwise(hook: HookDescription, name: Node) -> bool:
    """Whether a name is more than a declarator, or what is put into the slot."""
    parent = name.parent
    if parent is None or parent.type in ("function_declarator", "preproc_def"):
        return False
    if parent.type == "assignment_expression":
        left = parent.child_by_field_name("left")
        return left is None or (left.text or b"").decode("utf-8", "replace") != hook.path
    if parent.type == "initializer_pair":
        return hook.slot.name not in {name_of(one) for one in descend(parent) if one.type == "field_identifier"}
    return True


def _call(files: Files, hook: HookDescription, call: Found) -> Taken:
    """The direct call again, or nothing."""
    if hook.call.position is Position.REPLACES:
        callee = call.node.child_by_field_name("function")
        assert callee is not None, "it was found by what it calls"
        return [Edit(HookPart.CALL, call.path, Span(callee.start_byte, callee.end_byte), hook.call.anchor.encode())]
    statement = condition_of(call.node) if hook.call.answer is not None else call.node.parent
    if statement is None or statement.type not in ("expression_statement", "if_statement"):
        return Lack(Need.CALL, f"the call of {hook.path} is part of more", files.location(call.path, call.node))
    parent = statement.parent
    if parent is not None and parent.type not in ("compound_statement", "preproc_ifdef", "preproc_if"):
        return Lack(Need.CALL, f"the call of {hook.path} is conditional", files.location(call.path, call.node))
    edit = _block(files, HookPart.CALL, Found(call.path, statement))
    if hook.call.guard and (around := _guard(files, call.path, edit.span)) is not None:
        return [Edit(HookPart.CALL, call.path, _with_blank(files.known(call.path).source, around), b"")]
    return [edit]


def _guard(files: Files, path: RepoPath, inside: Span) -> Span | None:
    """The conditional that holds nothing but the lines `inside`, its own lines included."""
    parsed = files.known(path)
    before = [one for one in parsed.directives if one.span.end <= inside.start]
    after = [one for one in parsed.directives if one.span.start >= inside.end]
    if not before or not after or not before[-1].name.startswith("if") or after[0].name != "endif":
        return None
    first, last = before[-1].span, after[0].span
    between = parsed.source[first.end : inside.start] + parsed.source[inside.end : last.start]
    whole = Span(line_start(parsed.source, first.start), line_end(parsed.source, last.end))
    return None if between.strip() else whole


def _assignment(files: Files, one: Found) -> Taken:
    if one.node.type == "initializer_pair":
        return [_lines(files, HookPart.ASSIGNMENT, one)]
    statement = enclosing_statement(one.node)
    if statement.parent is None or statement.parent.type != "compound_statement":
        return Lack(Need.INSTALLER, "the override is set on a condition of its own", files.location(one.path, one.node))
    return [_lines(files, HookPart.ASSIGNMENT, Found(one.path, statement))]


def _foreign(source: BlobSource, files: Files, hook: HookDescription, found: HookAnatomy) -> tuple[Location, ...]:
    """The overrides and calls that other code has, as the reader of tables finds them."""
    atlas = find_hook_tables(source, table=hook.table.variable)
    slot = next((slot for table in atlas.tables if (slot := table.slot(hook.path_in_table)) is not None), None)
    if slot is None:
        return ()
    own = {files.location(one.path, one.node) for one in found.calls}
    own |= {files.location(one.path, one.node) for override in found.overrides for one in override.assignments}
    places = (*(one.location for one in slot.overrides), *slot.call_sites, *slot.guards)
    return tuple(dict.fromkeys(one for one in places if one not in own))


def _lines(files: Files, part: HookPart, found: Found) -> Edit:
    """Whole lines, from the first of a node to its last."""
    data = files.known(found.path).source
    end = found.node.end_byte - (1 if data[found.node.end_byte - 1 : found.node.end_byte] == b"\n" else 0)
    return Edit(part, found.path, Span(line_start(data, found.node.start_byte), line_end(data, end)), b"")


def _block(files: Files, part: HookPart, found: Found) -> Edit:
    """Whole lines with the comment above, and one of two blank lines that would meet."""
    parsed = files.known(found.path)
    start, end = start_with_comment(parsed, found.node), line_end(parsed.source, found.node.end_byte)
    return Edit(part, found.path, _with_blank(parsed.source, Span(start, end)), b"")


def _with_blank(data: bytes, span: Span) -> Span:
    blank_above = data[span.start - 2 : span.start] == b"\n\n"
    return Span(span.start, span.end + 1) if blank_above and data[span.end : span.end + 1] == b"\n" else span
