"""The files of a source that can matter: those whose bytes contain a name."""

import posixpath
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay, is_below
from kpatch_tools.core.splicing import holds
from kpatch_tools.tree import TreeAt

_INCLUDE = re.compile(rb"""^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]""", re.MULTILINE)
C_SUFFIXES = (".c", ".h")


class Found(Protocol):
    """Files with a needle, in tree order, and how much was looked at."""

    @property
    def hits(self) -> tuple[tuple[RepoPath, bytes], ...]: ...
    @property
    def files(self) -> int: ...
    @property
    def bytes(self) -> int: ...


@runtime_checkable
class SearchableSource(Protocol):
    """A source with a search of its own, much faster than reading every file (see `TreeAt.search`)."""

    def search(self, needle: bytes, *prefixes: str, suffixes: tuple[str, ...] = ()) -> Found: ...


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """`files` and `bytes` were looked at; `hits` are the paths and contents of those that contain the needle."""

    hits: tuple[tuple[RepoPath, bytes], ...]
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SearchedTree:
    """A tree with the answers to some searches at hand; see `search_ahead`."""

    tree: TreeAt
    scope: tuple[str, ...]
    found: Mapping[bytes, Found]

    def read(self, path: RepoPath) -> bytes | None:
        return self.tree.read(path)

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        return self.tree.paths(*prefixes)

    def search(self, needle: bytes, *prefixes: str, suffixes: tuple[str, ...] = ()) -> Found:
        if needle in self.found and (prefixes, suffixes) == (self.scope, C_SUFFIXES):
            return self.found[needle]
        return self.tree.search(needle, *prefixes, suffixes=suffixes)


def search_ahead(tree: TreeAt, needles: Iterable[str], scope: tuple[str, ...]) -> SearchedTree:
    """`tree`, after one look at its C files below `scope` for all of `needles`.

    Reading a kernel is what takes the time of a search: who has many tables to find looks for all of them at once.
    """
    wanted = (needle.encode("utf-8", "surrogateescape") for needle in needles)
    return SearchedTree(tree, scope, tree.search_each(wanted, *scope, suffixes=C_SUFFIXES))


def search_source(
    source: BlobSource, needle: str, scope: tuple[str, ...], *, suffixes: tuple[str, ...] = C_SUFFIXES
) -> Found:
    """The C files of `scope` (or those with other `suffixes`) that contain `needle` anywhere, as bytes.

    Also those where a backslash at the end of a line takes it apart.
    """
    wanted = needle.encode()
    if isinstance(source, SearchableSource):
        return source.search(wanted, *scope, suffixes=suffixes)
    if isinstance(source, Overlay):
        return _search_overlay(source, needle, scope, suffixes)
    files = size = 0
    hits: list[tuple[RepoPath, bytes]] = []
    for path in source.paths(*scope):
        data = source.read(path) if path.endswith(suffixes) else None
        if data is None:
            continue
        files += 1
        size += len(data)
        if holds(data, wanted):
            hits.append((path, data))
    return FoundFiles(tuple(hits), files, size)


def _search_overlay(source: Overlay, needle: str, scope: tuple[str, ...], suffixes: tuple[str, ...]) -> Found:
    base = search_source(source.base, needle, scope, suffixes=suffixes)
    prefixes = tuple(prefix.strip("/") for prefix in scope if prefix.strip("/"))
    changed = {
        path: data for path, data in source.changes.items() if path.endswith(suffixes) and is_below(path, prefixes)
    }
    hits = [(path, data) for path, data in base.hits if path not in changed]
    hits += [(path, data) for path, data in changed.items() if data is not None and holds(data, needle.encode())]
    hits.sort(key=lambda hit: hit[0])
    return FoundFiles(tuple(hits), base.files, base.bytes)


def included_files(source: BlobSource, path: RepoPath, scope: tuple[str, ...]) -> Iterator[tuple[RepoPath, bytes]]:
    """The headers that `path` includes, nearest first, each once; those that the source does not have are left out."""
    folders = (*(f"{prefix.strip('/')}/include" for prefix in scope), "include")
    queue = deque([path])
    seen = {path}
    while queue:
        current = queue.popleft()
        data = source.read(current)
        if data is None:
            continue
        if current != path:
            yield current, data
        for match in _INCLUDE.finditer(data):
            name = match.group(1).decode("utf-8", "surrogateescape")
            for folder in (posixpath.dirname(current), *folders):
                candidate = RepoPath(posixpath.normpath(f"{folder}/{name}"))
                if candidate not in seen and source.read(candidate) is not None:
                    seen.add(candidate)
                    queue.append(candidate)
                    break


def word_pattern(word: str) -> re.Pattern[bytes]:
    """`word` as a whole identifier."""
    return re.compile(rb"(?<![\w$])" + re.escape(word.encode("utf-8", "surrogateescape")) + rb"(?![\w$])")


def mentions_word(data: bytes, word: str) -> bool:
    """Whether `word` stands in `data` as a whole word, outside of `#include` lines."""
    for match in word_pattern(word).finditer(data):
        line = data[data.rfind(b"\n", 0, match.start()) + 1 : match.start()]
        if not re.match(rb"[ \t]*#[ \t]*include\b", line):
            return True
    return False
