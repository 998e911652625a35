"""Macros whose bodies reach members of records."""

import re
from collections.abc import Iterator

from kpatch_tools.syntax import ParsedFile

from .facts import MacroUse
from .spelling import decode, one_line

_HEAD = re.compile(rb"(\w+)(\([^()]*\))?\s*(.*)", re.DOTALL)
_REACH = re.compile(rb"(?<![\w.>)\]])([A-Za-z_]\w*)\)?\s*((?:(?:->|\.)\s*[A-Za-z_]\w*(?:\[[^]]*\])?\s*)+)")
_CALLED = re.compile(rb"\b([A-Za-z_]\w*)\s*\(")
_SUBSCRIPT = re.compile(rb"\[[^]]*\]|\s")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_LONGEST = 2000


def read_macros(parsed: ParsedFile) -> Iterator[MacroUse]:
    """In file order."""
    for directive in parsed.directives:
        if directive.name != "define" or (b"->" not in directive.text and b"." not in directive.text):
            continue
        head = _HEAD.match(directive.argument)
        if head is None:
            continue
        name, listed, body = head.groups()
        roots = tuple(dict.fromkeys(_roots(_STRING.sub(b"", body))))
        if roots:
            parameters = (
                None if listed is None else tuple(decode(word) for word in listed[1:-1].replace(b",", b" ").split())
            )
            line = parsed.source.count(b"\n", 0, directive.span.start) + 1
            yield MacroUse(decode(name), parameters, roots, one_line(body)[:_LONGEST], line)


def _roots(body: bytes) -> Iterator[str]:
    for match in _REACH.finditer(body):
        chain = _SUBSCRIPT.sub(b"", match.group(2)).replace(b"->", b".")
        yield decode(match.group(1) + chain)
