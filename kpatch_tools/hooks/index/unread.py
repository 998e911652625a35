"""What was not understood of a file."""

import re
from bisect import bisect_left

from kpatch_tools.core.span import Span
from kpatch_tools.core.splicing import joined
from kpatch_tools.syntax import ParsedFile
from kpatch_tools.syntax.splices import SPLIT_IDENTIFIER, split_identifiers
from kpatch_tools.syntax.symbols import identifiers

from .facts import Unread

_NEWLINE = re.compile(rb"\n")
PARSE_ERROR = "parse error"
LEFT_OUT = "a branch of a conditional that cuts through a statement"


def read_unread(parsed: ParsedFile, left_out: tuple[Span, ...]) -> tuple[Unread, ...]:
    """The errors of `parsed`, the branches that no reading showed and the identifiers that none can put together.

    In file order, neighbours in one. Whole lines each: an error is often beside the words that it spoils.
    """
    split = split_identifiers(parsed)
    if not parsed.errors and not left_out and not split:
        return ()
    newlines = [match.start() for match in _NEWLINE.finditer(parsed.source)]
    parts = [(span, PARSE_ERROR) for span in parsed.errors] + [(span, LEFT_OUT) for span in left_out]
    parts += [(span, SPLIT_IDENTIFIER) for span in split]
    ranges: list[tuple[int, int, str]] = []
    for span, reason in sorted(parts):
        first = bisect_left(newlines, span.start)
        last = bisect_left(newlines, max(span.start, span.end - 1))
        if ranges and first <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], max(last, ranges[-1][1]), ranges[-1][2])
        else:
            ranges.append((first, last, reason))
    return tuple(_unread(first, last, reason, parsed.source, newlines) for first, last, reason in ranges)


def _unread(first: int, last: int, reason: str, source: bytes, newlines: list[int]) -> Unread:
    """`first` and `last` are lines from 0."""
    start = newlines[first - 1] + 1 if first else 0
    end = newlines[last] if last < len(newlines) else len(source)
    text = source[start:end]
    words = {*identifiers(text), *identifiers(joined(text) or b"")}
    return Unread(first + 1, last + 1, reason, tuple(sorted(words)))
