"""Two changes of one text, merged word by word: upstream's edit and what makes the target's text another one.

Where they change different words, both hold. Where upstream takes out or replaces words that the target has in another
form, upstream's edit holds, and what was in its way is named. Everything else is a conflict.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .tokens import Token

To = Sequence[int | None]


@dataclass(frozen=True, slots=True)
class Woven:
    """`overruled` are the pairs (upstream's text, the target's) of which the target's was taken out all the same."""

    tokens: tuple[Token, ...]
    overruled: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class _Difference:
    """The base's tokens first..last (half open) are `new` instead, `grown` lines more (or less, below 0)."""

    first: int
    last: int
    new: tuple[Token, ...]
    grown: int


def weave(base: Sequence[Token], ours: Sequence[Token], theirs: Sequence[Token], to: To, edited: To) -> Woven | None:
    """`ours` with the change from `base` to `theirs`; None where the two cannot be told apart.

    `to` and `edited` are, for each token of `base`, its counterpart in `ours` and in `theirs`; the ends are matched.
    """
    own = [piece for one in _differences(base, ours, to) for piece in _by_line(one, base)]
    edits = list(_differences(base, theirs, edited))
    if _is_amid(own, edits):
        return None
    overruled: list[tuple[bytes, bytes]] = []
    kept = []
    for one in own:
        standing = [edit for edit in edits if _meet(one, edit)]
        if not standing:
            kept.append(one)
        elif len(standing) == 1 and _contains(standing[0], one):
            if one.grown > 0:
                return None  # the target has lines of its own there
            overruled.append((_plain(base[one.first : one.last]), _plain(one.new)))
        else:
            return None
    return Woven(tuple(_assemble(base, ours, theirs, to, edited, kept, edits)), tuple(overruled))


def _differences(base: Sequence[Token], other: Sequence[Token], to: To) -> Iterator[_Difference]:
    start, there = 0, 0
    for index, counterpart in enumerate(to):
        if counterpart is None:
            continue
        if index > start or counterpart > there:
            new = tuple(other[there:counterpart])
            yield _Difference(start, index, new, _lines(new) - _lines(base[start:index]))
        start, there = index + 1, counterpart + 1


def _by_line(one: _Difference, base: Sequence[Token]) -> Iterator[_Difference]:
    """A difference over several lines, in pieces of one line each, if it has as many lines on both sides."""
    old_starts = [index for index in range(one.first + 1, one.last) if base[index].begins_line]
    new_starts = [index for index in range(1, len(one.new)) if one.new[index].begins_line]
    if len(old_starts) != len(new_starts):
        yield one
        return
    olds, news = [one.first, *old_starts, one.last], [0, *new_starts, len(one.new)]
    for index in range(len(olds) - 1):
        piece, new = base[olds[index] : olds[index + 1]], one.new[news[index] : news[index + 1]]
        yield _Difference(olds[index], olds[index + 1], new, _lines(new) - _lines(piece))


def _is_amid(own: Sequence[_Difference], edits: Sequence[_Difference]) -> bool:
    """Whether the target has lines of its own among those that are edited."""
    if not edits:
        return False
    first, last = edits[0].first, edits[-1].last
    return any(one.grown > 0 and first < one.first < last for one in own)


def _meet(one: _Difference, edit: _Difference) -> bool:
    """Whether it matters in which order they are made, or whether one takes away what the other needs."""
    if one.first == one.last and edit.first == edit.last:
        return one.first == edit.first
    if one.first == one.last:
        return edit.first < one.first < edit.last
    if edit.first == edit.last:
        touches = edit.first in (one.first, one.last) and one.grown != 0
        return touches or one.first < edit.first < one.last
    return one.first < edit.last and edit.first < one.last


def _lines(tokens: Sequence[Token]) -> int:
    return sum(token.begins_line for token in tokens)


def _contains(edit: _Difference, one: _Difference) -> bool:
    return edit.first <= one.first and one.last <= edit.last and edit.first < edit.last


def _plain(tokens: Sequence[Token]) -> bytes:
    return b" ".join(token.text for token in tokens if token.text)


def _assemble(
    base: Sequence[Token],
    ours: Sequence[Token],
    theirs: Sequence[Token],
    to: To,
    edited: To,
    own: Sequence[_Difference],
    edits: Sequence[_Difference],
) -> Iterator[Token]:
    index = 0
    pending = sorted(
        [*((one.first, one.last, 1, one.new) for one in own), *((e.first, e.last, 0, e.new) for e in edits)]
    )
    for first, last, _, new in pending:
        yield from (_kept(base, ours, theirs, to, edited, at) for at in range(index, first))
        yield from new
        index = max(index, last)
    yield from (_kept(base, ours, theirs, to, edited, at) for at in range(index, len(base)))


def _kept(base: Sequence[Token], ours: Sequence[Token], theirs: Sequence[Token], to: To, edited: To, at: int) -> Token:
    """A token that both have: upstream's white space where upstream changed it, else the target's."""
    here, there = to[at], edited[at]
    assert here is not None, "what the target lacks is part of a difference"
    assert there is not None, "what upstream takes out is part of an edit"
    changed = theirs[there].space != base[at].space
    return Token(theirs[there].space if changed else ours[here].space, base[at].text)
