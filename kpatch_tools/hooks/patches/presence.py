"""Whether a tree has a hook: proved by its code, part by part; never by history."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.syntax import Node, descend, find_function, name_of

from .anatomy import Anatomy, Found, dissect
from .parts import HookPart
from .reading import Files
from .shapes import arguments, assignments, binary, calls, names_in, parameter_names, path_of, unwrapped
from .site import find_buffer, find_site
from .spec import HookSpec
from .units import PAGE_SHIFT, TO_BYTES


class PresenceState(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the hook. `file`: where it is, or where it was looked for first. `where` is None if nothing is there.

    `note`: why something that is there does not count.
    """

    name: HookPart
    file: RepoPath
    present: bool
    where: Location | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Presence:
    """The parts in the order of HookPart."""

    parts: tuple[Part, ...]

    @property
    def state(self) -> PresenceState:
        """Absent means that no part is there, not even a damaged one."""
        if all(part.present for part in self.parts):
            return PresenceState.PRESENT
        if any(part.present or part.where is not None for part in self.parts):
            return PresenceState.PARTIAL
        return PresenceState.ABSENT

    @property
    def missing(self) -> tuple[Part, ...]:
        """The parts that are not there, or not as they must be."""
        return tuple(part for part in self.parts if not part.present)


def probe_presence(source: BlobSource, spec: HookSpec) -> Presence:
    """Look at every part of `spec` in `source`.

    A part counts only if it does its work: an override under another name, or one whose loop stops short, does not.
    """
    return read_presence(Files(source), spec)


def read_presence(files: Files, spec: HookSpec) -> Presence:
    """The same over files that were read already."""
    found = dissect(files, spec)
    return Presence(
        (
            _part(files, HookPart.DECLARATION, spec.table_header, found.slot, _declaration_note(spec, found)),
            _part(files, HookPart.INITIALISER, spec.table_file, found.initialiser, _initialiser_note(spec, found)),
            _part(files, HookPart.PROTOTYPE, spec.prototype_header, found.prototype, ""),
            _part(files, HookPart.DEFAULT, spec.default_file, found.default, _default_note(found)),
            _part(files, HookPart.CALL, spec.call_file, found.call, _call_note(found)),
            _part(files, HookPart.OVERRIDE, spec.override_file, found.override, _override_note(files, spec, found)),
            _assignment(files, spec, found),
        )
    )


def _part(files: Files, name: HookPart, first: RepoPath, found: Found | None, note: str) -> Part:
    if found is None:
        return Part(name, first, False, None)
    if found.node.has_error:
        note = "it is not understood as C in every line"
    return Part(name, found.path, not note, files.location(found.path, found.node), note)


def _declaration_note(spec: HookSpec, found: Anatomy) -> str:
    if found.member is None:
        return f"struct {spec.table_type} has no member {spec.member}"
    if found.slot is None or found.default is None:
        return ""
    slot, default = _parameter_types(found.slot.node), _parameter_types(found.default.node)
    return "" if slot == default else f"it takes ({', '.join(slot)}), but {spec.default} takes ({', '.join(default)})"


def _parameter_types(declaration: Node) -> tuple[str, ...]:
    """The types of the parameters, as spelled, of the first parameter list in a declaration or definition."""
    lists = (one for one in descend(declaration) if one.type == "parameter_list")
    return tuple(
        (kind.text or b"").decode("utf-8", "surrogateescape")
        for one in next(lists, declaration).named_children
        if one.type == "parameter_declaration" and (kind := one.child_by_field_name("type")) is not None
    )


def _initialiser_note(spec: HookSpec, found: Anatomy) -> str:
    value = found.initialiser.node.child_by_field_name("value") if found.initialiser is not None else None
    given = path_of(value) if value is not None else None
    return "" if given == spec.default else f"the default is {given or 'not a function'}, not {spec.default}"


def _default_note(found: Anatomy) -> str:
    """The default hands its whole range to something."""
    if found.default is None:
        return ""
    names = parameter_names(found.default.node)
    for call in calls(found.default.node):
        used = {name for one in arguments(call) for name in names_in(one)}
        if set(names) <= used:
            return ""
    return "it reserves nothing"


def _call_note(found: Anatomy) -> str:
    if found.call is None:
        return ""
    given = arguments(found.call.node)
    return "" if len(given) == 2 else f"it is called with {len(given)} arguments"


def _override_note(files: Files, spec: HookSpec, found: Anatomy) -> str:
    """First the default with the range as it came, then a loop from the range's end up to the buffer's top."""
    if found.override is None:
        return ""
    function = found.override.node
    parameters = parameter_names(function)
    reserves = next(calls(function, spec.default), None)
    if reserves is None:
        return f"it does not call {spec.default}()"
    if tuple(path_of(one) for one in arguments(reserves)) != parameters:
        return f"it does not hand its range on to {spec.default}()"
    if any(one.left.type == "identifier" and name_of(one.left) in parameters for one in assignments(function)):
        return "it sets its own range anew"
    top = _top(files, spec)
    for loop, condition in _loops(function):
        if next(calls(loop, spec.acts_through), None) is None:
            continue
        if loop.start_byte < reserves.start_byte:
            return f"it acts before {spec.default}()"
        if top is None or (parameters[-1], top) not in _bounds(function, condition):
            return f"its loop does not run from {parameters[-1]} up to {top or 'the top of the buffer'}"
        return ""
    return f"it calls {spec.acts_through}() in no loop"


def _top(files: Files, spec: HookSpec) -> str | None:
    site = find_site(files, spec)
    buffer = find_buffer(files, site) if site is not None else None
    return buffer.top if buffer is not None else None


def _loops(function: Node) -> Iterator[tuple[Node, Node]]:
    for one in descend(function):
        condition = one.child_by_field_name("condition")
        if one.type in ("while_statement", "for_statement") and condition is not None:
            yield one, condition


def _bounds(function: Node, condition: Node) -> Iterator[tuple[str, str]]:
    """Pairs (variable, limit) of a loop's condition `variable < limit`, the limit's name in whatever unit."""
    parts = binary(unwrapped(condition))
    if parts is None or parts[0] not in ("<", ">"):
        return
    low, high = (parts[1], parts[2]) if parts[0] == "<" else (parts[2], parts[1])
    low, high = unwrapped(low), unwrapped(high)
    if high.type == "identifier":
        local = [one.right for one in assignments(function) if one.left.text == high.text]
        if len(local) == 1:
            high = unwrapped(local[0])
    limits = [name for name in names_in(high) if name not in (PAGE_SHIFT, TO_BYTES)]
    plain = not any((parts := binary(one)) is not None and parts[0] != "<<" for one in descend(high))
    if low.type == "identifier" and len(limits) == 1 and plain:
        yield name_of(low), limits[0]


def _assignment(files: Files, spec: HookSpec, found: Anatomy) -> Part:
    """The last assignment wins, and what it names must be defined in that file."""
    if not found.assignments:
        return Part(HookPart.ASSIGNMENT, spec.override_file, False, None)
    last = found.assignments[-1]
    right = last.node.child_by_field_name("right")
    given = path_of(right) if right is not None else None
    note = ""
    if given != spec.override:
        note = f"the slot is set to {given or 'something'}, not to {spec.override}"
    elif find_function(files.known(last.path), spec.override) is None:
        note = f"{last.path} does not define {spec.override}()"
    return _part(files, HookPart.ASSIGNMENT, spec.override_file, last, note)
