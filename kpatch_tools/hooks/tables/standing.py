"""How surely an override that the text has is carried out, once its function runs and is compiled."""

from collections.abc import Mapping
from enum import StrEnum

from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.syntax import Node, ParsedFile, descend, find_functions, line_of, parse_c

from .conditions import Conditions

_LEAVES = frozenset({"return_statement", "goto_statement"})


class Standing(StrEnum):
    """ALWAYS: a statement of the function's body with no way out before it. SOMETIMES: any other place in a function,
    or one that a preprocessor condition with unknown symbols decides. LEFT_OUT: the configuration does not compile it.
    """

    ALWAYS = "always"
    SOMETIMES = "sometimes"
    LEFT_OUT = "left-out"


def standing_of(source: BlobSource, location: Location, symbols: Mapping[str, bool]) -> Standing:
    """The standing of what is at `location`; `symbols` says of CONFIG_ symbols whether they are set.

    In a static initialiser (no `location.function`) only the configuration matters.
    """
    data = source.read(location.file)
    if data is None:
        return Standing.SOMETIMES
    parsed = parse_c(data)
    offset = _offset(data, location.line)
    conditions = Conditions(parsed.directives, symbols)
    if not conditions.compiled(offset):
        return Standing.LEFT_OUT
    if not conditions.certain(offset):
        return Standing.SOMETIMES
    if location.function is None or _in_the_open(parsed, location):
        return Standing.ALWAYS
    return Standing.SOMETIMES


def _offset(data: bytes, line: int) -> int:
    position = 0
    for _ in range(line - 1):
        position = data.find(b"\n", position) + 1
    return position


def _in_the_open(parsed: ParsedFile, location: Location) -> bool:
    for function in find_functions(parsed, location.function or ""):
        body = function.child_by_field_name("body")
        if body is None or not line_of(body) <= location.line <= body.end_point[0] + 1:
            continue
        for statement in _statements(body):
            if line_of(statement) <= location.line <= statement.end_point[0] + 1:
                return statement.type == "expression_statement"
            if any(node.type in _LEAVES for node in descend(statement)):
                return False
    return False


def _statements(body: Node) -> list[Node]:
    """The statements of a body, those in preprocessor conditionals among them."""
    found: list[Node] = []
    for child in body.named_children:
        found.extend(_statements(child) if child.type.startswith("preproc_") else [child])
    return found
