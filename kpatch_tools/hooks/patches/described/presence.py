"""Whether a tree has a described hook: proved by its code, part by part."""

from collections.abc import Iterator

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.hooks.patches.anatomy import Found
from kpatch_tools.hooks.patches.description import Function, HookDescription, Origin, Position
from kpatch_tools.hooks.patches.parts import HookPart
from kpatch_tools.hooks.patches.presence import Part, Presence
from kpatch_tools.hooks.patches.reading import Files
from kpatch_tools.hooks.patches.shapes import arguments, calls, path_of
from kpatch_tools.syntax import Node, ancestors, enclosing_function_node, find_function, is_static

from .anatomy import HookAnatomy, OverrideFound, dissect_described
from .functions import Definition
from .signatures import is_empty, signature_of, signature_of_slot


def probe_described(source: BlobSource, hook: HookDescription) -> Presence:
    """Look at every part of `hook` in `source`; a part counts only if it is as the description says."""
    return read_described(Files(source), hook)


def read_described(files: Files, hook: HookDescription) -> Presence:
    """The same over files that were read already.

    What the hook shares with code that does without it, a default that was there before and its prototype, is no sign
    of the hook: these parts are only told where another one is there.
    """
    found = dissect_described(files, hook)
    own = tuple(_own_parts(files, hook, found))
    if all(part.where is None for part in own):
        return Presence(own)
    return Presence((*own, *_shared_parts(files, hook, found)))


def _own_parts(files: Files, hook: HookDescription, found: HookAnatomy) -> Iterator[Part]:
    yield _part(files, HookPart.DECLARATION, hook.table.header, found.slot, _declaration_note(hook, found))
    yield _part(files, HookPart.INITIALISER, hook.table.file, found.entry, _entry_note(files, hook, found))
    if hook.alias is not None:
        yield _part(files, HookPart.INITIALISER, hook.alias.file, found.alias[0] if found.alias else None, "")
    if hook.default.origin is Origin.NEW:
        yield from _new_function(files, hook, HookPart.DEFAULT, hook.default, found.default, found.prototype)
    call = found.calls[0] if found.calls else None
    yield _part(files, HookPart.CALL, hook.call.file, call, _call_note(hook, found))
    for one in found.overrides:
        function = one.override.function
        if function.origin is Origin.NEW:
            yield from _new_function(files, hook, HookPart.OVERRIDE, function, one.function, one.prototype)
        yield _assignment(files, hook, one)


def _shared_parts(files: Files, hook: HookDescription, found: HookAnatomy) -> Iterator[Part]:
    function = hook.default
    if function.origin is not Origin.EXISTING:
        return
    default, note = _as_found(found.default), ""
    if found.default is not None:
        note = _function_note(hook, found.default)
        table = found.entry.path if found.entry is not None else hook.table.file
        if not note and is_static(found.default.node) and found.default.path != table:
            note = f"it is static, which {table} cannot see"
    yield _part(files, HookPart.DEFAULT, function.file, default, note)
    if function.prototype is not None:
        yield _part(files, HookPart.PROTOTYPE, function.prototype, found.prototype, "")


def _new_function(
    files: Files,
    hook: HookDescription,
    name: HookPart,
    function: Function,
    definition: Definition | None,
    prototype: Found | None,
) -> Iterator[Part]:
    note = _function_note(hook, definition) if definition is not None else ""
    yield _part(files, name, function.file, _as_found(definition), note)
    if function.prototype is not None:
        yield _part(files, HookPart.PROTOTYPE, function.prototype, prototype, "")


def _as_found(definition: Definition | None) -> Found | None:
    return Found(definition.path, definition.node) if definition is not None else None


def _part(files: Files, name: HookPart, first: RepoPath, found: Found | None, note: str) -> Part:
    if found is None:
        return Part(name, first, False, None)
    if found.node.has_error:
        note = "it is not understood as C in every line"
    return Part(name, found.path, not note, files.location(found.path, found.node), note)


def _declaration_note(hook: HookDescription, found: HookAnatomy) -> str:
    if found.slot is None:
        return ""
    has, wanted = signature_of(found.slot.node), signature_of_slot(hook.slot)
    return "" if has == wanted else f"it is a {has or 'member of another kind'}, not a {wanted}"


def _function_note(hook: HookDescription, definition: Definition) -> str:
    has, wanted = signature_of(definition.node), signature_of_slot(hook.slot)
    return "" if has == wanted else f"it is a {has}, not a {wanted}"


def _entry_note(files: Files, hook: HookDescription, found: HookAnatomy) -> str:
    value = found.entry.node.child_by_field_name("value") if found.entry is not None else None
    given = path_of(value) if value is not None else None
    if found.entry is None:
        return ""
    if hook.default.origin is Origin.NO_OP:
        function = find_function(files.known(found.entry.path), given) if given is not None else None
        if function is not None and is_empty(function) and signature_of(function) == signature_of_slot(hook.slot):
            return ""
        return f"the default is {given or 'not a function'}, which does something, or is defined elsewhere"
    wanted = hook.alias.name if hook.alias is not None else hook.default.name
    return "" if given == wanted else f"the default is {given or 'not a function'}, not {wanted}"


def _call_note(hook: HookDescription, found: HookAnatomy) -> str:
    if not found.calls:
        return ""
    call = hook.call
    if len(found.calls) > 1:
        return f"{call.function}() calls it {len(found.calls)} times"
    node = found.calls[0].node
    if len(arguments(node)) != len(hook.slot.parameters):
        return f"it is called with {len(arguments(node))} arguments"
    function = enclosing_function_node(node)
    if call.position is Position.REPLACES and function is not None and next(calls(function, call.anchor), None):
        return f"{call.function}() calls {call.anchor}() still"
    if call.answer is not None and condition_of(node) is None:
        return "it is no condition to return on"
    return ""


def condition_of(call: Node) -> Node | None:
    """The `if` without an `else` whose whole condition is the call, or its negation, and that returns only."""
    for one in ancestors(call):
        if one.type == "if_statement":
            body = one.child_by_field_name("consequence")
            inside = body.named_children if body is not None and body.type == "compound_statement" else [body]
            alone = len(inside) == 1 and inside[0] is not None and inside[0].type == "return_statement"
            return one if alone and one.child_by_field_name("alternative") is None else None
        if one.type not in ("parenthesized_expression", "unary_expression"):
            return None
    return None


def _assignment(files: Files, hook: HookDescription, one: OverrideFound) -> Part:
    """The last assignment wins."""
    file, function = one.override.function.file, one.override.function.name
    if not one.assignments:
        return Part(HookPart.ASSIGNMENT, file, False, None)
    last = one.assignments[-1]
    value = last.node.child_by_field_name("right") or last.node.child_by_field_name("value")
    given = path_of(value) if value is not None else None
    note = "" if given == function else f"the slot is set to {given or 'something'}, not to {function}"
    return _part(files, HookPart.ASSIGNMENT, file, last, note)
