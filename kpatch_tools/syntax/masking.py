"""Blanks what the C grammar does not know, at unchanged offsets.

The kernel decorates C with macros that expand to attributes or to nothing (`__init`, `__user`, `asmlinkage` ...). The
grammar cannot know them and answers with errors around each. `mask` replaces such tokens by blanks of the same length
and keeps every newline, so that each offset and line of the parse tree is also one of the original file. Nothing
inside comments, strings or preprocessor directives is touched, except what the preprocessor would certainly drop
(`#if 0`, `#ifdef __ASSEMBLY__`).

A tree has hundreds of megabytes, so this is written for speed: a pattern is quick only where it can begin with few
bytes, and words are judged once per file and not at every place where they stand.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from kpatch_tools.core.span import Span

from .conditionals import Directive, disabled_spans
from .macros import Kind, kinds_among
from .rewrites import blank, rewrite_define, rewrite_lines, rewrite_word


@dataclass(frozen=True, slots=True)
class Annotation:
    """One masked token: `name` as written, `span` with its arguments where it has some."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Masked:
    """`data` has the length and the newlines of the original. `disabled` is in file order and does not overlap.

    `code`: the original with blanks for comments, literals and directives, newlines inside them too.
    `words`: all that has the form of an identifier or number in the original, comments and strings included.
    """

    data: bytes
    code: bytes
    annotations: tuple[Annotation, ...]
    directives: tuple[Directive, ...]
    disabled: tuple[Span, ...]
    words: frozenset[bytes]


_COMMENT = rb"/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?"
_STRING = rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"'
_REST_OF_DIRECTIVE = rb'[^\n\\/"]*(?:(?:' + _COMMENT + rb"|" + _STRING + rb'|\\.|/(?!\*)|"|\\)[^\n\\/"]*)*'
_DIRECTIVE = re.compile(rb"#" + _REST_OF_DIRECTIVE, re.DOTALL)
# Every alternative begins with a byte of its own. The look-behind stands after the `#` for the same reason.
_SKIPPED = re.compile(
    _COMMENT + rb"|//[^\n\\]*(?:\\.[^\n\\]*)*|" + _STRING + rb"|'[^'\\\n]*(?:\\.[^'\\\n]*)*'"
    rb"|#(?<![^\n]#)" + _REST_OF_DIRECTIVE + rb"|#",
    re.DOTALL,
)
_ANNOTATION_START = attrgetter("span.start")
_HASH = ord("#")
_BYTES = [bytes((byte,)) for byte in range(256)]
_WORD_BYTES = frozenset(byte for byte in _BYTES if re.match(rb"[\w$]", byte))
_WORDS_ONLY = b"".join(byte if byte in _WORD_BYTES else b" " for byte in _BYTES)


def mask(data: bytes) -> Masked:
    """Blank annotation macros, iterator macros' names and code that is never compiled as C."""
    words = words_in(data)
    code, directives = _code_and_directives(data)
    out = bytearray(data)
    disabled = disabled_spans(directives, len(data))
    for directive in directives:
        if directive.name == "define" and (b"/*" in directive.text or b"..." in directive.text):
            rewrite_define(data, out, directive.span)
    for span in disabled:
        out[span.start : span.end] = blank(data[span.start : span.end])
    starts = [span.start for span in disabled]
    annotations: list[Annotation] = []
    for start, word, kind in _candidates(code, words):
        if starts:
            before = bisect_right(starts, start) - 1
            if before >= 0 and start < disabled[before].end:
                continue
        blanked = rewrite_word(data, out, word, kind, start)
        if blanked is not None:
            annotations.append(Annotation(word.decode("ascii"), blanked))
    text, rewritten = rewrite_lines(bytes(out))
    if rewritten:
        annotations += [Annotation(name, span) for name, span in rewritten]
        annotations.sort(key=lambda note: note.span)
    return Masked(text, code, tuple(annotations), tuple(directives), disabled, words)


def annotations_in(annotations: Sequence[Annotation], span: Span) -> Sequence[Annotation]:
    """Those of a file's annotations that begin inside `span`."""
    low = bisect_left(annotations, span.start, key=_ANNOTATION_START)
    return annotations[low : bisect_left(annotations, span.end, low, key=_ANNOTATION_START)]


def words_in(data: bytes) -> frozenset[bytes]:
    """Everything in `data` that has the form of an identifier or number, comments and strings included."""
    return frozenset(data.translate(_WORDS_ONLY).split())


def _code_and_directives(data: bytes) -> tuple[bytes, list[Directive]]:
    """`data` with blanks for comments, literals and directives (newlines inside them too), and the directives."""
    pieces: list[bytes] = []
    directives: list[Directive] = []
    seen = 0
    while True:
        for match in _SKIPPED.finditer(data, seen):
            start, end = match.span()
            if data[start] == _HASH:
                line = data.rfind(b"\n", 0, start) + 1
                indented = line < start
                if indented:
                    if data[line:start].strip(b" \t"):
                        continue
                    # Only its `#` was taken.
                    rest = _DIRECTIVE.match(data, start)
                    end = rest.end() if rest is not None else end
                directives.append(Directive.read(data, line, end))
            else:
                indented = False
            pieces += (data[seen:start], b" " * (end - start))
            seen = end
            if indented:
                break
        else:
            pieces.append(data[seen:])
            return b"".join(pieces), directives


def _candidates(code: bytes, words: frozenset[bytes]) -> list[tuple[int, bytes, Kind]]:
    """Where those of the words that are of a kind stand, in file order."""
    found: list[tuple[int, bytes, Kind]] = []
    for word, kind in kinds_among(words):
        start = code.find(word)
        while start >= 0:
            end = start + len(word)
            if code[end : end + 1] not in _WORD_BYTES and (start == 0 or code[start - 1 : start] not in _WORD_BYTES):
                found.append((start, word, kind))
            start = code.find(word, end)
    found.sort()
    return found
