"""Which of many blobs contain some bytes: the cost of looking at a whole kernel, kept down.

A word that a backslash at the end of a line takes apart is in a blob as well.

A kernel's drivers are 220 MB in 13,000 blobs. They are looked at in libgit2's own memory, because a Python copy of each
would cost more than inflating it; a large search is shared between processes, because pygit2 holds the interpreter
while it reads; and what was learnt about a blob holds for every revision that has it.
"""

import multiprocessing
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pygit2

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.splicing import joined
from kpatch_tools.workers import divide, processors

from .objects import missing_blob

_WORTH_SHARING = 4_000  # blobs; below that, starting a process costs more than it saves
_BATCH = 64  # neighbouring blobs are of similar size and share delta bases: deal them out in runs

Facts = list[tuple[int, frozenset[bytes]]]
"""Size, and which of the needles are in it, for each of some blobs."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """`files` and `bytes` were looked at; `hits` are the paths and contents with the needle, in tree order."""

    hits: tuple[tuple[RepoPath, bytes], ...]
    files: int
    bytes: int


class BlobSearch:
    """Searches blobs of one repository, and remembers what it has seen."""

    def __init__(self, repository: pygit2.Repository) -> None:
        self._repository = repository
        self._known: dict[bytes, dict[ObjectId, tuple[int, bool]]] = {}

    def facts(self, needle: bytes, ids: Sequence[ObjectId]) -> list[tuple[int, bool]]:
        """Size, and whether the needle is in it, for each of `ids`, in order.

        KpatchError missing-object if one is not in the repository.
        """
        known = self._known.setdefault(needle, {})
        unknown = list(dict.fromkeys(oid for oid in ids if oid not in known))
        looked = self.look_for((needle,), unknown)
        known.update((oid, (size, bool(found))) for oid, (size, found) in zip(unknown, looked, strict=True))
        return [known[oid] for oid in ids]

    def look_for(self, needles: Sequence[bytes], ids: Sequence[ObjectId]) -> Facts:
        """For each of `ids`, in order; it is not remembered. KpatchError as above.

        For many needles at once: reading the blobs is what takes the time.
        """
        try:
            return _look_shared(self._repository, tuple(needles), ids)
        except (KeyError, ValueError) as error:
            raise missing_blob(error) from error


def _look_shared(repository: pygit2.Repository, needles: tuple[bytes, ...], ids: Sequence[ObjectId]) -> Facts:
    workers = _workers() if len(ids) >= _WORTH_SHARING else 1
    if workers == 1:
        return _look(repository, needles, ids)
    batches = [range(start, min(start + _BATCH, len(ids))) for start in range(0, len(ids), _BATCH)]
    facts: Facts = [(0, frozenset())] * len(ids)

    @cache
    def at_hand(_process: int) -> pygit2.Repository:
        # Another process's handle shares windows and file positions with it.
        return pygit2.Repository(repository.path)

    def look(batch: range) -> Facts:
        return _look(at_hand(os.getpid()), needles, [ids[index] for index in batch])

    for number, answer in divide(look, batches, jobs=workers):
        if isinstance(answer, Exception):
            # A worker that failed says nothing about the blobs: look here, where a real error is reported.
            answer = _look(repository, needles, [ids[index] for index in batches[number]])
        for index, fact in zip(batches[number], answer, strict=True):
            facts[index] = fact
    return facts


def _workers() -> int:
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return min(processors(), 8)


def _look(repository: pygit2.Repository, needles: tuple[bytes, ...], ids: Sequence[ObjectId]) -> Facts:
    find = re.compile(re.escape(needles[0])).search if len(needles) == 1 else None
    found: tuple[bytes, ...]
    facts: Facts = []
    for oid in ids:
        view = memoryview(repository[oid])  # type: ignore[arg-type]
        whole = joined(view)
        if find is not None:
            found = needles if find(view) is not None or (whole is not None and find(whole) is not None) else ()
        else:
            data = bytes(view)
            found = tuple(one for one in needles if one in data or (whole is not None and one in whole))
        facts.append((view.nbytes, frozenset(found)))
    return facts
