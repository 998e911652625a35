"""Writes a described hook for one target."""

from collections.abc import Iterator

from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks.patches import layout
from kpatch_tools.hooks.patches.description import HookDescription, Origin
from kpatch_tools.hooks.patches.edits import Edit, Placed, insert, line_end, line_start
from kpatch_tools.hooks.patches.entries import place_initialiser
from kpatch_tools.hooks.patches.installer import installer_of, place_assignment
from kpatch_tools.hooks.patches.lacks import Lack, Need
from kpatch_tools.hooks.patches.parts import HookPart
from kpatch_tools.hooks.patches.presence import PresenceState
from kpatch_tools.hooks.patches.prototypes import place_sight
from kpatch_tools.hooks.patches.reading import Files
from kpatch_tools.hooks.patches.structs import find_table_type, place_declaration
from kpatch_tools.hooks.patches.written import Refused, Step, Upstream, Written, changed, placed_parts

from .anatomy import find_macros
from .calls import find_calling_function, place_call
from .functions import find_no_op, place_default, place_override_function
from .presence import read_described
from .proof import doubts


def generate_described(
    source: BlobSource, hook: HookDescription, *, upstream: Upstream | None = None
) -> Written | Refused:
    """The hook written for `source`, which must not have it; every reason where a part has no place.

    What was written is read back: a hook that the presence probe would not call complete, or that uses a name nothing
    declares, is refused as well. `upstream` is named in the message. Raises KpatchError "malformed-template" for a
    template that cannot be used.
    """
    files = Files(source)
    presence = read_described(files, hook)
    if presence.state is not PresenceState.ABSENT:
        where = next(part.where for part in presence.parts if part.where is not None)
        missing = ", ".join(part.name for part in presence.missing)
        said = f"the tree has {hook.path} already"
        if presence.state is PresenceState.PARTIAL:
            said = f"the tree has some of {hook.path} already, but not or not rightly: {missing}"
        return Refused((Lack(Need.ABSENCE, said, where),))
    default = find_no_op(files, hook) if hook.default.origin is Origin.NO_OP else hook.default.name
    placed = list(_place(files, hook, default if isinstance(default, str) else ""))
    lacks = [default] if isinstance(default, Lack) else []
    lacks += [one for one in placed if isinstance(one, Lack)]
    if lacks:
        return Refused(tuple(dict.fromkeys(lacks)))
    edits = [edit for one in placed if not isinstance(one, Lack) for edit in one]
    changes = changed(source, edits)
    if found := tuple(doubts(files, Files(Overlay(source, changes)), hook, tuple(changes))):
        return Refused(found)
    message = layout.prose(hook.text("message.txt", default=default, upstream=upstream)).encode()
    return Written(changes, (Step(changes, message),), placed_parts(edits))


def _place(files: Files, hook: HookDescription, default: str) -> Iterator[Placed]:
    yield place_declaration(files, hook)
    yield place_initialiser(files, hook, hook.alias.name if hook.alias is not None else default)
    if hook.alias is not None:
        yield _place_alias(files, hook)
    yield place_default(files, hook)
    yield place_call(files, hook)
    table = find_table_type(files, hook)
    caller = find_calling_function(files, hook)
    if table is not None and caller is not None:
        yield place_sight(files, HookPart.CALL, caller[0], table[0], guard=hook.call.guard)
    for override in hook.overrides:
        yield place_override_function(files, hook, override)
        if override.variable:
            yield place_initialiser(
                files,
                hook,
                override.function.name,
                part=HookPart.ASSIGNMENT,
                variable=override.variable,
                first=override.function.file,
            )
            continue
        yield place_assignment(files, hook, override)
        installer = installer_of(files, hook, override)
        if table is not None and installer is not None:
            yield place_sight(files, HookPart.ASSIGNMENT, installer[0], table[0])


def _place_alias(files: Files, hook: HookDescription) -> Placed:
    """A line behind each definition of the neighbouring macro, with its blanks."""
    alias = hook.alias
    assert alias is not None, "asked for a hook with an alias only"
    edits: list[Edit] = []
    for found in find_macros(files, hook, alias.beside):
        data = files.known(found.path).source
        name, value = found.node.child_by_field_name("name"), found.node.child_by_field_name("value")
        if name is None or value is None:
            continue
        start = line_start(data, found.node.start_byte)
        head = data[start : name.start_byte].decode("utf-8", "replace")
        column = layout.column(data[start : value.start_byte].decode("utf-8", "replace"))
        text = alias.otherwise if data[value.start_byte : value.end_byte].strip() == alias.otherwise.encode() else ""
        line = layout.padded(f"{head}{alias.name}", column) + f"{text or hook.default.name}\n"
        edits.append(insert(HookPart.INITIALISER, found.path, line_end(data, value.end_byte - 1), line))
    if not edits:
        return Lack(Need.DEFAULT, f"no macro {alias.beside} for {alias.name} to stand beside")
    return tuple(edits)
