"""A directory on disk as a source of blobs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import is_below


@dataclass(frozen=True, slots=True)
class Folder:
    """A BlobSource over the regular files below `root`; `.git` and symlinks are not part of it."""

    root: Path

    def read(self, path: RepoPath) -> bytes | None:
        """The bytes of the regular file at `path`; None if there is none, or if a symlink is on the way."""
        parts = path.split("/")
        if any(part in ("", ".", "..", ".git") for part in parts):
            return None
        current = self.root
        for part in parts:
            current = current / part
            if current.is_symlink():
                return None
        return current.read_bytes() if current.is_file() else None

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        """Every regular file at or below the given folders or files, each once, in tree order; no prefix means all."""
        wanted = tuple(prefix.strip("/") for prefix in prefixes if prefix.strip("/"))
        found = [path for path in self._walk() if is_below(path, wanted)]
        yield from (RepoPath(path) for path in sorted(found, key=os.fsencode))

    def _walk(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self.root):
            if ".git" in folders:
                folders.remove(".git")
            for name in files:
                full = os.path.join(folder, name)
                if name != ".git" and not os.path.islink(full) and os.path.isfile(full):
                    yield os.path.relpath(full, self.root).replace(os.sep, "/")
