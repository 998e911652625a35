"""Identifiers that a backslash at the end of a line takes apart: the grammar reads two names where C reads one."""

import re
from collections.abc import Iterator

from kpatch_tools.core.span import Span
from kpatch_tools.core.splicing import joined

from .parser import ParsedFile

_SKIPPED = rb"""/\*.*?(?:\*/|\Z)|//(?:[^\n\\]|\\.)*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
_SPLIT = re.compile(_SKIPPED + rb"|(?<![\w$])([A-Za-z_$][\w$]*+(?:\\\r?\n[\w$]++)+)", re.DOTALL)


SPLIT_IDENTIFIER = "an identifier that goes on in the next line"
"""How whoever reads the tree says that such a place was not understood."""


def split_identifiers(parsed: ParsedFile) -> tuple[Span, ...]:
    """Where such identifiers stand, in file order; those in comments, literals and disabled text are none.

    Costs next to nothing in a file without any.
    """
    return tuple(_split(parsed)) if joined(parsed.source) is not None else ()


def _split(parsed: ParsedFile) -> Iterator[Span]:
    for match in _SPLIT.finditer(parsed.source):
        if match.group(1) is not None and not parsed.is_disabled(match.start()):
            yield Span(*match.span())
