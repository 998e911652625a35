"""Conditionals that cut through a statement, an expression or a list.

The grammar knows `#if` only around whole statements, declarations and members. Elsewhere, as in

    if (a) {
    #ifdef B
    } else if (b) {
    #endif

it answers with errors that may reach far. Here the directives of such a conditional are blanked. Inside the braces of
an initialiser every branch is kept; elsewhere one, and the others are blanked too: they are `hidden`, which is not
`disabled`: their code may well be compiled, it is only absent from this tree.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from kpatch_tools.core.span import Span

from .conditionals import Directive

_STRING = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'
_CHARACTER = rb"'[^'\\\n]*+(?:\\.[^'\\\n]*+)*+'"
_FLAT = rb"[^(){}\[\]\"'/#]*+"
_PART = rb"(?:" + _STRING + rb"|" + _CHARACTER + rb"|\(" + _FLAT + rb"\)|\[" + _FLAT + rb"\]|/(?![*/]))"
# Every alternative begins with a byte of its own, which makes the search quick. Parentheses around nothing that is of
# interest are taken as a whole: most are such.
_TOKEN = re.compile(
    rb"/\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/)?|//[^\n]*+|"
    + _STRING
    + rb"|"
    + _CHARACTER
    + rb"|\("
    + _FLAT
    + rb"(?:"
    + _PART
    + _FLAT
    + rb")*+\)|\(|\)|\{|\}|\[|\]",
    re.DOTALL,
)
_SLASH, _OPENING = b"/("
_QUOTES = frozenset(b"\"'")
_NOT_NEWLINE = re.compile(rb"[^\n]")
_ENUM = re.compile(rb"\benum\b[^;{}()]*\Z")
_ELSE = re.compile(rb"(?:\s|/\*(?:[^*]|\*(?!/))*\*/)*else\b")


@dataclass(slots=True)
class _Branch:
    """From the end of its directive to the next one of the conditional; `depth` and `lowest` count brackets from 0."""

    start: int
    end: int = 0
    depth: int = 0
    lowest: int = 0
    empty: bool = True
    whole: bool = True


@dataclass(slots=True)
class _Conditional:
    context: bytes
    outer: list[bytes]
    begins_whole: bool
    directives: list[Directive] = field(default_factory=list)
    branches: list[_Branch] = field(default_factory=list)
    after_first: list[bytes] = field(default_factory=list)

    @property
    def regular(self) -> bool:
        """Whether the grammar can take it as it is."""
        if self.context in (b"(", b"[", b"list"):
            return False
        if self.context == b"enum":
            return True
        if not self.begins_whole and not all(branch.empty for branch in self.branches):
            return False
        return all(branch.whole and branch.depth == 0 and branch.lowest >= 0 for branch in self.branches)


def straighten(
    data: bytes, directives: Sequence[Directive], *, last_branch: bool = False
) -> tuple[bytes, tuple[Span, ...]]:
    """`data` (masked) with such conditionals taken apart, offsets unchanged; and the branches that were left out.

    Where one branch is kept it is the first with any text, or the last with `last_branch`.
    """
    out = bytearray(data)
    hidden: list[Span] = []
    for conditional in _Scanner(data, directives).read():
        if conditional.regular:
            continue
        for directive in conditional.directives:
            _blank(out, directive.span)
        if conditional.context == b"list":
            continue
        ordered = reversed(conditional.branches) if last_branch else iter(conditional.branches)
        kept = next((branch for branch in ordered if not branch.empty), None)
        for branch in conditional.branches:
            if branch is not kept and not branch.empty:
                _blank(out, Span(branch.start, branch.end))
                hidden.append(Span(branch.start, branch.end))
    return bytes(out), _outermost(hidden)


def _blank(out: bytearray, span: Span) -> None:
    out[span.start : span.end] = _NOT_NEWLINE.sub(b" ", bytes(out[span.start : span.end]))


def _outermost(spans: list[Span]) -> tuple[Span, ...]:
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if not kept or span.end > kept[-1].end:
            kept.append(span)
    return tuple(kept)


class _Scanner:
    """One pass over the brackets and directives of a file."""

    def __init__(self, data: bytes, directives: Sequence[Directive]) -> None:
        self._data = data
        self._directives = directives
        self._brackets: list[bytes] = []
        self._open: list[_Conditional] = []
        self._last = b";"
        """The last significant byte."""
        self._seen = 0
        """Where text begins that is not looked at yet."""

    def read(self) -> list[_Conditional]:
        done: list[_Conditional] = []
        for directive in self._directives:
            start, end = directive.span.start, directive.span.end
            # Those under `#if 0` are blank.
            if self._data[start:end].lstrip(b" \t").startswith(b"#"):
                self._read_to(start)
                self._seen = end
                self._directive(directive, done)
        return done

    def _read_to(self, limit: int) -> None:
        data = self._data
        for match in _TOKEN.finditer(data, self._seen, limit):
            start, end = match.span()
            self._pass_text(start)
            self._seen = end
            first = data[start]
            if first == _SLASH:
                continue
            if first == _OPENING and end - start > 1:
                self._significant(b")")
            elif first in _QUOTES:
                self._significant(b'"')
            else:
                self._bracket(data[start:end], start)
        self._pass_text(limit)

    def _pass_text(self, end: int) -> None:
        between = self._data[self._seen : end].rstrip()
        if between:
            self._significant(between[-1:])

    def _significant(self, last: bytes) -> None:
        self._last = last
        for conditional in self._open:
            conditional.branches[-1].empty = False

    def _bracket(self, mark: bytes, start: int) -> None:
        if mark in (b"(", b"["):
            self._enter(mark)
        elif mark == b"{":
            self._enter(self._brace_kind(start))
        else:
            self._leave()
        self._significant(mark)

    def _brace_kind(self, start: int) -> bytes:
        around = self._brackets[-1] if self._brackets else b""
        if self._last == b"=" or around == b"list" or (self._last in (b",", b"(") and around in (b"(", b"[")):
            return b"list"
        if _ENUM.search(self._data, max(0, start - 120), start):
            return b"enum"
        return b"{"

    def _enter(self, kind: bytes) -> None:
        self._brackets.append(kind)
        for conditional in self._open:
            conditional.branches[-1].depth += 1

    def _leave(self) -> None:
        if self._brackets:
            self._brackets.pop()
        for conditional in self._open:
            branch = conditional.branches[-1]
            branch.depth -= 1
            branch.lowest = min(branch.lowest, branch.depth)

    def _directive(self, directive: Directive, done: list[_Conditional]) -> None:
        if directive.name in ("if", "ifdef", "ifndef"):
            context = self._brackets[-1] if self._brackets else b""
            follows_else = _ELSE.match(self._data, directive.span.end) is not None
            conditional = _Conditional(context, self._brackets.copy(), self._whole() and not follows_else)
            conditional.directives.append(directive)
            conditional.branches.append(_Branch(directive.span.end))
            self._open.append(conditional)
        elif directive.name in ("else", "elif", "elifdef", "elifndef", "endif") and self._open:
            conditional = self._open[-1]
            conditional.directives.append(directive)
            branch = conditional.branches[-1]
            branch.end = directive.span.start
            branch.whole = branch.empty or self._whole()
            if len(conditional.branches) == 1:
                conditional.after_first = self._brackets.copy()
            if directive.name == "endif":
                self._open.pop()
                self._brackets = conditional.after_first
                done.append(conditional)
            else:
                self._brackets = conditional.outer.copy()
                conditional.branches.append(_Branch(directive.span.end))

    def _whole(self) -> bool:
        """Whether a statement, declaration or member has just ended (or a block begun)."""
        if self._last in (b";", b"{", b"}"):
            return True
        return self._last == b")" and not self._brackets
