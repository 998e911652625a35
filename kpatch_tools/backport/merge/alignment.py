"""Which line (or word) of upstream's version is which one of the target's."""

from collections.abc import Sequence
from dataclasses import dataclass

from kpatch_tools.tree import diff_lines

from .text import Text, is_weak

_REACH = 8  # lines of an unbroken match that are looked at for one that says something


def align(old: Sequence[bytes], new: Sequence[bytes]) -> list[int | None]:
    """For each of `old` the index of the same one in `new`, in order; None where it has none.

    >>> align([b"a", b"b", b"c"], [b"a", b"x", b"c"])
    [0, None, 2]
    """
    if old == new:
        return list(range(len(old)))
    found: list[int | None] = [None] * len(old)
    at_old = at_new = 0
    end = len(old), len(new)
    for hunk in diff_lines(_joined(old), _joined(new), context=0):
        first_old = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        first_new = hunk.new_start - 1 if hunk.new_count else hunk.new_start
        for step in range(first_old - at_old):
            found[at_old + step] = at_new + step
        at_old, at_new = first_old + hunk.old_count, first_new + hunk.new_count
    for step in range(min(end[0] - at_old, end[1] - at_new)):
        found[at_old + step] = at_new + step
    return found


def _joined(items: Sequence[bytes]) -> bytes:
    return b"".join(item + b"\n" for item in items)


@dataclass(frozen=True)
class Alignment:
    """Of upstream's lines `low`..`high` (half open) with the target's `to_low`..`to_high`; `to` is by upstream's line.

    `whole`: the two ranges are not the same block, but the two files.
    """

    base: Text
    ours: Text
    low: int
    high: int
    to_low: int
    to_high: int
    to: dict[int, int]
    whole: bool

    def is_sure(self, line: int) -> bool:
        """Whether a line is matched, and not for its looks alone: an unbroken match leads from it to a line that says
        something, or to the border of the block.
        """
        there = self.to.get(line)
        if there is None:
            return False
        return self._leads(line, there, -1) or self._leads(line, there, 1)

    def _leads(self, line: int, there: int, way: int) -> bool:
        for step in range(_REACH):
            here, other = line + way * step, there + way * step
            if not self.low <= here < self.high or self.to.get(here) != other:
                return False
            if self._is_border(here, other) or not is_weak(self.base.normal[here]):
                return True
        return False

    def _is_border(self, here: int, other: int) -> bool:
        if self.whole:
            return False
        return (here == self.low and other == self.to_low) or (here == self.high - 1 and other == self.to_high - 1)


def align_blocks(base: Text, ours: Text, first: int, last: int) -> Alignment | None:
    """The alignment of the block that holds upstream's lines first..last with its twin in the target; None without."""
    block = base.block_at(first, last)
    twin = base.twin(block, ours) if block is not None else None
    if block is None or twin is None:
        return None
    low, high, to_low, to_high = block.first, block.last + 1, twin.first, twin.last + 1
    found = align(base.normal[low:high], ours.normal[to_low:to_high])
    to = {low + index: to_low + there for index, there in enumerate(found) if there is not None}
    # A block begins and ends where its twin does, however its first and last line read.
    to[low], to[high - 1] = to_low, to_high - 1
    return Alignment(base, ours, low, high, to_low, to_high, to, whole=False)


def align_files(base: Text, ours: Text) -> Alignment:
    """The alignment of the two files, in which blocks of one name begin and end together."""
    found = align(base.normal, ours.normal)
    to = {index: there for index, there in enumerate(found) if there is not None}
    for block in base.blocks:
        twin = base.twin(block, ours)
        if twin is not None:
            to[block.first], to[block.last] = twin.first, twin.last
    return Alignment(base, ours, 0, len(base.lines), 0, len(ours.lines), to, whole=True)
