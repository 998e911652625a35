"""Where source text comes from: a tree, a tree with an overlay, a folder."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from .ids import RepoPath


class BlobSource(Protocol):
    """Read-only view of one version of a source tree."""

    def read(self, path: RepoPath) -> bytes | None:
        """The bytes of the regular file at `path`; None if there is no such file (or it is a symlink or a folder)."""
        ...

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        """Every regular file at or below the given folders or files, each once, in tree order; no prefix means all.

        A prefix that does not exist yields nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class Overlay:
    """A source with some files replaced (bytes), added (bytes) or deleted (None)."""

    base: BlobSource
    changes: Mapping[RepoPath, bytes | None]

    def read(self, path: RepoPath) -> bytes | None:
        if path in self.changes:
            return self.changes[path]
        return self.base.read(path)

    def blob_id(self, path: RepoPath) -> str | None:
        """See the function of this name."""
        if path in self.changes:
            data = self.changes[path]
            return None if data is None else content_id(data)
        return blob_id(self.base, path)

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        wanted = tuple(prefix.strip("/") for prefix in prefixes if prefix.strip("/"))
        added = {path for path, data in self.changes.items() if data is not None and is_below(path, wanted)}
        for path in self.base.paths(*prefixes):
            if path not in self.changes:
                yield path
            elif path in added:
                added.remove(path)
                yield path
        yield from sorted(added)


def blob_id(source: BlobSource, path: RepoPath) -> str | None:
    """What tells the contents of the file at `path` from any others; None if there is no such file.

    A source that has such ids without reading says so by a method of this name; the file of any other is read.
    """
    known: Callable[[RepoPath], str | None] | None = getattr(source, "blob_id", None)
    if known is not None:
        return known(path)
    data = source.read(path)
    return None if data is None else content_id(data)


def content_id(data: bytes) -> str:
    """Git's id of a blob with this content, in a repository with SHA-1.

    >>> content_id(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def is_below(path: str, prefixes: tuple[str, ...]) -> bool:
    """Whether `path` is one of `prefixes` or inside one; everything is inside no prefix at all.

    >>> is_below("arch/x86/mm/init.c", ("arch/x86",)), is_below("arch/x86_64", ("arch/x86",)), is_below("a", ())
    (True, False, True)
    """
    return not prefixes or any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)
