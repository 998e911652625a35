"""Which of the lines that an edit takes out becomes which of those that it puts in."""

import itertools
from collections.abc import Sequence

from .tokens import Token, align_tokens, likeness

_ALIKE = 0.5  # of two lines' words
_MOST = 4_000  # pairs of lines that are compared: an edit of sixty lines by sixty

Line = tuple[int, int]
"""Its first token and the one after its last."""


def pair_tokens(old: Sequence[Token], new: Sequence[Token]) -> list[int | None]:
    """For each token of the lines `old` its counterpart in `new`, found line by line.

    Lines that are not alike have no counterparts at all: that both have a bracket somewhere says nothing.
    """
    found: list[int | None] = [None] * len(old)
    for (low, high), (there, end) in _pairs(old, new, _lines(old), _lines(new)):
        to = align_tokens([*old[low:high], Token(b"", b"")], [*new[there:end], Token(b"", b"")])
        for index, other in enumerate(to[:-1]):
            found[low + index] = None if other is None else there + other
    return found


def _lines(tokens: Sequence[Token]) -> list[Line]:
    starts = [index for index, token in enumerate(tokens) if token.begins_line]
    return list(itertools.pairwise([*starts, len(tokens)]))


def _pairs(
    old: Sequence[Token], new: Sequence[Token], old_lines: list[Line], new_lines: list[Line]
) -> list[tuple[Line, Line]]:
    """The pairs, in order on both sides, that have most in common as a whole."""
    if not old_lines or not new_lines or len(old_lines) * len(new_lines) > _MOST:
        return []
    best = [[0.0] * (len(new_lines) + 1) for _ in range(len(old_lines) + 1)]
    alike: dict[tuple[int, int], float] = {}
    for i in range(len(old_lines) - 1, -1, -1):
        for j in range(len(new_lines) - 1, -1, -1):
            same = likeness(old[slice(*old_lines[i])], new[slice(*new_lines[j])])
            best[i][j] = max(best[i + 1][j], best[i][j + 1])
            if same >= _ALIKE and same + best[i + 1][j + 1] > best[i][j]:
                alike[i, j] = same
                best[i][j] = same + best[i + 1][j + 1]
    pairs = []
    i = j = 0
    while i < len(old_lines) and j < len(new_lines):
        if (i, j) in alike and best[i][j] == alike[i, j] + best[i + 1][j + 1]:
            pairs.append((old_lines[i], new_lines[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs
