"""Leaves out what of a file can say nothing about function pointers: it need not be parsed, and spoils nothing around.

Those are directives, long lists of numbers, and of the bodies of functions what has nothing in it to look at: half of
a kernel's bytes. Offsets and lines stay as they are. What is left out becomes a comment: the grammar's lexer takes a
byte of a comment in a quarter of the time of a blank.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from kpatch_tools.core.span import Span
from kpatch_tools.syntax import Directive
from kpatch_tools.syntax.rewrites import blank

from .statements import silent_statements

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


def without_silent_code(text: bytes, code: bytes, spots: Sequence[int], directives: Sequence[Directive]) -> bytes:
    """`text` without the bodies and statements of functions in which none of the `spots` is; these are in order."""
    out: bytearray | None = None
    starts: list[int] | None = None
    ending = [*spots, len(text)]
    for body in _bodies(text, code):
        if ending[bisect_left(ending, body.start)] >= body.end:
            if code.count(b"{", body.start, body.end) != code.count(b"}", body.start, body.end):
                continue
            silent = [(body.start, body.end)]
        else:
            silent = silent_statements(code, body, ending)
        divided = text.find(b"#", body.start, body.end) >= 0
        for start, end in silent:
            if divided and text.find(b"#", start, end) >= 0:
                starts = starts if starts is not None else [directive.span.start for directive in directives]
                if not _are_whole(directives[bisect_left(starts, start) : bisect_left(starts, end)]):
                    continue
            out = out if out is not None else bytearray(text)
            _leave_out(out, start, end)
    return text if out is None else bytes(out)


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


def _are_whole(directives: Sequence[Directive]) -> bool:
    """Whether they have no part of a conditional that begins before them or ends after them."""
    depth = 0
    for directive in directives:
        if directive.name in ("if", "ifdef", "ifndef"):
            depth += 1
        elif directive.name == "endif":
            depth -= 1
        if depth < 0 or (depth == 0 and directive.name.startswith("el")):
            return False
    return depth == 0
