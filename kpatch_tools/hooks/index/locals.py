"""What a function declares a name to be, found without walking the function.

C declares before it uses: the first mention of a local name in its function is its declaration. Where the first
mention is none (or is in a comment), the next ones are looked at, a few of them.
"""

import re

from .spelling import decode, is_scalar

_MENTIONS = 4
_BEFORE = re.compile(
    rb"(?:[;{}(),]|\*/)\s*(?:(?:const|volatile|static|register|extern|unsigned|signed|long|short)\s+)*"
    rb"(?:(struct|union|enum)\s+)?(\w+)(?:\s*\bconst\b)?((?:\s|\*|\bconst\b)+)"
    rb"(?:\w+(?:\s*\[[^];]*\])?\s*(?:=[^;{},]*)?,[\s*]*)*\Z"
)
_AFTER = re.compile(rb"\s*(?:[;,=)\[:]|/\*|//)")
_NO_TYPE = frozenset({b"return", b"goto", b"else", b"case", b"do", b"sizeof", b"typeof", b"in"})
_WINDOW = 240


class Locals:
    """The names of one function, whose text is `masked[start:end]`, its head included."""

    def __init__(self, masked: bytes, start: int, end: int) -> None:
        self._masked = masked
        self._start = start
        self._end = end
        self._known: dict[str, str | None] = {}

    def type_of(self, name: str) -> str | None:
        """ "struct x", "union x" or a typedef's name; "" for a local name of another type; None for no local name."""
        if name not in self._known:
            self._known[name] = self._find(name.encode("utf-8", "surrogateescape"))
        return self._known[name]

    def _find(self, name: bytes) -> str | None:
        masked = self._masked
        seen = 0
        position = self._start
        while seen < _MENTIONS and (position := masked.find(name, position, self._end)) >= 0:
            after = position + len(name)
            if not _is_word(masked, position, after):
                position = after
                continue
            seen += 1
            if _AFTER.match(masked, after, after + 40) is not None:
                found = _BEFORE.search(masked, self._statement(position), position)
                if found is not None and found.group(2) not in _NO_TYPE:
                    return _spelled(found.group(1), found.group(2))
            position = after
        return None

    def _statement(self, position: int) -> int:
        """Where the statement or list of members around `position` begins, as far as it is looked at."""
        first = max(self._start, position - _WINDOW)
        return max(first, *(self._masked.rfind(mark, first, position) for mark in (b";", b"{", b"}")))


def _is_word(text: bytes, start: int, end: int) -> bool:
    before = text[start - 1 : start]
    after = text[end : end + 1]
    return not (before.isalnum() or before in (b"_", b".", b">") or after.isalnum() or after == b"_")


def _spelled(keyword: bytes | None, word: bytes) -> str:
    if keyword == b"enum":
        return ""
    name = decode(word)
    if keyword is not None:
        return f"{keyword.decode()} {name}"
    return "" if is_scalar(name) or name in ("unsigned", "signed") else name
