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
from .macros import CANDIDATE
from .rewrites import blank, rewrite_define, rewrite_lines, rewrite_word


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
    for directive in directives:
        if directive.name == "define":
            rewrite_define(out, directive.span)
    for span in disabled:
        out[span.start : span.end] = blank(data[span.start : span.end])
    starts = [span.start for span in disabled]
    annotations: list[Annotation] = []
    for word, start, end in words:
        before = bisect_right(starts, start) - 1
        if before >= 0 and start < disabled[before].end:
            continue
        blanked = rewrite_word(data, out, word, start, end)
        if blanked is not None:
            annotations.append(Annotation(word.decode("ascii"), blanked))
    annotations += [Annotation(name, span) for name, span in rewrite_lines(out)]
    annotations.sort(key=lambda note: note.span)
    return Masked(bytes(out), tuple(annotations), tuple(directives), disabled)
