"""A preprocessed translation unit as a parse tree.

tree-sitter's grammar knows neither `typeof`, nor GNU case ranges, nor attributes everywhere GNU C allows them. So the
text is rewritten first, line by line (the line map stays valid):

- `typeof (x)` becomes a type name `__typeof_N`, whose operand is kept in `typeof_operands`;
- `case A ... B:` becomes `case __case_range(A, B):`;
- attributes are taken out, and those that change what C means (layout, type, linkage, lifetime) are kept in
  `attributes` by position;
- `__builtin_offsetof(T, m)` becomes the address of that member of a `T` at 0.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tree_sitter
import tree_sitter_c
from tree_sitter import Node

from .lexer import tokenize
from .preprocessor import Preprocessed
from .preprocessor_macros import Place

TYPEOF_PREFIX = "__typeof_"
CASE_RANGE = "__case_range"

_LANGUAGE = tree_sitter.Language(tree_sitter_c.language())
_ATTRIBUTE = re.compile(r"\b__attribute(?:__)?\s*(?=\()")
_KEPT_ATTRIBUTE = re.compile(r"packed|aligned|weak|\b(?:__)?(?:mode|vector_size|cleanup)(?:__)?\s*\(")
_ASSIGNED = tree_sitter.Query(_LANGUAGE, "(assignment_expression right: (_) @value)")
_TYPEOF = frozenset({"typeof", "__typeof__", "__typeof"})


@dataclass(frozen=True, slots=True)
class TranslationUnit:
    """`text` is what was parsed into `root`; row i of it came from `places[i]`.

    `attribute_offsets[i]` is the byte offset in `text` at which `attribute_texts[i]` stood before it was taken out.
    """

    text: bytes
    root: Node
    places: tuple[Place, ...]
    typeof_operands: Mapping[str, str]
    attribute_offsets: tuple[int, ...]
    attribute_texts: tuple[str, ...]

    def attributes(self, start: int, end: int) -> tuple[str, ...]:
        """The texts of the attributes that stood at byte offsets start <= offset < end."""
        first = bisect_left(self.attribute_offsets, start)
        return self.attribute_texts[first : bisect_left(self.attribute_offsets, end, first)]


def parse_unit(source: Preprocessed) -> TranslationUnit:
    """Parse what the preprocessor produced. Errors are left in the tree, for whoever uses the damaged part."""
    rewriter = _Rewriter()
    lines, places = rewriter.rewrite(source.lines, source.places)
    text = "\n".join(lines).encode("latin-1")
    row_starts = _row_starts(lines)
    offsets = [row_starts[row] + column for row, column, _ in rewriter.attributes]
    texts = tuple(text for _, _, text in rewriter.attributes)
    root = tree_sitter.Parser(_LANGUAGE).parse(text).root_node
    return TranslationUnit(text, root, tuple(places), rewriter.operands, tuple(offsets), texts)


def parse_expression(text: str) -> Node | None:
    """The tree of `text` as an expression; None where it is none."""
    source = f"void f(void) {{ __x = {text} ; }}".encode("latin-1")
    root = tree_sitter.Parser(_LANGUAGE).parse(source).root_node
    if root.has_error:
        return None
    captures = tree_sitter.QueryCursor(_ASSIGNED).captures(root)
    # The outermost assignment comes first: its value is the whole expression.
    return min(captures["value"], key=lambda node: node.start_byte) if captures.get("value") else None


def definitions(root: Node) -> dict[str, list[Node]]:
    """Every struct, union and enum specifier with a body, by node type, in file order."""
    query = tree_sitter.Query(
        _LANGUAGE,
        "(struct_specifier body: (_)) @struct_specifier"
        " (union_specifier body: (_)) @union_specifier (enum_specifier body: (_)) @enum_specifier",
    )
    captures = tree_sitter.QueryCursor(query).captures(root)
    return {kind: sorted(nodes, key=lambda node: node.start_byte) for kind, nodes in captures.items()}


def _row_starts(lines: Sequence[str]) -> list[int]:
    starts: list[int] = []
    at = 0
    for line in lines:
        starts.append(at)
        at += len(line) + 1
    return starts


class _Rewriter:
    def __init__(self) -> None:
        self.operands: dict[str, str] = {}
        self.attributes: list[tuple[int, int, str]] = []
        self._names: dict[str, str] = {}

    def rewrite(self, lines: Sequence[str], places: Sequence[Place]) -> tuple[list[str], list[Place]]:
        out: list[str] = []
        kept: list[Place] = []
        at = 0
        while at < len(lines):
            line = lines[at]
            kept.append(places[at])
            if "typeof" in line or "__attribute" in line or "__builtin_offsetof" in line:
                line, at = _balanced(lines, at)
            if "typeof" in line:
                line = " ".join(self._without_typeof(tokenize(line)))
            if "..." in line and "case" in line:
                line = " ".join(_without_ranges(tokenize(line)))
            if "__builtin_offsetof" in line:
                line = " ".join(_without_offsetof(tokenize(line)))
            if "__attribute" in line:
                line = self._without_attributes(line, len(out))
            out.append(line)
            at += 1
        return out, kept

    def _without_typeof(self, tokens: list[str]) -> list[str]:
        out: list[str] = []
        at = 0
        while at < len(tokens):
            if tokens[at] not in _TYPEOF or tokens[at + 1 : at + 2] != ["("]:
                out.append(tokens[at])
                at += 1
                continue
            end = _closing(tokens, at + 1)
            operand = " ".join(self._without_typeof(tokens[at + 2 : end]))
            name = self._names.setdefault(operand, f"{TYPEOF_PREFIX}{len(self._names)}")
            self.operands[name] = operand
            out.append(name)
            at = end + 1
        return out

    def _without_attributes(self, line: str, row: int) -> str:
        while (match := _ATTRIBUTE.search(line)) is not None:
            end = _closing_offset(line, match.end())
            text = line[match.end() : end + 1]
            if _KEPT_ATTRIBUTE.search(text):
                self.attributes.append((row, match.start(), text))
            line = line[: match.start()] + line[end + 1 :]
        return line


def _balanced(lines: Sequence[str], at: int) -> tuple[str, int]:
    """Line `at`, joined with as many of the next as its open parentheses need, and the index of the last."""
    line = lines[at]
    last = at
    while line.count("(") > line.count(")") and last + 1 < min(len(lines), at + 40):
        last += 1
        line = f"{line} {lines[last]}"
    if line.count("(") != line.count(")"):
        return lines[at], at
    return line, last


def _closing(tokens: list[str], opening: int) -> int:
    """The index of the token that closes the parenthesis at `opening`; the last index if none does."""
    depth = 0
    for at in range(opening, len(tokens)):
        if tokens[at] == "(":
            depth += 1
        elif tokens[at] == ")":
            depth -= 1
            if depth == 0:
                return at
    return len(tokens) - 1


def _closing_offset(line: str, opening: int) -> int:
    depth = 0
    for match in re.finditer(r'"(?:\\.|[^"\\])*"|[()]', line[opening:]):
        if match.group() == "(":
            depth += 1
        elif match.group() == ")":
            depth -= 1
            if depth == 0:
                return opening + match.start()
    return len(line) - 1


def _without_ranges(tokens: list[str]) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(tokens):
        if tokens[at] == "case" and ":" in tokens[at:]:
            colon = tokens.index(":", at)
            label = tokens[at + 1 : colon]
            if "..." in label:
                dots = label.index("...")
                out += ["case", CASE_RANGE, "(", *label[:dots], ",", *label[dots + 1 :], ")"]
                at = colon
                continue
        out.append(tokens[at])
        at += 1
    return out


def _without_offsetof(tokens: list[str]) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(tokens):
        if tokens[at] != "__builtin_offsetof" or tokens[at + 1 : at + 2] != ["("]:
            out.append(tokens[at])
            at += 1
            continue
        end = _closing(tokens, at + 1)
        comma = tokens.index(",", at, end)
        kind, member = tokens[at + 2 : comma], _without_offsetof(tokens[comma + 1 : end])
        out += ["(", "(", "unsigned", "long", ")", "&", "(", "(", *kind, "*", ")", "0", ")", "->", *member, ")"]
        at = end + 1
    return out
