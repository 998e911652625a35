"""Lines as words: what a merge inside of lines compares."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kpatch_tools.backport.merge.alignment import align

_TOKEN = re.compile(rb"(\s*)(\w+|->|\+\+|--|<<=?|>>=?|&&|\|\||[-+*/%&|^=!<>]=|[^\w\s]|\Z)")
_WORD = re.compile(rb"[A-Za-z_]\w*\Z")
_LONGEST_ISLAND = 2  # tokens without a word between two differences: their being the same says nothing


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a sign, and the white space before it. The last one of a text is empty, with what comes before the end.

    A token that begins a line has the newline in its `space`.
    """

    space: bytes
    text: bytes

    @property
    def begins_line(self) -> bool:
        return b"\n" in self.space


def tokens_of(lines: Iterable[bytes]) -> tuple[Token, ...]:
    r"""Each line's first token begins a line, that of the first line as well.

    >>> [token.text for token in tokens_of([b"a = b->c;\n"])]
    [b'a', b'=', b'b', b'->', b'c', b';', b'']
    """
    found = []
    for match in _TOKEN.finditer(b"\n" + b"".join(lines)):
        found.append(Token(match.group(1), match.group(2)))
        if not match.group(2):
            break  # the end; it would match once more behind white space
    return tuple(found)


def text_of(tokens: Iterable[Token]) -> bytes:
    r"""The text that tokens_of had.

    >>> text_of(tokens_of([b"if (a)\n", b"\tb();\n"]))
    b'if (a)\n\tb();\n'
    """
    return b"".join(token.space + token.text for token in tokens)[1:]


def is_word(text: bytes) -> bool:
    return _WORD.match(text) is not None


def likeness(old: Sequence[Token], new: Sequence[Token]) -> float:
    """How much of two texts is the same, order aside: 0 to 1.

    >>> likeness(tokens_of([b"a(b)"]), tokens_of([b"a(c)"]))
    0.75
    """
    here = Counter(token.text for token in old if token.text)
    there = Counter(token.text for token in new if token.text)
    if not here or not there:
        return 0.0
    return 2 * (here & there).total() / (here.total() + there.total())


def align_tokens(old: Sequence[Token], new: Sequence[Token]) -> list[int | None]:
    """For each of `old` the index of its counterpart in `new`; the ends of both are counterparts."""
    found = align([token.text for token in old[:-1]], [token.text for token in new[:-1]])
    _drop_islands(found, old, len(new) - 1)
    return [*found, len(new) - 1]


def _drop_islands(found: list[int | None], old: Sequence[Token], end: int) -> None:
    """Forget counterparts of a sign or two amid differences: chance, not sameness."""
    start = 0
    while start < len(found):
        there = found[start]
        if there is None:
            start += 1
            continue
        stop = start + 1
        while stop < len(found) and found[stop] == there + stop - start:
            stop += 1
        before = found[start - 1] if start else -1
        after = found[stop] if stop < len(found) else end
        is_amid = before != there - 1 and after != there + stop - start
        if is_amid and stop - start <= _LONGEST_ISLAND and not any(is_word(one.text) for one in old[start:stop]):
            found[start:stop] = [None] * (stop - start)
        start = stop
