"""Members that functions call, assign, and pass to macros.

Which parts of a file to look at is found by its text, which costs little; what stands there is asked of the tree.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kpatch_tools.core.span import Span
from kpatch_tools.syntax import Node, ParsedFile, matches_in

from .facts import Assignment, Call, Fill, Record, Root, Variable
from .fillers import Put
from .locals import Locals
from .paths import Path, read_path, root_kind
from .records import read_record
from .spelling import decode, type_name, value_text
from .variables import braces_of, fills_of, read_variables

# Each begins with a literal, which is looked for at the speed of memory; what follows is not used up, so that what
# stands inside it is found too.
_SPOTS = (
    re.compile(rb"->(?=\s*+\w++\s*+(?:\(|\)\s*+\(|(?:\[[^\]\n]*+\]++\s*+)*+=\s*+[(&A-Za-z_*]))"),
    re.compile(rb"\.(?=\s*+\w++\s*+\(|\w++\s*+(?:\[[^\]\n]*+\]++\s*+)*+=\s*+[(&A-Za-z_*])"),
    re.compile(rb"\](?=\s*+\()"),
    re.compile(rb"\((?=\s*+\*[^()]*+\)\s*+\(|(?<=[A-Z0-9]\()[^;{}\"()]*(?:->|\.)[a-z_]\w*+\s*+[,)])"),
    re.compile(rb"=\s*(?=(?:\([^()]*\)\s*)?\{)"),
    re.compile(rb"static\s+(?:const\s+)?(?:struct|union|\w+_t)\b"),
    re.compile(rb"struct\s*\w*\s*\{"),
    re.compile(rb"union\s*\w*\s*\{"),
)
_WHOLE_VALUE = re.compile(rb" = (?:&?\(?[a-z_]\w*\)?;|\((?:struct|union) )")
_NAME = re.compile(rb"\s*[A-Za-z_]\w*\Z")
_MACRO = re.compile(r"[A-Z][A-Z0-9_]+\Z")
_VALUES = frozenset(
    {
        *("identifier", "pointer_expression", "cast_expression", "conditional_expression", "null", "call_expression"),
        *("field_expression", "assignment_expression", "parenthesized_expression", "compound_literal_expression"),
        "subscript_expression",
    }
)
_CALLED, _ASSIGNED, _PASSED, _CONDITION, _WHOLE, _DECLARATION, _STRUCT, _UNION = range(8)
_TESTED_AFTER = re.compile(rb"\s*(?:\)|\?|&&|\|\||[!=]=|,)")
_TESTED_BEFORE = re.compile(rb"(?:!|&&|\|\||[!=]=|\b(?:if|while)\s*\(|(?:likely|ON)\s*\(|\(|return)\s*\Z")


@dataclass(slots=True)
class Found:
    """What the functions of one file say."""

    calls: list[Call] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


def find_spots(masked: bytes, macros: Iterable[str] = ()) -> list[int]:
    """The offsets of text that may be such a member, or a local variable of interest, in order.

    `macros`: those that assign to what they are given.
    """
    spots = [match.start() for pattern in _SPOTS for match in pattern.finditer(masked)]
    for name in macros:
        spots += [match.start() for match in re.finditer(rb"\b%b\s*\(" % name.encode(), masked)]
    for match in _WHOLE_VALUE.finditer(masked):
        start = match.start()
        if _NAME.match(masked, masked.rfind(b"\n", 0, start) + 1, start) is not None:
            spots.append(start)
    spots.sort()
    return spots


def read_accesses(
    functions: Sequence[tuple[Node, str]],
    spots: Sequence[int],
    parsed: ParsedFile,
    text: bytes,
    fillers: Mapping[str, tuple[Put, ...]],
    found: Found,
) -> None:
    """Read the functions (with their names), as far as there are spots in them, into `found`.

    `text`: the file with the statements that `parsed` leaves out because there are no spots in them.
    """
    for node, name in functions:
        start, end = node.start_byte, node.end_byte
        first = bisect_left(spots, start)
        if first < len(spots) and spots[first] < end:
            _Function(node, name, start, end, parsed, text, fillers, found).read()


class _Function:
    def __init__(
        self,
        node: Node,
        name: str,
        start: int,
        end: int,
        parsed: ParsedFile,
        text: bytes,
        fillers: Mapping[str, tuple[Put, ...]],
        found: Found,
    ) -> None:
        self._node = node
        self._name = name
        self._start = start
        self._parsed = parsed
        self._text = text
        self._fillers = fillers
        self._found = found
        self._locals = Locals(text, start, end)
        self._done: set[tuple[int, int]] = set()

    def read(self) -> None:
        conditions: list[Span] = []
        rest = []
        for pattern, captures in matches_in("accesses", self._node):
            if pattern == _CONDITION:
                node = captures["condition"][0]
                conditions.append(Span(node.start_byte, node.end_byte))
            else:
                rest.append((pattern, captures))
        for pattern, captures in rest:
            self._take(pattern, captures, conditions)

    def _take(self, pattern: int, captures: dict[str, list[Node]], conditions: list[Span]) -> None:
        if pattern == _CALLED:
            self._call(captures["callee"][0], captures["arguments"][0])
        elif pattern == _ASSIGNED:
            self._assign(captures["left"][0], captures["right"][0], conditions)
        elif pattern == _PASSED:
            for passed in captures["passed"]:
                self._pass(captures["macro"][0], passed, conditions)
        elif pattern == _WHOLE:
            self._replace(captures["variable"][0], captures["whole"][0], conditions)
        elif pattern == _DECLARATION:
            node = captures["declaration"][0]
            if self._first(node):
                self._found.variables.extend(read_variables(node, self._parsed, self._name))
        else:
            node = captures["record"][0]
            if self._first(node):
                self._found.records.extend(read_record(node, type_name(node, self._parsed), self._parsed))

    def _first(self, node: Node) -> bool:
        """Whether the node is seen for the first time: neighbouring spots show the same surroundings."""
        place = (node.start_byte, node.end_byte)
        if place in self._done:
            return False
        self._done.add(place)
        return True

    def _root(self, path: Path) -> tuple[str, Root, str, str]:
        if path.result:
            return path.root, Root.RESULT, path.type, path.chain
        declared = self._locals.type_of(path.root) if path.root else None
        return path.root, root_kind(path, local=declared is not None), path.type or declared or "", path.chain

    def _call(self, callee: Node, arguments: Node) -> None:
        path = read_path(callee, self._parsed)
        if not path.chain or not self._first(callee):
            return
        count = sum(child.type != "comment" for child in arguments.named_children)
        self._found.calls.append(
            Call(*self._root(path), self._name, callee.start_point.row + 1, count, self._is_guarded(callee), "")
        )

    def _pass(self, macro: Node, passed: Node, conditions: list[Span]) -> None:
        name = decode(self._parsed.masked[macro.start_byte : macro.end_byte])
        puts = self._fillers.get(name, ())
        in_capitals = _MACRO.match(name) is not None
        if not puts and not in_capitals:
            return
        path = read_path(passed, self._parsed)
        if not path.chain or not self._first(passed):
            return
        siblings = passed.parent.named_children if passed.parent is not None else []
        arguments = [child for child in siblings if child.type != "comment"]
        if in_capitals:
            line, guarded = passed.start_point.row + 1, self._is_guarded(passed)
            self._found.calls.append(Call(*self._root(path), self._name, line, len(arguments), guarded, name))
        given = tuple(self._parsed.masked[child.start_byte : child.end_byte] for child in arguments)
        for put in puts:
            if put.into < len(arguments) and arguments[put.into] == passed:
                self._fill(path, passed, put, given, conditions)

    def _fill(self, path: Path, passed: Node, put: Put, given: tuple[bytes, ...], conditions: list[Span]) -> None:
        """What a macro of this file puts into the member that it is given."""
        value = put.text(given)
        if value is None or (value.isidentifier() and self._locals.type_of(value) == ""):
            return
        conditional = put.conditional or any(passed.start_byte in condition for condition in conditions)
        root, kind, root_type, chain = self._root(path)
        line = passed.start_point.row + 1
        self._found.assignments.append(Assignment(root, kind, root_type, chain, self._name, line, value, conditional))

    def _assign(self, left: Node, right: Node, conditions: list[Span]) -> None:
        if right.type not in _VALUES or not self._is_plain(left, right):
            return
        path = read_path(left, self._parsed)
        whole = not path.chain and left.type == "pointer_expression" and braces_of(right) is not None
        if (not path.chain and not whole) or not self._first(left):
            return
        value = right
        while value.type == "assignment_expression" and (inner := value.child_by_field_name("right")) is not None:
            value = inner
        if value.type in _VALUES and not self._is_number(value):
            self._put(self._root(path), left, value, conditions)

    def _replace(self, variable: Node, value: Node, conditions: list[Span]) -> None:
        """A whole variable is assigned: told only where neither side is a local name, or braces say what goes in."""
        name = decode(self._parsed.masked[variable.start_byte : variable.end_byte])
        if not self._is_plain(variable, value):
            return
        braces = braces_of(value)
        declared = self._locals.type_of(name)
        if braces is None:
            spelled = value_text(value, self._parsed)
            if declared is not None or not spelled.isidentifier() or self._locals.type_of(spelled) is not None:
                return
        if self._first(variable):
            root = (name, Root.GLOBAL if declared is None else Root.LOCAL, declared or "", "")
            self._put(root, variable, value, conditions)

    def _put(self, root: tuple[str, Root, str, str], left: Node, value: Node, conditions: list[Span]) -> None:
        conditional = any(left.start_byte in condition for condition in conditions)
        braces = braces_of(value)
        if braces is None:
            fills: tuple[Fill, ...] = (Fill("", value_text(value, self._parsed), 0, left.start_point.row + 1),)
        else:
            fills = fills_of(braces, self._parsed)
        name, kind, spelled, chain = root
        for fill in fills:
            full = f"{chain}.{fill.path}" if chain and fill.path else chain or fill.path
            self._found.assignments.append(
                Assignment(name, kind, spelled, full, self._name, fill.line, fill.value, conditional)
            )

    def _is_number(self, value: Node) -> bool:
        """Whether the value is a local variable of a number's type: most assigned ones are."""
        if value.type != "identifier":
            return False
        return self._locals.type_of(decode(self._parsed.masked[value.start_byte : value.end_byte])) == ""

    def _is_plain(self, left: Node, right: Node) -> bool:
        between = self._parsed.masked[left.end_byte : right.start_byte].strip()
        return between == b"=" or (between[:1] == b"=" and between[1:2] in b" \t\n/")

    def _is_guarded(self, node: Node) -> bool:
        """Whether the same expression is tested earlier in the function, or around the call."""
        masked = self._text
        text = masked[node.start_byte : node.end_byte].strip(b"(* )")
        position = self._start
        while (position := masked.find(text, position, node.start_byte)) >= 0:
            end = position + len(text)
            before = masked[max(self._start, position - 24) : position]
            if _TESTED_AFTER.match(masked, end) is not None and _TESTED_BEFORE.search(before) is not None:
                return True
            position = end
        return False
