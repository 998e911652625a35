"""Blanks what the C grammar does not know, at unchanged offsets.

The kernel decorates C with macros that expand to attributes or to nothing (`__init`, `__user`, `asmlinkage` ...). The
grammar cannot know them and answers with errors around each. `mask` replaces such tokens by blanks of the same length
and keeps every newline, so that each offset and line of the parse tree is also one of the original file. Nothing
inside comments, strings or preprocessor directives is touched, except what the preprocessor would certainly drop
(`#if 0`, `#ifdef __ASSEMBLY__`).
"""

import re
from bisect import bisect_right
from dataclasses import dataclass

from kpatch_tools.core.span import Span

from .conditionals import Directive, disabled_spans
from .macros import BLANK, BLANK_WITH_ARGUMENTS, CANDIDATE, ITERATOR, PER_CPU, TYPE_ARGUMENT, TYPEOF


@dataclass(frozen=True, slots=True)
class Annotation:
    """One masked token: `name` as written, `span` with its arguments where it has some."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Masked:
    """`data` has the length and the newlines of the original. `disabled` is in file order and does not overlap."""

    data: bytes
    annotations: tuple[Annotation, ...]
    directives: tuple[Directive, ...]
    disabled: tuple[Span, ...]


_TOKEN = re.compile(
    rb"""
      (?P<skip> /\*.*?(?:\*/|\Z) | //(?:[^\n\\]|\\.)*
              | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    | (?P<directive> ^[ \t]*\#(?: /\*.*?(?:\*/|\Z) | "(?:[^"\\\n]|\\.)*" | [^\n\\/"] | \\. | /(?!\*) | " | \\ )* )
    | (?P<word> """
    + CANDIDATE
    + rb""" )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_NOT_NEWLINE = re.compile(rb"[^\n]")
_DELIMITER = re.compile(
    rb"""/\*.*?(?:\*/|\Z)|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[(){};]|^[ \t]*\#""", re.DOTALL | re.MULTILINE
)
_OPENING = re.compile(rb"[ \t]*\n?[ \t]*\(")


def blank(data: bytes) -> bytes:
    """As many spaces, with the newlines of `data`.

    >>> blank(b"ab\\ncd")
    b'  \\n  '
    """
    return _NOT_NEWLINE.sub(b" ", data)


def closing_parenthesis(data: bytes, opening: int) -> int | None:
    """Offset of the `)` that closes the `(` at `opening`; None where a statement or directive ends first."""
    depth = 0
    for match in _DELIMITER.finditer(data, opening):
        token = match.group()
        if token == b"(":
            depth += 1
        elif token == b")":
            depth -= 1
            if depth == 0:
                return match.start()
        elif token == b";" or token.endswith(b"#"):
            return None
    return None


def mask(data: bytes) -> Masked:
    """Blank annotation macros, iterator macros' names and code that is never compiled as C."""
    out = bytearray(data)
    directives: list[Directive] = []
    words: list[tuple[bytes, int, int]] = []
    for match in _TOKEN.finditer(data):
        if match.lastgroup == "word":
            words.append((match.group(), match.start(), match.end()))
        elif match.lastgroup == "directive":
            directives.append(Directive.read(match.group(), match.start()))
    disabled = disabled_spans(directives, len(data))
    for span in disabled:
        out[span.start : span.end] = blank(data[span.start : span.end])
    starts = [span.start for span in disabled]
    annotations: list[Annotation] = []
    for word, start, end in words:
        before = bisect_right(starts, start) - 1
        if before >= 0 and start < disabled[before].end:
            continue
        blanked = _mask_word(data, out, word, start, end)
        if blanked is not None:
            annotations.append(Annotation(word.decode("ascii"), blanked))
    return Masked(bytes(out), tuple(annotations), tuple(directives), disabled)


def _mask_word(data: bytes, out: bytearray, word: bytes, start: int, end: int) -> Span | None:
    """Blank one candidate in `out`; what was blanked, None if it is no annotation after all."""
    if BLANK.fullmatch(word):
        out[start:end] = b" " * (end - start)
        return Span(start, end)
    opening = _OPENING.match(data, end)
    if opening is None:
        return None
    close = closing_parenthesis(data, opening.end() - 1)
    if close is None:
        return None
    if BLANK_WITH_ARGUMENTS.fullmatch(word):
        if word.startswith(b"__setup") and not _stands_alone(data, start):
            return None
        out[start : close + 1] = blank(data[start : close + 1])
    elif PER_CPU.fullmatch(word):
        _mask_per_cpu(data, out, start, opening.end(), close)
    elif TYPEOF.fullmatch(word):
        out[start : close + 1] = b"int" + blank(data[start + 3 : close + 1])
    elif ITERATOR.fullmatch(word):
        if not _begins_loop(data, close + 1):
            return None
        out[start:end] = b"while".ljust(end - start)
    elif TYPE_ARGUMENT.fullmatch(word):
        _mask_type_keywords(data, out, opening.end(), close)
        return None
    return Span(start, close + 1)


def _stands_alone(data: bytes, start: int) -> bool:
    return start == 0 or data[start - 1 : start] == b"\n"


def _begins_loop(data: bytes, offset: int) -> bool:
    """An iterator macro is followed by a statement; one that ends in `;` or goes on is a call."""
    rest = data[offset : offset + 200].lstrip()
    return rest[:1] not in (b";", b",", b")", b"") and not re.match(rb"[-+*/%&|^<>=?:.\[]", rest)


def _mask_per_cpu(data: bytes, out: bytearray, start: int, first: int, close: int) -> None:
    """`DEFINE_PER_CPU(struct a, b) = ...` becomes `struct a b = ...`: a declaration that the grammar knows."""
    out[start:first] = blank(data[start:first])
    out[close : close + 1] = b" "
    comma = data.rfind(b",", first, close)
    if comma >= 0:
        out[comma : comma + 1] = b" "


_KEYWORD = re.compile(
    rb"\b(?:struct|union|enum|const|unsigned|signed|volatile)\b(?=\s+\w)|\b(?:long|short)\b(?=\s+(?:long|int)\b)|\*(?=[\s*]*[,)])"
)


def _mask_type_keywords(data: bytes, out: bytearray, first: int, close: int) -> None:
    """Where a macro takes a type, leave one identifier that reads as an expression: `struct foo *` becomes `foo`."""
    for match in _KEYWORD.finditer(data, first, close + 1):
        out[match.start() : match.end()] = b" " * (match.end() - match.start())
