"""Reads the commits that an index does not have yet, on all processors, and adds them parents first.

What is written is at every moment a history without gaps, so a builder that ends early has only less of it.
"""

import gc
import heapq
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.tree import KernelTree
from kpatch_tools.workers import divide, processors

from .database import find_oids, read_paths, write_chunk
from .graph import NOT_ONE, Graph
from .keys import keys_of

Progress = Callable[[str], None]
_BATCH = 500  # commits that a process takes at once
_WRITTEN = 16  # batches that are written at once: as many as an interruption may cost
_WORTH_SHARING = 1_000


class Row(NamedTuple):
    """What is kept of one commit."""

    when: int
    files: int
    keys: tuple[int, ...]
    paths: tuple[bytes, ...]


def extend_index(
    tree: KernelTree,
    connection: sqlite3.Connection,
    graph: Graph,
    tips: Iterable[ObjectId],
    *,
    progress: Progress = lambda _: None,
) -> None:
    """Add everything below `tips` that is not there yet, to the file and to `graph`. KpatchError missing-object."""
    missing = _find_missing(tree, connection, tips, progress)
    if not missing:
        return
    order = _parents_first(missing)
    numbers = {oid: len(graph) + at for at, oid in enumerate(order)}
    writer = _Writer(connection, graph, missing, numbers, read_paths(connection))
    batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
    waiting: dict[int, list[Row]] = {}
    done = 0
    try:
        for index, answer in _read_all(tree, batches):
            if isinstance(answer, Exception):
                raise answer
            waiting[index] = answer
            while done in waiting:
                writer.take(batches[done], waiting.pop(done))
                done += 1
                if done % _WRITTEN == 0:
                    writer.write()
                progress(f"indexing the history, once: {min(done * _BATCH, len(order)):,} of {len(order):,} commits")
    finally:
        writer.write()


class _Writer:
    """Numbers rows and writes them in runs."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        graph: Graph,
        parents: dict[ObjectId, tuple[ObjectId, ...]],
        numbers: dict[ObjectId, int],
        paths: dict[bytes, int],
    ) -> None:
        self._connection = connection
        self._graph = graph
        self._parents = parents
        self._numbers = numbers
        self._paths = paths
        self._clear()

    def _clear(self) -> None:
        self._part = Graph()
        self._marks: list[tuple[int, int]] = []
        self._touched: list[tuple[int, int]] = []
        self._new: list[tuple[int, bytes]] = []

    def take(self, oids: Sequence[ObjectId], rows: Sequence[Row]) -> None:
        for oid, row in zip(oids, rows, strict=True):
            number = len(self._graph) + len(self._part)
            parents = [self._number(parent) for parent in self._parents[oid]]
            self._part.add(oid, row.when, row.files, parents, number)
            self._marks.extend((key, number) for key in row.keys)
            self._touched.extend((self._path(path), number) for path in row.paths)

    def _number(self, oid: ObjectId) -> int:
        number = self._numbers.get(oid)
        if number is None:
            number = self._numbers[oid] = find_oids(self._connection, oid)[0]
        return number

    def _path(self, path: bytes) -> int:
        number = self._paths.get(path)
        if number is None:
            number = self._paths[path] = len(self._paths) + 1
            self._new.append((number, path))
        return number

    def write(self) -> None:
        if len(self._part):
            write_chunk(
                self._connection,
                len(self._graph),
                self._part,
                marks=self._marks,
                paths=self._new,
                touched=self._touched,
            )
            self._graph.extend(self._part)
        self._clear()


def _find_missing(
    tree: KernelTree, connection: sqlite3.Connection, tips: Iterable[ObjectId], progress: Progress
) -> dict[ObjectId, tuple[ObjectId, ...]]:
    """The parents of every commit at or below `tips` that the index lacks. The youngest are read first: neighbours in
    time are neighbours in a pack."""
    missing: dict[ObjectId, tuple[ObjectId, ...]] = {}
    queue: list[tuple[int, ObjectId, tuple[ObjectId, ...]]] = []
    seen: set[ObjectId] = set()

    def push(oid: ObjectId) -> None:
        if oid not in seen:
            seen.add(oid)
            if not find_oids(connection, oid):
                when, parents = tree.lineage(oid)
                heapq.heappush(queue, (-when, oid, parents))

    for tip in tips:
        push(tip)
    while queue:
        _, oid, parents = heapq.heappop(queue)
        missing[oid] = parents
        for parent in parents:
            push(parent)
        if len(missing) % 10_000 == 0:
            progress(f"indexing the history, once: {len(missing):,} commits found")
    return missing


def _parents_first(parents: dict[ObjectId, tuple[ObjectId, ...]]) -> list[ObjectId]:
    """All of them in an order in which lines of history stay together: neighbours share most of their folders."""
    order: list[ObjectId] = []
    placed: set[ObjectId] = set()
    for start in reversed(parents):
        stack = [start]
        while stack:
            oid = stack[-1]
            below = [one for one in parents[oid] if one in parents and one not in placed]
            if oid in placed:
                stack.pop()
            elif below:
                stack.append(below[-1])
            else:
                stack.pop()
                placed.add(oid)
                order.append(oid)
    return order


def _read_all(tree: KernelTree, batches: Sequence[Sequence[ObjectId]]) -> Iterator[tuple[int, list[Row] | Exception]]:
    own = os.getpid()

    @cache
    def at_hand(process: int) -> KernelTree:
        if process == own:
            return tree
        gc.disable()  # nothing here is cyclic, and looking for that takes a tenth of the time
        return tree.reopened()

    def read(batch: Sequence[ObjectId]) -> list[Row]:
        there = at_hand(os.getpid())
        return [_read(there, oid) for oid in batch]

    is_large = sum(map(len, batches)) >= _WORTH_SHARING
    for index, answer in divide(read, batches, jobs=min(processors(), 8) if is_large else 1):
        if isinstance(answer, Exception) and not isinstance(answer, KpatchError):
            answer = read(batches[index])  # a process that died says nothing about the commits
        yield index, answer


def _read(tree: KernelTree, oid: ObjectId) -> Row:
    commit = tree.commit(oid)
    keys = tuple(keys_of(commit))
    if len(commit.parents) != 1:
        return Row(commit.committer.when, NOT_ONE, keys, ())
    paths = tuple(path.encode("utf-8", "surrogateescape") for path in tree.touched_paths(commit))
    return Row(commit.committer.when, len(paths), keys, paths)
