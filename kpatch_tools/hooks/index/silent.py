"""Leaves out what of a file can say nothing about function pointers: it need not be parsed, and spoils nothing around.

Those are directives, long lists of numbers, and of the bodies of functions what has nothing in it to look at: half of
a kernel's bytes. Offsets and lines stay as they are. What is left out becomes a comment: the grammar's lexer takes a
byte of a comment in a quarter of the time of a blank.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter

from kpatch_tools.core.span import Span
from kpatch_tools.syntax import Directive, Masked
from kpatch_tools.syntax.rewrites import blank

from .facts import Function
from .functions import read_head
from .spelling import without_comments
from .statements import silent_statements
from .variables import section_annotations

_START = attrgetter("span.start")
_SILENT = frozenset({"define", "include", "undef", "error", "warning", "pragma"})
_NUMBER = rb"[-+]?+(?:0[xX][0-9a-fA-F]++|[0-9]++)[uUlL]*+"
_NUMBERS = re.compile(rb"\{(?=\s*+[-+0-9])\s*+" + _NUMBER + rb"(?:\s*+,\s*+" + _NUMBER + rb"){7,}+\s*+,?+\s*+\}")
_LINE = 100
_BLANKS = b" " * _LINE
_HEAD = 200  # bytes before a body in which its head's last parenthesis is looked for


def without_silent_lines(masked: bytes, code: bytes, directives: Sequence[Directive]) -> bytes:
    """`masked` without the directives that are no conditionals and without the numbers of lists of numbers.

    `code`: the same file with blanks for comments, literals and directives.
    """
    out = bytearray(masked)
    for directive in directives:
        if directive.name in _SILENT:
            _leave_out(out, directive.span.start, directive.span.end)
    for match in _NUMBERS.finditer(code):
        _leave_out(out, match.start() + 1, match.end() - 1)
    return bytes(out)


def without_silent_code(text: bytes, masked: Masked, spots: Sequence[int]) -> tuple[bytes, list[Function]]:
    """`text` without the functions and statements in which none of the `spots` is; these are in order.

    And the functions that are left out whole. `masked`: the file that `text` is the rest of. Of a function whose head
    takes a tree to be read, the body alone is left out.
    """
    out = bytearray(text)
    code = masked.code
    ending = [*spots, len(text)]
    functions: list[Function] = []
    seen, line = 0, 1  # an offset that lines were counted up to, and the line there
    for body in _bodies(text, code):
        if ending[bisect_left(ending, body.start)] < body.end:
            for start, end in silent_statements(code, body, ending):
                if _is_whole(text, start, end, masked.directives):
                    _leave_out(out, start, end)
        elif code.count(b"{", body.start, body.end) == code.count(b"}", body.start, body.end):
            if not _is_whole(text, body.start, body.end, masked.directives):
                continue
            head = _head(text, code, seen, body.start - 1)
            line += text.count(b"\n", seen, head.start)
            seen = head.start
            function = read_head(text[head.start : head.end], line, section_annotations(masked.annotations, head))
            if function is None:
                _leave_out(out, body.start, body.end)
            else:
                functions.append(function)
                _leave_out(out, head.start, body.end + 1)
    return bytes(out), functions


def _head(text: bytes, code: bytes, begin: int, end: int) -> Span:
    """What stands before the brace at `end`, from the end of what is before that; nothing before `begin` counts."""
    start = max(code.rfind(b";", begin, end), code.rfind(b"}", begin, end), begin - 1) + 1
    start = end - len(code[start:end].lstrip())
    # Macros and directives that were blanked may stand before it.
    return Span(end - len(without_comments(text[start:end]).lstrip()), end)


def _leave_out(out: bytearray, start: int, end: int) -> None:
    size = end - start
    if 4 <= size <= _LINE and out.find(b"\n", start, end) < 0:
        out[start:end] = b"/*" + _BLANKS[: size - 4] + b"*/"
        return
    blanks = blank(bytes(out[start:end]))
    first, last = blanks.find(b"  "), blanks.rfind(b"  ")
    if last - first > 2:
        blanks = blanks[:first] + b"/*" + blanks[first + 2 : last] + b"*/" + blanks[last + 2 :]
    out[start:end] = blanks


def _bodies(text: bytes, code: bytes) -> Iterator[Span]:
    """What stands between the braces of functions, as far as both braces begin a line."""
    opening = code.find(b"\n{")
    while opening >= 0:
        following = code.find(b"\n{", opening + 2)
        closing = code.find(b"\n}", opening + 2, following if following >= 0 else len(code))
        if closing >= 0 and text[max(0, opening - _HEAD) : opening].rstrip().endswith(b")"):
            line_end = code.find(b"\n", closing + 2)
            if not code[closing + 2 : line_end if line_end >= 0 else len(code)].strip():
                yield Span(opening + 2, closing + 1)
        opening = following


def _is_whole(text: bytes, start: int, end: int, directives: Sequence[Directive]) -> bool:
    """Whether no part of a conditional there begins before it or ends after it."""
    if text.find(b"#", start, end) < 0:
        return True
    first = bisect_left(directives, start, key=_START)
    depth = 0
    for directive in directives[first : bisect_left(directives, end, first, key=_START)]:
        if directive.name in ("if", "ifdef", "ifndef"):
            depth += 1
        elif directive.name == "endif":
            depth -= 1
        if depth < 0 or (depth == 0 and directive.name.startswith("el")):
            return False
    return depth == 0
