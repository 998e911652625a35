"""Where the call through the slot goes."""

from collections.abc import Iterator

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Span
from kpatch_tools.hooks.patches import layout
from kpatch_tools.hooks.patches.description import Call, HookDescription, Position
from kpatch_tools.hooks.patches.edits import Edit, Placed, indent_of, insert, line_end, start_with_comment
from kpatch_tools.hooks.patches.lacks import Lack, Need
from kpatch_tools.hooks.patches.parts import HookPart
from kpatch_tools.hooks.patches.reading import Files
from kpatch_tools.hooks.patches.shapes import arguments, calls
from kpatch_tools.syntax import Node, find_function, find_functions


def find_calling_function(files: Files, hook: HookDescription) -> tuple[RepoPath, Node] | None:
    """The definition of the function with the call, as an x86-64 build may compile it."""
    name, first = hook.call.function, hook.call.file
    found = files.find(
        lambda one: find_function(one, name),
        name.encode() + b"(",
        first=first,
        scope=hook.scope,
        suffix=first[first.rfind(".") :],
    )
    if found is None:
        return None
    compiled = (node for node in find_functions(files.known(found[0]), name) if files.compiled(found[0], node))
    node = next(compiled, None)
    return (found[0], node) if node is not None else None


def place_call(files: Files, hook: HookDescription) -> Placed:
    """The call, in place of a direct one or as a statement of its own."""
    call, found = hook.call, find_calling_function(files, hook)
    if found is None:
        return Lack(Need.CALL, f"the tree has no function {call.function}()")
    path, function = found
    if function.has_error:
        where = files.location(path, function)
        return Lack(Need.SYNTAX, f"{call.function}() is not understood as C in every line", where)
    if not files.settled(path, function.start_byte):
        where = files.location(path, function)
        return Lack(Need.CALL, f"{call.function}() depends on the configuration", where)
    if call.position is Position.REPLACES:
        return _replaced(files, hook, path, function)
    if call.position is Position.FIRST:
        return _first(files, hook, path, function)
    return _beside(files, hook, path, function)


def _only(files: Files, call: Call, path: RepoPath, function: Node) -> Node | Lack:
    """The one call of the anchor."""
    found = [one for one in calls(function, call.anchor) if files.compiled(path, one)]
    where = files.location(path, function)
    if len(found) != 1:
        said = f"calls {call.anchor}() {len(found)} times" if found else f"does not call {call.anchor}()"
        return Lack(Need.CALL, f"{call.function}() {said}", where)
    if not files.settled(path, found[0].start_byte):
        message = f"{call.function}() calls {call.anchor}() in some configurations only"
        return Lack(Need.CALL, message, files.location(path, found[0]))
    return found[0]


def _replaced(files: Files, hook: HookDescription, path: RepoPath, function: Node) -> Placed:
    call = hook.call
    old = _only(files, call, path, function)
    if isinstance(old, Lack):
        return old
    given = arguments(old)
    callee = old.child_by_field_name("function")
    assert callee is not None, "it was found by what it calls"
    if call.arguments is not None:
        text = layout.call(hook.path, call.arguments, indent_of(files.known(path).source, old.start_byte))
        return (Edit(HookPart.CALL, path, Span(old.start_byte, old.end_byte), text.encode()),)
    if len(given) != len(hook.slot.parameters):
        message = f"{call.anchor}() is called with {len(given)} arguments, the slot takes {len(hook.slot.parameters)}"
        return Lack(Need.SIGNATURE, message, files.location(path, old))
    return (Edit(HookPart.CALL, path, Span(callee.start_byte, callee.end_byte), hook.path.encode()),)


def _beside(files: Files, hook: HookDescription, path: RepoPath, function: Node) -> Placed:
    """Before or after the statement with the anchor, which must be one that always runs."""
    call, parsed = hook.call, files.known(path)
    anchor = _only(files, call, path, function)
    if isinstance(anchor, Lack):
        return anchor
    statement = _direct_statement(function, anchor)
    if statement is None or statement.type != "expression_statement":
        message = f"{call.function}() calls {call.anchor}() in no statement of its own that always runs"
        return Lack(Need.CALL, message, files.location(path, anchor))
    data = parsed.source
    text = _statement(hook, indent_of(data, statement.start_byte))
    if call.position is Position.BEFORE:
        at = start_with_comment(parsed, statement)
        return (insert(HookPart.CALL, path, at, text + ("\n" if data[at - 2 : at] == b"\n\n" else "")),)
    at = line_end(data, statement.end_byte)
    return (insert(HookPart.CALL, path, at, ("\n" if data[at : at + 1] == b"\n" else "") + text),)


def _direct_statement(function: Node, node: Node) -> Node | None:
    """The statement of the function's own body that `node` is in; conditionals of the preprocessor are no blocks."""
    body = function.child_by_field_name("body")
    current = node
    while current.parent is not None:
        parent = current.parent
        if parent == body:
            return current
        if parent.type.startswith("preproc_") and current.type.endswith("statement"):
            outer = parent
            while outer.parent is not None and outer.type.startswith("preproc_"):
                outer = outer.parent
            return current if outer == body else None
        current = parent
    return None


def _first(files: Files, hook: HookDescription, path: RepoPath, function: Node) -> Placed:
    parsed, body = files.known(path), function.child_by_field_name("body")
    assert body is not None, "a definition has a body"
    data = parsed.source
    last: Node | None = None
    for one in body.named_children:
        if one.type == "declaration":
            last = one
        elif one.type != "comment":
            break
    at = line_end(data, last.end_byte if last is not None else body.start_byte)
    if data[at - 1 : at] != b"\n" or at > body.end_byte:
        return Lack(Need.CALL, f"{hook.call.function}() is written in one line", files.location(path, function))
    indent = indent_of(data, last.start_byte) if last is not None else "\t"
    text = _statement(hook, indent)
    apart = data[at : at + 1] == b"\n" or at == body.end_byte - 1
    return (insert(HookPart.CALL, path, at, ("\n" if last is not None else "") + text + ("" if apart else "\n")),)


def _statement(hook: HookDescription, indent: str) -> str:
    """Whole lines: comment, call or `if`, and the conditional around them."""
    text = "".join(_lines(hook, indent))
    return f"#ifdef {hook.call.guard}\n{text}#endif\n" if hook.call.guard else text


def _lines(hook: HookDescription, indent: str) -> Iterator[str]:
    call = hook.call
    if call.comment:
        line = f"{indent}/* {' '.join(call.comment.split())} */\n"
        yield line if layout.column(line.rstrip("\n")) <= layout.WIDTH else layout.comment(call.comment, indent)
    text = layout.call(hook.path, call.arguments or (), indent)
    if call.answer is None:
        yield f"{indent}{text};\n"
        return
    yield f"{indent}if ({'!' if call.unless else ''}{text})\n"
    yield f"{indent}\treturn{' ' if call.answer else ''}{call.answer};\n"
