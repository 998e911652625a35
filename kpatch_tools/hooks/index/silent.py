"""Blanks what of a file can say nothing about function pointers: it need not be parsed, and spoils nothing around it.

Those are directives, long lists of numbers, and the bodies of functions in whose text there is nothing to look at: a
fifth of a kernel's bytes. Offsets and lines stay as they are.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from kpatch_tools.core.span import Span
from kpatch_tools.syntax import Directive
from kpatch_tools.syntax.rewrites import blank

_SILENT = frozenset({"define", "include", "undef", "error", "warning", "pragma"})
_NUMBER = rb"[-+]?+(?:0[xX][0-9a-fA-F]++|[0-9]++)[uUlL]*+"
_NUMBERS = re.compile(rb"\{(?=\s*+[-+0-9])\s*+" + _NUMBER + rb"(?:\s*+,\s*+" + _NUMBER + rb"){7,}+\s*+,?+\s*+\}")
_HEAD = 200  # bytes before a body in which its head's last parenthesis is looked for


def without_silent_lines(masked: bytes, directives: Sequence[Directive]) -> bytes:
    """`masked` without the directives that are no conditionals and without the numbers of lists of numbers."""
    out = bytearray(masked)
    for directive in directives:
        if directive.name in _SILENT:
            start, end = directive.span.start, directive.span.end
            out[start:end] = blank(masked[start:end])
    return _NUMBERS.sub(_emptied, bytes(out))


def _emptied(match: re.Match[bytes]) -> bytes:
    return b"{" + blank(match.group()[1:-1]) + b"}"


def without_silent_bodies(text: bytes, spots: Sequence[int], directives: Sequence[Directive]) -> bytes:
    """`text` without the bodies of the functions in which none of the `spots` is; these are in order."""
    out: bytearray | None = None
    starts: list[int] | None = None
    for body in _bodies(text):
        first = bisect_left(spots, body.start)
        if first < len(spots) and spots[first] < body.end:
            continue
        if text.count(b"{", body.start, body.end) != text.count(b"}", body.start, body.end):
            continue
        if text.find(b"#", body.start, body.end) >= 0:
            starts = starts if starts is not None else [directive.span.start for directive in directives]
            inside = directives[bisect_left(starts, body.start) : bisect_left(starts, body.end)]
            if not _are_whole(inside):
                continue
        out = out if out is not None else bytearray(text)
        out[body.start : body.end] = blank(text[body.start : body.end])
    return text if out is None else bytes(out)


def _bodies(text: bytes) -> Iterator[Span]:
    """What stands between the braces of functions, as far as both braces begin a line."""
    opening = text.find(b"\n{")
    while opening >= 0:
        following = text.find(b"\n{", opening + 2)
        closing = text.find(b"\n}", opening + 2, following if following >= 0 else len(text))
        if closing >= 0 and text[max(0, opening - _HEAD) : opening].rstrip().endswith(b")"):
            line_end = text.find(b"\n", closing + 2)
            if not text[closing + 2 : line_end if line_end >= 0 else len(text)].strip():
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
