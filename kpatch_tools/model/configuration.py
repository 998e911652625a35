"""CONFIG_ symbols that decide code which was executed, and of which the configuration says nothing.

A profile sets some symbols and declares others unset. Of the rest it is not known what a real kernel of that kind has:
where one of them stands in a function that was executed, or in a conditional around it, the model may have executed
other code than a real kernel has. Not looked at: symbols that only decide a macro or a type in a header.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource

from .cexec import Profile

_SYMBOL = re.compile(rb"\bCONFIG_\w+")
_DIRECTIVE = re.compile(rb"[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b(.*)", re.DOTALL)
_COMMENT = re.compile(rb"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)

Executed = tuple[str, RepoPath, int, int]
"""A function, its file, and the 1-based lines that its first and last executed code came from."""


@dataclass(frozen=True, slots=True, order=True)
class UnknownSymbol:
    """`symbol` (with CONFIG_) decides code of `function`, at the 1-based `line` of `file`."""

    symbol: str
    file: RepoPath
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.symbol} ({self.function}, {self.file}:{self.line})"


def unknown_symbols(source: BlobSource, executed: Iterable[Executed], profile: Profile) -> tuple[UnknownSymbol, ...]:
    """Each unknown symbol once, with the first place in tree order."""
    found: dict[str, UnknownSymbol] = {}
    places = (
        UnknownSymbol(symbol, path, line, function)
        for function, path, first, last in executed
        for symbol, line in _symbols(source.read(path) or b"", first, last)
        if symbol not in profile.config and symbol not in profile.unset
    )
    for one in sorted(places, key=lambda place: (place.file, place.line, place.function)):
        found.setdefault(one.symbol, one)
    return tuple(sorted(found.values()))


def _symbols(text: bytes, first: int, last: int) -> Iterator[tuple[str, int]]:
    """Symbols and their lines in the function that has code on lines `first` to `last`, and around it."""
    lines, open_at = _conditionals(text)
    if not 1 <= first <= last <= len(lines):
        return
    if lines[first - 1][:1].isspace():
        # A body, whose ends may be conditional; a function on a line of its own, or a macro's, is what it is.
        while first > 1 and not lines[first - 1].startswith(b"{"):
            first -= 1
        while last < len(lines) and not lines[last - 1].startswith(b"}"):
            last += 1
    wanted = dict.fromkeys((*open_at[first - 1], *range(first - 1, last)))
    for number in wanted:
        for match in _SYMBOL.finditer(lines[number]):
            yield match.group().decode("ascii"), number + 1


@lru_cache(maxsize=32)
def _conditionals(text: bytes) -> tuple[tuple[bytes, ...], tuple[tuple[int, ...], ...]]:
    """The lines without comments, and for each the 0-based lines of the directives that it depends on."""
    blank = _COMMENT.sub(lambda match: re.sub(rb"[^\n]", b" ", match.group()), text)
    lines = tuple(blank.split(b"\n"))
    stack: list[list[int]] = []
    depends: list[tuple[int, ...]] = []
    for number, line in enumerate(lines):
        match = _DIRECTIVE.match(line)
        kind = match.group(1) if match is not None else b""
        if kind == b"endif" and stack:
            stack.pop()
        elif kind in (b"elif", b"else") and stack:
            stack[-1].append(number)
        elif kind.startswith(b"if"):
            stack.append([number])
        depends.append(tuple(at for level in stack for at in level))
    return lines, tuple(depends)
