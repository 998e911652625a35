"""Two changes of one text, merged word by word: upstream's edit and what makes the target's text another one.

Where they change different words, both hold. Where upstream takes out or replaces words that the target has in another
form, upstream's edit holds, and what was in its way is named. Everything else is a conflict.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .tokens import Token, is_word

To = Sequence[int | None]

_ENDS = frozenset({b";", b"{", b"}", b",", b":"})
"""What comes before a statement or an entry; after anything else a line is the last one's continuation."""

_FLOW = frozenset(b"{ } if else for while do switch case default return goto break continue".split())

_BRACKETS = ((b"(", b")"), (b"[", b"]"), (b"{", b"}"))

_AROUND = 3  # words on either side of a difference, by which its place is found again

_STANDS_ALONE = frozenset({b";", b"{", b"}", b"#"})

_PARTS = _STANDS_ALONE | {b",", b"&&", b"||", b"?", b":"}
"""Between two parts of the code that mean what they mean each by itself, unless both stand in deeper brackets."""

_OPENING, _CLOSING = frozenset({b"(", b"["}), frozenset({b")", b"]"})


@dataclass(frozen=True, slots=True)
class Woven:
    """`overruled` are the pairs (upstream's text, the target's) of which the target's was taken out all the same.

    `undone` is the target as it would read had it upstream's words in these places. `is_apart`: what else the target
    has otherwise stands in other statements, arguments or conditions than what the edit changes.
    """

    tokens: tuple[Token, ...]
    overruled: tuple[tuple[bytes, bytes], ...]
    undone: tuple[Token, ...]
    is_apart: bool


@dataclass(frozen=True, slots=True)
class _Difference:
    """The base's tokens first..last (half open) are `new` instead. `has_own`: there are whole lines more."""

    first: int
    last: int
    new: tuple[Token, ...]
    has_own: bool = False


def weave(base: Sequence[Token], ours: Sequence[Token], theirs: Sequence[Token], to: To, edited: To) -> Woven | None:
    """`ours` with the change from `base` to `theirs`; None where the two cannot be told apart.

    `to` and `edited` are, for each token of `base`, its counterpart in `ours` and in `theirs`; the ends are matched.
    """
    own = [piece for one in _differences(ours, to) for piece in _by_line(one, base)]
    if not _same_flow(base, own, list(_differences(theirs, edited))):
        return None
    edited = _whole_lines(base, own, edited)
    edits = list(_differences(theirs, edited))
    if any(one.has_own and edits[0].first < one.first < edits[-1].last for one in own if edits):
        return None  # the target has lines of its own among those that are edited
    overruled: list[_Difference] = []
    kept = []
    is_apart = True
    for one in own:
        met = [edit for edit in edits if _meet(one, edit) or _collide(one, edit, base)]
        if not met:
            kept.append(one)
        elif len(met) > 1 or not _contains(met[0], one) or _is_disputed(one, met[0]):
            return None
        elif (edit := _taken_along(one, met[0], base)) is not None:
            edits[edits.index(met[0])] = edit
            is_apart = False
        else:
            overruled.append(one)
    tokens = tuple(_assemble(base, ours, theirs, to, edited, kept, edits))
    if any(_open(tokens, pair) - _open(ours, pair) != _open(theirs, pair) - _open(base, pair) for pair in _BRACKETS):
        return None
    upstreams = [_Difference(one.first, one.last, tuple(base[one.first : one.last])) for one in overruled]
    undone = tuple(_assemble(base, ours, base, to, range(len(base)), kept, upstreams))
    said = tuple((_plain(base[one.first : one.last]), _plain(one.new)) for one in overruled)
    is_apart = is_apart and all(
        _goes_on(one, base, edited) and all(_are_apart(one, edit, base) for edit in edits) for one in kept
    )
    return Woven(tokens, said, undone, is_apart)


def _goes_on(one: _Difference, base: Sequence[Token], edited: To) -> bool:
    """Whether upstream keeps the statement that the target has in another form: else its words go into a new one."""
    if _is_statement(one, base):
        return True
    start = one.first
    while start > 0 and base[start - 1].text not in _STANDS_ALONE:
        start -= 1
    return edited[start] is not None


def _are_apart(one: _Difference, edit: _Difference, base: Sequence[Token]) -> bool:
    """Whether a statement, an argument or a condition ends between the two, or with one of them.

    A whole statement is apart from what is next to it, unless that is another step of the flow in the target.
    """
    if _is_statement(edit, base) or _is_statement(one, base):
        touches = edit.first in (one.first, one.last) or one.first in (edit.first, edit.last)
        return not touches or _flow(base[one.first : one.last]) == _flow(one.new)
    early, late = (one, edit) if (one.first, one.last) <= (edit.first, edit.last) else (edit, one)
    if not _PARTS.isdisjoint((*_facing(early, -1, base), *_facing(late, 0, base))):
        return True
    depth = lowest = 0
    for token in base[early.last : late.first]:
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        lowest = min(lowest, depth)
        if token.text in _STANDS_ALONE or (token.text in _PARTS and depth == lowest):
            return True
    return False


def _is_statement(one: _Difference, base: Sequence[Token]) -> bool:
    """Whether it puts whole lines between others, where a statement or an entry ends."""
    is_between = one.first == one.last and base[one.first - 1].text in _ENDS if one.first else False
    return is_between and one.new[0].begins_line and base[one.first].begins_line


def _facing(one: _Difference, at: int, base: Sequence[Token]) -> tuple[bytes, ...]:
    """What it takes out and puts in at its end (-1) or beginning (0); nothing where it opens or closes brackets."""
    sides = (base[one.first : one.last], one.new)
    if any(_open(side, pair) for side in sides for pair in _BRACKETS[:2]):
        return ()
    return tuple(side[at].text for side in sides if side)


def _open(tokens: Sequence[Token], pair: tuple[bytes, bytes]) -> int:
    """How many brackets more are opened than closed."""
    return sum((token.text == pair[0]) - (token.text == pair[1]) for token in tokens)


def _differences(other: Sequence[Token], to: To) -> Iterator[_Difference]:
    start, there = 0, 0
    for index, counterpart in enumerate(to):
        if counterpart is None:
            continue
        if index > start or counterpart > there:
            yield _Difference(start, index, tuple(other[there:counterpart]))
        start, there = index + 1, counterpart + 1


def _by_line(one: _Difference, base: Sequence[Token]) -> Iterator[_Difference]:
    """A difference over several lines, in pieces of one line each, if it has as many lines on both sides."""
    old_starts = [index for index in range(one.first + 1, one.last) if base[index].begins_line]
    new_starts = [index for index in range(1, len(one.new)) if one.new[index].begins_line]
    if len(old_starts) != len(new_starts):
        yield _Difference(one.first, one.last, one.new, _has_own(one.first, base[one.first : one.last], one.new, base))
        return
    olds, news = [one.first, *old_starts, one.last], [0, *new_starts, len(one.new)]
    for index in range(len(olds) - 1):
        first, last, new = olds[index], olds[index + 1], one.new[news[index] : news[index + 1]]
        yield _Difference(first, last, new, _has_own(first, base[first:last], new, base))


def _has_own(first: int, old: Sequence[Token], new: Sequence[Token], base: Sequence[Token]) -> bool:
    """Whether `new` has lines more than `old` that are not the continuation of one."""
    if sum(token.begins_line for token in new) <= sum(token.begins_line for token in old):
        return False
    before = base[first - 1].text if first else b";"
    return before in _ENDS or any(token.text in _STANDS_ALONE for token in new)


def _whole_lines(base: Sequence[Token], own: Sequence[_Difference], edited: To) -> To:
    """`edited` without counterparts in the edited lines in which the target has other signs, and no other words.

    The brackets around an expression are not put together from two expressions: upstream's line is taken as it is.
    """
    widened = list(edited)
    starts = [index for index, token in enumerate(base) if token.begins_line]
    for low, high in itertools.pairwise([*starts, len(base) - 1]):
        inside = [one for one in own if _is_in_line(one, low, high)]
        is_edited = any(there is None for there in edited[low:high])
        if is_edited and inside and all(_is_signs(base, one) and not one.has_own for one in inside):
            widened[low:high] = [None] * (high - low)
    return widened


def _is_in_line(one: _Difference, low: int, high: int) -> bool:
    """Whether it changes the line of the words low..high; what is put in behind a line's last word belongs to it."""
    if one.first < one.last:
        return one.first < high and one.last > low
    return low < one.first < high or one.first == (low if one.new[0].begins_line else high)


def _is_signs(base: Sequence[Token], one: _Difference) -> bool:
    return not any(is_word(token.text) or token.text == b"," for token in (*base[one.first : one.last], *one.new))


def _line_of(base: Sequence[Token], one: _Difference) -> tuple[int, int]:
    low, high = min(one.first, len(base) - 2), max(one.last, one.first)
    while low > 0 and not base[low].begins_line:
        low -= 1
    while high < len(base) - 1 and not base[high].begins_line:
        high += 1
    return low, high


def _meet(one: _Difference, edit: _Difference) -> bool:
    """Whether it matters in which order they are made, or whether one takes away what the other needs."""
    if one.first == one.last and edit.first == edit.last:
        return one.first == edit.first
    if one.first == one.last:
        return edit.first < one.first < edit.last
    if edit.first == edit.last:
        touches = edit.first in (one.first, one.last) and one.has_own
        return touches or one.first < edit.first < one.last
    return one.first < edit.last and edit.first < one.last


def _collide(one: _Difference, edit: _Difference, base: Sequence[Token]) -> bool:
    """Whether they are made to neighbouring words of one line, and are not just two entries of a list."""
    if one.first == edit.last:
        is_beside = not (one.new or base[one.first :])[0].begins_line
    else:
        is_beside = one.last == edit.first and not base[one.last].begins_line
    if not is_beside:
        return False
    return not any(side and b"," in (side[0].text, side[-1].text) for side in (one.new, edit.new))


def _same_flow(base: Sequence[Token], own: Sequence[_Difference], edits: Sequence[_Difference]) -> bool:
    """Whether the target does the same in the same order in the lines that are edited, and in those next to them where
    the edit says what is done when. That is another matter, which words do not tell.
    """
    if not edits:
        return True
    low, high = edits[0].first, edits[-1].last
    starts = [index for index, token in enumerate(base) if token.begins_line]
    around = 1 if any(_flow((*base[one.first : one.last], *one.new)) for one in edits) else 0
    above, below = [at for at in starts if at <= low], [at for at in starts if at >= high]
    low = above[max(0, len(above) - 1 - around)] if above else 0
    high = below[around] if len(below) > around else len(base)
    near = [one for one in own if one.last > low and one.first < high]
    return _flow(t for one in near for t in base[one.first : one.last]) == _flow(t for one in near for t in one.new)


def _flow(tokens: Iterable[Token]) -> Counter[bytes]:
    return Counter(token.text for token in tokens if token.text in _FLOW)


def _taken_along(one: _Difference, edit: _Difference, base: Sequence[Token]) -> _Difference | None:
    """The edit with the target's words where it only puts elsewhere what surrounds them; None where it does not."""
    low, high = max(edit.first, one.first - _AROUND), min(edit.last, one.last + _AROUND)
    wanted, new = [token.text for token in base[low:high]], [token.text for token in edit.new]
    found = [at for at in range(len(new) - len(wanted) + 1) if new[at : at + len(wanted)] == wanted]
    if len(found) != 1 or low == one.first or high == one.last or not any(map(is_word, wanted)):
        return None
    at = found[0] + one.first - low
    return _Difference(edit.first, edit.last, (*edit.new[:at], *one.new, *edit.new[at + one.last - one.first :]))


def _contains(edit: _Difference, one: _Difference) -> bool:
    return edit.first <= one.first and one.last <= edit.last and edit.first < edit.last


def _is_disputed(one: _Difference, edit: _Difference) -> bool:
    """Whether both put other words in the place of the very same: neither is a form of the other."""
    is_same = (one.first, one.last) == (edit.first, edit.last) and one.first < one.last
    return is_same and bool(edit.new) and any(is_word(token.text) for token in one.new)


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
