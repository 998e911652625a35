"""Preprocessor conditionals, read without evaluating: what is never compiled as C."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kpatch_tools.core.span import Span

_SPLICE = re.compile(rb"\\\n|/\*.*?(?:\*/|\Z)|//.*", re.DOTALL)
_NAMED = re.compile(rb"[ \t]*#[ \t]*(\w+)(?![\w/\\])")
_FORM = re.compile(rb"[ \t]*#[ \t]*(\w*)[ \t]*(.*)", re.DOTALL)
_NOT_C = rb"(?:__ASSEMBLY__|__ASSEMBLER__|__cplusplus)"
_FALSE = rb"(?:\([ \t]*)*(?:0|!1)(?:[ \t]*\))*"
_TRUE = rb"(?:\([ \t]*)*(?:1|!0)(?:[ \t]*\))*"
_SAYS_NOT_C = rb"\(*[ \t]*defined[ \t]*\(?[ \t]*" + _NOT_C + rb"[ \t]*\)*"
_NEVER = re.compile(
    _FALSE + rb"(?:[ \t]*&&.*)?|[^|]*&&[ \t]*" + _FALSE + rb"|" + _SAYS_NOT_C + rb"(?:[ \t]*&&.*)?", re.DOTALL
)
_ALWAYS = re.compile(_TRUE + rb"(?:[ \t]*\|\|.*)?|[^&]*\|\|[ \t]*" + _TRUE + rb"|![ \t]*" + _SAYS_NOT_C, re.DOTALL)


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive line, continuation lines included: `name` is "define", "if", "endif" ...; "" for a null directive.

    `text` is as written. `span` ends before the newline.
    """

    name: str
    text: bytes
    span: Span

    @staticmethod
    def read(data: bytes, start: int, end: int) -> "Directive":
        """`start` is at or before the `#`, `end` is before the newline."""
        text = data[start:end]
        named = _NAMED.match(text)
        name = named.group(1) if named is not None else _form(text)[0]
        return Directive(name.decode("ascii"), text, Span(start, end))

    @property
    def argument(self) -> bytes:
        """What follows the name, with comments removed and splices joined."""
        return _form(self.text)[1]

    @property
    def constant(self) -> bool | None:
        """What the condition is in every C compilation; None where it depends on the configuration."""
        argument = self.argument
        if self.name in ("ifdef", "elifdef"):
            return False if re.fullmatch(_NOT_C, argument) else None
        if self.name == "ifndef":
            return True if re.fullmatch(_NOT_C, argument) else None
        if _NEVER.fullmatch(argument):
            return False
        if _ALWAYS.fullmatch(argument):
            return True
        return None


def _form(text: bytes) -> tuple[bytes, bytes]:
    form = _FORM.match(text)
    name, argument = form.groups() if form else (b"", b"")
    if b"/" in argument or b"\n" in argument or not name:
        form = _FORM.match(_SPLICE.sub(b" ", text))
        name, argument = form.groups() if form else (b"", b"")
    return name, argument.strip()


@dataclass(slots=True)
class _Open:
    """A conditional that is not closed yet. `taken`: an earlier branch is certain. `dead`: this branch is never C."""

    taken: bool
    dead: bool


def disabled_spans(directives: Sequence[Directive], size: int) -> tuple[Span, ...]:
    """The text between conditionals that no C compilation sees (`#if 0`, the `#else` of `#if 1`, assembler parts).

    The outermost regions only, without the directive lines that delimit them. `size` is the file's length: a
    conditional that is never closed reaches to the end.
    """
    stack: list[_Open] = []
    spans: list[Span] = []
    begin: int | None = None
    for directive in directives:
        if directive.name in ("if", "ifdef", "ifndef"):
            constant = directive.constant
            stack.append(_Open(taken=constant is True, dead=constant is False))
        elif directive.name in ("elif", "else", "elifdef") and stack:
            top = stack[-1]
            constant = True if directive.name == "else" else directive.constant
            top.dead = top.taken or constant is False
            top.taken = top.taken or (constant is True and directive.name != "else")
        elif directive.name == "endif" and stack:
            stack.pop()
        else:
            continue
        dead = any(level.dead for level in stack)
        if begin is not None and (not dead or (directive.name in ("elif", "else") and len(stack) == 1)):
            spans.append(Span(begin, directive.span.start))
            begin = None
        if dead and begin is None:
            begin = directive.span.end
    if begin is not None:
        spans.append(Span(begin, size))
    return tuple(span for span in spans if span.start < span.end)
