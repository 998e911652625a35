"""Reads the facts of one file."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Protocol, TypeVar

from kpatch_tools.core.span import Span
from kpatch_tools.syntax import Masked, Node, ParsedFile, mask, matches_in, parse_masked

from .accesses import Found, find_spots, read_accesses
from .facts import Facts, Function, Record, Typedef, Variable
from .fillers import Put, read_fillers
from .functions import read_function
from .macros import read_macros
from .records import FindTypedef, read_record, read_typedef, with_callbacks
from .silent import without_silent_code, without_silent_lines
from .spelling import type_name
from .unread import read_unread
from .variables import read_variables, unnamed_type

_FUNCTION, _DECLARATION, _TYPEDEF, _STRUCT, _UNION, _GROUP = range(6)
_LINE = attrgetter("line")
_TELLING = re.compile(rb"->|\.\s*[A-Za-z_]|\(\s*\*|\b(?:struct|union)\b|\{")


class _Placed(Protocol):
    @property
    def line(self) -> int: ...


PlacedT = TypeVar("PlacedT", bound=_Placed)


@dataclass(slots=True)
class _Outline:
    functions: list[Function] = field(default_factory=list)
    bodies: list[tuple[Node, str]] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    typedefs: list[Typedef] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


def extract_facts(data: bytes) -> Facts:
    """What a C file or header says about function pointers. Never fails: what is not understood is in `unread`.

    Where a conditional cuts through a statement, both its first and its last branch are read.
    """
    return facts_in(data, mask(data))


def facts_in(data: bytes, masked: Masked) -> Facts:
    """The same of `data` that is masked already."""
    fillers = read_fillers(masked.directives)
    text = without_silent_lines(masked.data, masked.code, masked.directives)
    spots = find_spots(text, fillers) if b"{" in masked.code else []
    rest, silent_functions = without_silent_code(text, masked, spots)
    masked = replace(masked, data=rest)
    parsed = parse_masked(data, masked)
    outline, found = _read(parsed, text, fillers, spots if parsed.masked is masked.data else None)
    left_out: tuple[Span, ...] = ()
    if parsed.hidden and _matters(parsed):
        other = parse_masked(data, masked, last_branch=True)
        _add_hidden(outline, found, parsed, _read(other, text, fillers))
        left_out = _left_out(parsed, other)
    typedefs = FindTypedef({typedef.name: typedef for typedef in outline.typedefs})
    unread = read_unread(parsed, left_out)
    return Facts(
        size=len(data),
        unread_bytes=sum(span.end - span.start for span in (*parsed.errors, *left_out)),
        records=tuple(with_callbacks(record, typedefs) for record in _in_order((*outline.records, *found.records))),
        typedefs=_in_order(outline.typedefs),
        variables=_in_order((*outline.variables, *found.variables)),
        calls=_in_order(found.calls),
        assignments=_in_order(found.assignments),
        functions=_in_order((*outline.functions, *silent_functions)),
        macros=tuple(read_macros(parsed)),
        unread=unread,
    )


def _read(
    parsed: ParsedFile, text: bytes, fillers: Mapping[str, tuple[Put, ...]], spots: Sequence[int] | None = None
) -> tuple[_Outline, Found]:
    """`text`: the file with all statements of its functions. `spots`: those of `parsed` where they are known."""
    outline, found = _Outline(), Found()
    _read_level(parsed.root, parsed, outline)
    outline.bodies.sort(key=lambda body: body[0].start_byte)
    if spots is None:
        spots = find_spots(parsed.masked, fillers)
    if spots:
        read_accesses(outline.bodies, spots, parsed, text, fillers, found)
    return outline, found


def _read_level(level: Node, parsed: ParsedFile, outline: _Outline) -> None:
    declaration = -1
    for pattern, captures in matches_in("outline", level, depth=1):
        if pattern == _FUNCTION:
            node = captures["function"][0]
            function = read_function(node, captures["body"][0], parsed)
            if function is not None:
                outline.functions.append(function)
                outline.bodies.append((node, function.name))
        elif pattern == _DECLARATION:
            node = captures["declaration"][0]
            if node.start_byte != declaration:  # one match for each of its declarators
                declaration = node.start_byte
                _read_declaration(node, captures["type"][0], parsed, outline)
        elif pattern == _TYPEDEF:
            for item in read_typedef(captures["typedef"][0], parsed):
                if isinstance(item, Typedef):
                    outline.typedefs.append(item)
                else:
                    outline.records.append(item)
        elif pattern == _GROUP:
            group = captures["group"][0]
            if group != level:
                _read_level(group, parsed, outline)
        else:
            record = captures["record"][0]
            outline.records.extend(read_record(record, type_name(record, parsed), parsed))


def _read_declaration(node: Node, type_node: Node, parsed: ParsedFile, outline: _Outline) -> None:
    if type_node.type != "type_identifier" and type_node.child_by_field_name("body") is not None:
        name = type_name(type_node, parsed) or unnamed_type(node)
        outline.records.extend(read_record(type_node, name, parsed))
    outline.variables.extend(read_variables(node, parsed))


def _matters(parsed: ParsedFile) -> bool:
    """Whether anything hidden can say something about function pointers."""
    return any(_TELLING.search(parsed.source, span.start, span.end) is not None for span in parsed.hidden)


def _left_out(parsed: ParsedFile, other: ParsedFile) -> tuple[Span, ...]:
    """The branches hidden in `parsed` that `other` does not show either, and its errors in those that it shows."""
    neither = [span for span in parsed.hidden if any(span.overlaps(hidden) for hidden in other.hidden)]
    spoilt = [
        Span(max(error.start, span.start), min(error.end, span.end))
        for error in other.errors
        for span in parsed.hidden
        if span not in neither and error.start < span.end and span.start <= error.end
    ]
    return (*neither, *spoilt)


def _add_hidden(outline: _Outline, found: Found, parsed: ParsedFile, other: tuple[_Outline, Found]) -> None:
    """Add what `other`, read of the file with the last branches, says of the parts that are hidden in `parsed`."""
    hidden: set[int] = set()
    for span in parsed.hidden:
        first = parsed.source.count(b"\n", 0, span.start) + 1
        hidden.update(range(first + 1, first + parsed.source.count(b"\n", span.start, span.end) + 1))
    more, more_found = other
    outline.functions += [item for item in more.functions if item.line in hidden]
    outline.typedefs += [item for item in more.typedefs if item.line in hidden]
    found.calls += [item for item in more_found.calls if item.line in hidden]
    found.assignments += [item for item in more_found.assignments if item.line in hidden]
    outline.records = _with_hidden_members(
        (*outline.records, *found.records), (*more.records, *more_found.records), hidden
    )
    outline.variables = _with_hidden_fills(
        (*outline.variables, *found.variables), (*more.variables, *more_found.variables), hidden
    )
    found.records, found.variables = [], []


def _with_hidden_members(known: Iterable[Record], other: Iterable[Record], hidden: set[int]) -> list[Record]:
    records = {(record.type, record.line): record for record in known}
    for record in other:
        key = (record.type, record.line)
        if key not in records:
            if record.line in hidden:
                records[key] = record
            continue
        more = tuple(member for member in record.members if member.line in hidden)
        if more:
            records[key] = record._replace(members=_in_order((*records[key].members, *more)))
    return list(records.values())


def _with_hidden_fills(known: Iterable[Variable], other: Iterable[Variable], hidden: set[int]) -> list[Variable]:
    variables = {(variable.name, variable.line): variable for variable in known}
    for variable in other:
        key = (variable.name, variable.line)
        if key not in variables:
            if variable.line in hidden:
                variables[key] = variable
            continue
        mine = variables[key]
        more = tuple(fill for fill in variable.fills if fill.line in hidden and fill not in mine.fills)
        if more:
            variables[key] = mine._replace(fills=_in_order((*mine.fills, *more)))
    return list(variables.values())


def _in_order(items: Iterable[PlacedT]) -> tuple[PlacedT, ...]:
    return tuple(sorted(items, key=_LINE))
