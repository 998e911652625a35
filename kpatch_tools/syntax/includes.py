"""Which headers a file sees, found as the kernel's build would find them."""

import posixpath
import re
from collections import deque
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource

_INCLUDE = re.compile(rb"""^[ \t]*\#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]""", re.MULTILINE)
_MADE_BY_THE_BUILD = re.compile(
    r"generated/|(?:^|/)(?:autoconf|version|bounds|compile|utsrelease|offsets)\.h$|^stdarg\.h$"
)
_FORCED = (RepoPath("include/linux/kconfig.h"),)


@dataclass(frozen=True, slots=True)
class Closure:
    """The headers a file includes, directly or not, under any configuration, in order of first sight.

    `unresolved` are included names no file of the tree answers to; headers that the build makes are not counted.
    """

    headers: tuple[RepoPath, ...]
    unresolved: tuple[str, ...]


class Includes:
    """Follows `#include` in one source, and remembers what each file includes.

    A name that the usual folders do not have is looked for in the whole tree (Makefiles add `-I` folders of their
    own), and every file that ends so counts.
    """

    def __init__(self, source: BlobSource) -> None:
        self.source = source
        self._names: dict[RepoPath, tuple[tuple[bool, str], ...]] = {}
        self._found: dict[tuple[str, str | None, tuple[str, ...]], tuple[RepoPath, ...]] = {}
        self._by_basename: dict[str, tuple[RepoPath, ...]] | None = None

    def closure(self, path: RepoPath) -> Closure:
        """Every header `path` sees whatever the conditions around the `#include`; the file itself is left out."""
        folders = _folders(path)
        seen = dict.fromkeys(forced for forced in _FORCED if self.source.read(forced) is not None)
        unresolved: dict[str, None] = {}
        queue = deque((path, *seen))
        while queue:
            current = queue.popleft()
            for quoted, name in self._included_by(current):
                found = self._find(name, posixpath.dirname(current) if quoted else None, folders)
                if not found and not _MADE_BY_THE_BUILD.search(name):
                    unresolved[name] = None
                for header in found:
                    if header not in seen and header != path:
                        seen[header] = None
                        queue.append(header)
        return Closure(tuple(seen), tuple(unresolved))

    def _included_by(self, path: RepoPath) -> tuple[tuple[bool, str], ...]:
        if path not in self._names:
            self._names[path] = tuple(
                (match.group(1) == b'"', match.group(2).decode("utf-8", "surrogateescape").strip())
                for match in _INCLUDE.finditer(self.source.read(path) or b"")
            )
        return self._names[path]

    def _find(self, name: str, folder: str | None, folders: tuple[str, ...]) -> tuple[RepoPath, ...]:
        key = (name, folder, folders)
        if key not in self._found:
            usual = _find(self.source, name, folder, folders)
            self._found[key] = usual or (() if _MADE_BY_THE_BUILD.search(name) else self._anywhere(name))
        return self._found[key]

    def _anywhere(self, name: str) -> tuple[RepoPath, ...]:
        if self._by_basename is None:
            self._by_basename = {}
            for path in self.source.paths():
                if path.endswith((".h", ".c")):
                    base = posixpath.basename(path)
                    self._by_basename[base] = (*self._by_basename.get(base, ()), path)
        ending = "/" + posixpath.normpath(name)
        return tuple(path for path in self._by_basename.get(posixpath.basename(name), ()) if path.endswith(ending))


def architecture_of(path: RepoPath) -> str:
    """The architecture whose headers `path` sees; x86 for code that belongs to none.

    >>> architecture_of(RepoPath("arch/arm/mm/init.c")), architecture_of(RepoPath("mm/memory.c"))
    ('arm', 'x86')
    """
    parts = path.split("/")
    return parts[1] if parts[0] == "arch" and len(parts) > 2 else "x86"


def _folders(path: RepoPath) -> tuple[str, ...]:
    arch = f"arch/{architecture_of(path)}/include"
    return (arch, f"{arch}/uapi", "include", "include/uapi", posixpath.dirname(path))


def _find(source: BlobSource, name: str, folder: str | None, folders: tuple[str, ...]) -> tuple[RepoPath, ...]:
    candidates = [] if folder is None else [posixpath.join(folder, name)]
    candidates.extend(posixpath.join(usual, name) for usual in folders)
    if name.startswith("asm/"):
        # The build makes a wrapper where an architecture has no header of its own.
        candidates.append("include/asm-generic/" + name.removeprefix("asm/"))
    for candidate in candidates:
        path = RepoPath(posixpath.normpath(candidate))
        if not path.startswith("../") and source.read(path) is not None:
            return (path,)
    return ()
