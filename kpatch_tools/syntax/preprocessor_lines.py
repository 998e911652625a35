"""A source file cut into directives and the text between them, once per content."""

import re
from dataclasses import dataclass

from .lexer import logical_text

_DIRECTIVE = re.compile(r"\s*#\s*(\w+)\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Directive:
    """A `#name argument` line; `line` is 1-based."""

    line: int
    name: str
    argument: str


@dataclass(frozen=True, slots=True)
class TextLines:
    """Lines without directives, comments or continuations; `line` is the 1-based number of the first."""

    line: int
    lines: tuple[str, ...]


SourceLines = tuple[Directive | TextLines, ...]


def cut_lines(data: bytes) -> SourceLines:
    """The directives and texts of one file, in order; runs of blank lines are left out."""
    items: list[Directive | TextLines] = []
    text: list[str] = []
    start = 0

    def flush() -> None:
        if text:
            items.append(TextLines(start, tuple(text)))
        text.clear()

    # Vendor imports exist with DOS line ends, and there a continuation is `\\\r\n`.
    source = data.decode("latin-1").replace("\r\n", "\n")
    for number, line in enumerate(logical_text(source).split("\n"), 1):
        line = line.strip()
        if line.startswith("#"):
            flush()
            match = _DIRECTIVE.match(line)
            if match is not None:
                items.append(Directive(number, *match.groups()))
            continue
        if not text:
            if not line:
                continue
            start = number
        text.append(line)
    flush()
    return tuple(items)


class LineCache:
    """Keeps the cut lines of files by content: two versions of a tree share most of their files."""

    def __init__(self) -> None:
        self._known: dict[bytes, SourceLines] = {}

    def lines(self, data: bytes) -> SourceLines:
        known = self._known.get(data)
        if known is None:
            known = self._known[data] = cut_lines(data)
        return known
