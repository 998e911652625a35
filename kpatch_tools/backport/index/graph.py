"""Which commit comes from which, as numbers: parents have smaller ones than their children."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from kpatch_tools.core.ids import ObjectId

NOT_ONE = -1
"""The number of files of a merge or of a first commit, which is no single change."""


@dataclass(slots=True)
class Graph:
    """`firsts` is a commit's first parent or -1, `others` all pairs (merge, further parent); times are in seconds."""

    oids: bytearray = field(default_factory=bytearray)
    times: array[int] = field(default_factory=lambda: array("q"))
    files: array[int] = field(default_factory=lambda: array("i"))
    firsts: array[int] = field(default_factory=lambda: array("i"))
    others: array[int] = field(default_factory=lambda: array("i"))

    def __len__(self) -> int:
        return len(self.times)

    def oid(self, number: int) -> ObjectId:
        return ObjectId(self.oids[20 * number : 20 * number + 20].hex())

    def extend(self, later: Graph) -> None:
        """Add commits whose numbers follow on these."""
        self.oids += later.oids
        for mine, its in zip(self.arrays(), later.arrays(), strict=True):
            mine.extend(its)

    def arrays(self) -> tuple[array[int], ...]:
        return self.times, self.files, self.firsts, self.others

    def add(self, oid: ObjectId, when: int, files: int, parents: Sequence[int], number: int) -> None:
        self.oids += bytes.fromhex(oid)
        self.times.append(when)
        self.files.append(files)
        self.firsts.append(parents[0] if parents else -1)
        for parent in parents[1:]:
            self.others.extend((number, parent))

    def merged(self) -> dict[int, list[int]]:
        """The further parents of each merge."""
        found: dict[int, list[int]] = {}
        for at in range(0, len(self.others), 2):
            found.setdefault(self.others[at], []).append(self.others[at + 1])
        return found


class Reach:
    """What can be reached in a graph that no longer grows."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._merged = graph.merged()
        self._below = lru_cache(maxsize=64)(self._compute)

    def below(self, tips: Iterable[int]) -> bytes:
        """For each number, 1 where it is one of `tips` or an ancestor of one."""
        return self._below(frozenset(tips))

    def _compute(self, tips: frozenset[int]) -> bytes:
        mark = bytearray(len(self._graph))
        for tip in tips:
            mark[tip] = 1
        firsts, merged = self._graph.firsts, self._merged
        for number in range(max(tips, default=-1), -1, -1):
            if mark[number]:
                first = firsts[number]
                if first >= 0:
                    mark[first] = 1
                    if number in merged:
                        for parent in merged[number]:
                            mark[parent] = 1
        return bytes(mark)
