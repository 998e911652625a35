"""How the kernel reserves boot memory: which function, and whether its second argument is an end or a size."""

from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.syntax import Node, descend, find_function, name_of

from .heads import sections_of
from .lookup import declaration_of
from .reading import Files
from .shapes import arguments, binary, callee, calls, names_in, parameter_names, unwrapped
from .site import SiteShape, find_default, single_call
from .spec import HookSpec

_END_NAMES = frozenset({"end", "limit", "stop", "to"})
_SIZE_NAMES = frozenset({"size", "len", "length", "bytes", "sz"})


class Second(StrEnum):
    """What a range function's second argument is."""

    END = "end"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class ReserveFunction:
    """`further`: the arguments after the range, as C. `section`: the definition's annotation, "" if none.

    `evidence`: what told end from size, with its place.
    """

    name: str
    second: Second
    further: tuple[str, ...]
    section: str
    declared: Location | None
    defined: Location | None
    evidence: tuple[tuple[str, Location], ...]

    def call(self, start: str, end: str) -> str:
        """The arguments that reserve from `start` below `end`, both in bytes."""
        second = end if self.second is Second.END else f"{end} - {start}"
        return ", ".join((start, second, *self.further))


def probe_reserve(files: Files, spec: HookSpec, site: SiteShape) -> tuple[ReserveFunction | None, str]:
    """The function that the reserve site calls, directly or through the slot's default; or None and why not."""
    path, call, pair = site.path, site.call, (site.start, site.end)
    if site.callee == spec.path:
        default = find_default(files, spec)
        if default is None:
            return None, f"{spec.path} is called, but nothing defines {spec.default}()"
        inner = single_call(default[1])
        names = parameter_names(default[1])
        if inner is None or len(names) != 2:
            return None, f"{spec.default}() is not one call with a range"
        path, call, pair = default[0], inner, (names[0], names[1])
    name = callee(call) or ""
    second, evidence, defined, section = _second(files, spec, name)
    if second is None:
        return None, f"whether the second argument of {name}() is an end or a size is not clear"
    if not _agrees(call, pair, second):
        return None, f"the arguments of {name}() are not the range {pair[0]} to {pair[1]}"
    further = tuple((one.text or b"").decode("utf-8", "surrogateescape") for one in arguments(call)[2:])
    declared = declaration_of(files, path, name)
    return ReserveFunction(name, second, further, section, declared, defined, evidence), ""


def _second(
    files: Files, spec: HookSpec, name: str
) -> tuple[Second | None, tuple[tuple[str, Location], ...], Location | None, str]:
    """End or size, the evidence, the definition's place and its section. Names and body must not contradict."""
    found = _definition(files, spec, name)
    if found is None:
        return None, (), None, ""
    path, definition = found
    where = files.location(path, definition)
    parameters = parameter_names(definition)
    if len(parameters) < 2:
        return None, (), where, ""
    by_name = _by_name(parameters[1])
    by_body = _by_body(files, spec, path, definition, depth=3)
    evidence: list[tuple[str, Location]] = []
    if by_name is not None:
        evidence.append((f"{name}()'s second parameter is called {parameters[1]}", where))
    if by_body is not None:
        evidence.append((by_body[1], by_body[2]))
    answers = {answer for answer in (by_name, by_body[0] if by_body is not None else None) if answer is not None}
    sections = sections_of(files.known(path), definition)
    section = sections[0] if sections else ""
    return (answers.pop() if len(answers) == 1 else None), tuple(evidence), where, section


def _definition(files: Files, spec: HookSpec, name: str) -> tuple[RepoPath, Node] | None:
    return files.find(lambda one: find_function(one, name), name.encode() + b"(", first=None, scope=spec.scope)


def _by_name(parameter: str) -> Second | None:
    words = set(parameter.lower().split("_"))
    if words & _END_NAMES:
        return Second.END
    return Second.SIZE if words & _SIZE_NAMES else None


def _by_body(
    files: Files, spec: HookSpec, path: RepoPath, definition: Node, depth: int
) -> tuple[Second, str, Location] | None:
    """What the function does with its first two parameters: subtracts or compares them (end), or adds them (size)."""
    first, second = _range_parameters(definition)
    body = definition.child_by_field_name("body")
    if body is None or not first or not second:
        return None
    for one in descend(body):
        parts = binary(one)
        if parts is None:
            continue
        operands = [_name(parts[1]), _name(parts[2])]
        text = (one.text or b"").decode("utf-8", "surrogateescape")
        if parts[0] == "+" and set(operands) == {first, second}:
            return Second.SIZE, f"computes {text}", files.location(path, one)
        if (parts[0] == "-" and operands == [second, first]) or (
            parts[0] in ("<", ">", "<=", ">=", "==") and set(operands) == {first, second}
        ):
            return Second.END, f"computes {text}", files.location(path, one)
    return _by_callee(files, spec, body, first, second, depth) if depth else None


def _by_callee(
    files: Files, spec: HookSpec, body: Node, first: str, second: str, depth: int
) -> tuple[Second, str, Location] | None:
    """What a function says to which both parameters are handed on, side by side, as its own first range."""
    for call in calls(body):
        given = [_name(one) for one in arguments(call)]
        if given[:2] != [first, second] or (name := callee(call)) is None:
            continue
        found = _definition(files, spec, name)
        answer = _by_body(files, spec, *found, depth - 1) if found is not None else None
        if answer is not None:
            return answer
    return None


def _range_parameters(definition: Node) -> tuple[str, str]:
    names = parameter_names(definition)
    return (names[0], names[1]) if len(names) >= 2 else ("", "")


def _name(node: Node) -> str | None:
    inner = unwrapped(node)
    return name_of(inner) if inner.type == "identifier" else None


def _agrees(call: Node, pair: tuple[str, str], second: Second) -> bool:
    """Whether a call's first two arguments are the range from pair[0] to pair[1] in the form `second`."""
    given = arguments(call)
    if len(given) < 2:
        return False
    start, end = pair
    used = [set(names_in(one)) for one in given[:2]]
    if start not in used[0] or end in used[0] or end not in used[1]:
        return False
    return (start in used[1]) == (second is Second.SIZE)
