"""What the target calls the things that upstream calls otherwise, learned from the two versions of one file.

Where upstream's parent and the target differ, a line of the one stands for a line of the other; where such a pair
differs in one word, the one word stands for the other. A map is believed if nearly all pairs of a file agree on it.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kpatch_tools.tree import diff_lines

from .alignment import align
from .text import Text

_TOKEN = re.compile(rb"\w+|->|[^\s\w]")
_WORD = re.compile(rb"[A-Za-z_]\w*$")
_AGREED = 0.75  # of the pairs of a file
_ALIKE = 0.5  # of the words of two lines
_MOST_LINES = 40  # of a region that is compared line by line with its counterpart


@dataclass(frozen=True, slots=True)
class Counterpart:
    """Upstream's `old` is the target's `new`: `votes` of `total` pairs say so, the first at upstream's `line`."""

    old: bytes
    new: bytes
    votes: int
    total: int
    line: int


def learn(base: Text, ours: Text, wanted: Collection[bytes]) -> Mapping[bytes, Counterpart]:
    """The counterpart of each of the wanted words that has one to be believed."""
    votes: dict[bytes, Counter[bytes]] = {word: Counter() for word in wanted}
    first: dict[bytes, int] = {}
    known = set(_words(ours))
    for number, old_line, new_line in _pairs(base, ours, set(wanted)):
        for old, new in _replaced(old_line, new_line):
            if old in votes and new in known:
                votes[old][new] += 1
                first.setdefault(old, number)
    found = {}
    for word, counted in votes.items():
        if not counted:
            continue
        new, most = counted.most_common(1)[0]
        total = sum(counted.values())
        if most / total >= _AGREED:
            found[word] = Counterpart(word, new, most, total, first[word])
    return found


def _words(text: Text) -> Iterator[bytes]:
    return (match.group() for match in re.finditer(rb"[A-Za-z_]\w*", text.data))


def _pairs(base: Text, ours: Text, wanted: set[bytes]) -> Iterator[tuple[int, list[bytes], list[bytes]]]:
    """Pairs of lines that stand for each other, as words, where upstream's has a wanted one: (1-based line, …)."""
    for hunk in diff_lines(_joined(base.normal), _joined(ours.normal), context=0):
        if not hunk.old_count or not hunk.new_count:
            continue
        old = base.normal[hunk.old_start - 1 :][: hunk.old_count]
        new = ours.normal[hunk.new_start - 1 :][: hunk.new_count]
        if hunk.old_count > _MOST_LINES or hunk.new_count > _MOST_LINES:
            continue
        split = [_TOKEN.findall(line) for line in new]
        for index, line in enumerate(old):
            tokens = _TOKEN.findall(line)
            if wanted.isdisjoint(tokens):
                continue
            best = max(split, key=lambda other: _likeness(tokens, other))
            if _likeness(tokens, best) >= _ALIKE:
                yield hunk.old_start + index, tokens, best


def _joined(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _likeness(old: Sequence[bytes], new: Sequence[bytes]) -> float:
    """How much of two lines is the same: 0 to 1.

    >>> _likeness([b"a", b"(", b"b", b")"], [b"a", b"(", b"c", b")"])
    0.75
    """
    if not old or not new:
        return 0.0
    return 2 * sum((Counter(old) & Counter(new)).values()) / (len(old) + len(new))


def _replaced(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The words of `old` that stand where another word of `new` does."""
    to = align(old, new)
    index = 0
    while index < len(old):
        if to[index] is not None:
            index += 1
            continue
        end = index
        while end < len(old) and to[end] is None:
            end += 1
        before = to[index - 1] if index else -1
        after = to[end] if end < len(old) else len(new)
        if before is not None and after is not None and after - before - 1 == end - index:
            for step in range(end - index):
                pair = old[index + step], new[before + 1 + step]
                if _WORD.match(pair[0]) and _WORD.match(pair[1]):
                    yield pair
        index = end


def rename(data: bytes, names: Mapping[bytes, bytes]) -> bytes:
    """`data` with whole words replaced.

    >>> rename(b"lock(&lock_a)", {b"lock": b"take"})
    b'take(&lock_a)'
    """
    if not names:
        return data
    pattern = re.compile(rb"\b(?:" + b"|".join(map(re.escape, names)) + rb")\b")
    return pattern.sub(lambda match: names[match.group()], data)
