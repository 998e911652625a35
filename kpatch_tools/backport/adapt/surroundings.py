"""The target's source files around a change, each read and taken apart once."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from kpatch_tools.backport.merge.text import Text
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.tree import TreeAt

_SOURCES = (".c", ".h", ".S")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What one attempt to adapt a change has seen of the target."""

    target: BlobSource
    _texts: dict[RepoPath, Text] = field(default_factory=dict, repr=False)
    _folders: dict[str, tuple[Text, ...]] = field(default_factory=dict, repr=False)

    def containing(self, word: bytes, folder: str) -> Iterator[Text]:
        """The source files at or below a folder that contain some bytes."""
        return (self._text(path, data) for path, data in _search(self.target, word, folder))

    def inside(self, folder: str) -> tuple[Text, ...]:
        """The source files directly in a folder."""
        if folder not in self._folders:
            paths = (path for path in self.target.paths(folder) if posixpath.dirname(path) == folder)
            self._folders[folder] = tuple(self._text(path, data) for path, data in _read(self.target, paths))
        return self._folders[folder]

    def _text(self, path: RepoPath, data: bytes) -> Text:
        if path not in self._texts:
            self._texts[path] = Text.of(path, data)
        return self._texts[path]


def subsystem(path: RepoPath) -> str:
    """The part of the tree that a file is in: the first two folders of its path, which is one architecture below arch.

    >>> subsystem(RepoPath("drivers/net/wireless/ath/xmit.c")), subsystem(RepoPath("kernel/sched.c"))
    ('drivers/net', 'kernel')
    """
    return "/".join(path.split("/")[:-1][:2])


def _search(target: BlobSource, word: bytes, folder: str) -> Iterator[tuple[RepoPath, bytes]]:
    if isinstance(target, Overlay):
        for path, data in target.changes.items():
            if data is not None and path.startswith(f"{folder}/") and path.endswith(_SOURCES) and word in data:
                yield path, data
        yield from (row for row in _search(target.base, word, folder) if row[0] not in target.changes)
    elif isinstance(target, TreeAt):
        yield from target.search(word, folder, suffixes=_SOURCES).hits
    else:
        yield from (row for row in _read(target, target.paths(folder)) if word in row[1])


def _read(target: BlobSource, paths: Iterator[RepoPath]) -> Iterator[tuple[RepoPath, bytes]]:
    for path in paths:
        data = target.read(path) if path.endswith(_SOURCES) else None
        if data is not None:
            yield path, data
