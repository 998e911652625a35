"""Where source text comes from: a tree, a tree with an overlay, a folder."""

from collections.abc import Iterator, Mapping
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


def is_below(path: str, prefixes: tuple[str, ...]) -> bool:
    """Whether `path` is one of `prefixes` or inside one; everything is inside no prefix at all.

    >>> is_below("arch/x86/mm/init.c", ("arch/x86",)), is_below("arch/x86_64", ("arch/x86",)), is_below("a", ())
    (True, False, True)
    """
    return not prefixes or any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)
