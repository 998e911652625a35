"""Which headers a file sees, found as the kernel's build would find them."""

import posixpath
import re
from collections import deque
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.syntax.memo import BlobMemo, blob_id

_INCLUDE = re.compile(rb"""^[ \t]*\#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]""", re.MULTILINE)
_MADE_BY_THE_BUILD = re.compile(
    r"generated/|(?:^|/)(?:autoconf|version|bounds|compile|utsrelease|offsets)\.h$|^stdarg\.h$"
)
_FORCED = (RepoPath("include/linux/kconfig.h"),)
# Where code of any architecture may have its headers.
_SHARED_FOLDERS = ("block", "crypto", "drivers", "fs", "include", "init", "kernel", "lib", "mm", "net", "sound", "virt")

_Name = tuple[bool, str]
"""(in quotes, what is included)."""


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
    own), and every file that ends so counts; but code of one architecture never sees another's headers.
    """

    def __init__(self, source: BlobSource) -> None:
        self.source = source
        self._names: dict[RepoPath, tuple[_Name, ...]] = {}
        self._found: dict[tuple[str, str | None, str], tuple[RepoPath, ...]] = {}
        self._by_basename: dict[tuple[str, ...], dict[str, list[RepoPath]]] = {}
        self._closures: dict[RepoPath, Closure] = {}

    def closure(self, path: RepoPath) -> Closure:
        """Every header `path` sees whatever the conditions around the `#include`; the file itself is left out."""
        if path not in self._closures:
            self._closures[path] = self._follow(path)
        return self._closures[path]

    def missing_from(self, path: RepoPath) -> tuple[str, ...]:
        """What `path` itself includes, under any configuration, that the tree does not have."""
        return tuple(
            name
            for quoted, name in self._included_by(path)
            if not _MADE_BY_THE_BUILD.search(name)
            and not self._find(name, posixpath.dirname(path) if quoted else None, path)
        )

    def _follow(self, path: RepoPath) -> Closure:
        seen = dict.fromkeys(forced for forced in _FORCED if self._is_file(forced))
        unresolved: dict[str, None] = {}
        queue = deque((path, *seen))
        while queue:
            current = queue.popleft()
            for quoted, name in self._included_by(current):
                found = self._find(name, posixpath.dirname(current) if quoted else None, path)
                if not found and not _MADE_BY_THE_BUILD.search(name):
                    unresolved[name] = None
                for header in found:
                    if header not in seen and header != path:
                        seen[header] = None
                        queue.append(header)
        return Closure(tuple(seen), tuple(unresolved))

    def _included_by(self, path: RepoPath) -> tuple[_Name, ...]:
        if path not in self._names:
            self._names[path] = INCLUDED_NAMES.of(self.source, path) or ()
        return self._names[path]

    def _find(self, name: str, folder: str | None, path: RepoPath) -> tuple[RepoPath, ...]:
        key = (name, folder, posixpath.dirname(path))
        if key not in self._found:
            usual = self._find_usually(name, folder, _folders(path))
            self._found[key] = usual or (() if _MADE_BY_THE_BUILD.search(name) else self._anywhere(name, path))
        return self._found[key]

    def _find_usually(self, name: str, folder: str | None, folders: tuple[str, ...]) -> tuple[RepoPath, ...]:
        candidates = [] if folder is None else [posixpath.join(folder, name)]
        candidates.extend(posixpath.join(usual, name) for usual in folders)
        if name.startswith("asm/"):
            # The build makes a wrapper where an architecture has no header of its own.
            candidates.append("include/asm-generic/" + name.removeprefix("asm/"))
        for candidate in candidates:
            path = RepoPath(posixpath.normpath(candidate))
            if not path.startswith("../") and self._is_file(path):
                return (path,)
        return ()

    def _anywhere(self, name: str, path: RepoPath) -> tuple[RepoPath, ...]:
        own = path.split("/")[:2]
        scope = ("/".join(own), *_SHARED_FOLDERS) if own[0] == "arch" else ()
        if scope and name.startswith("asm/"):
            return ()
        if scope not in self._by_basename:
            by_basename: dict[str, list[RepoPath]] = {}
            for file in self.source.paths(*scope):
                if file.endswith((".h", ".c")):
                    by_basename.setdefault(file.rpartition("/")[2], []).append(file)
            self._by_basename[scope] = by_basename
        ending = "/" + posixpath.normpath(name)
        known = self._by_basename[scope].get(posixpath.basename(name), ())
        return tuple(file for file in known if file.endswith(ending))

    def _is_file(self, path: RepoPath) -> bool:
        return blob_id(self.source, path) is not None or self.source.read(path) is not None


def _included_names(data: bytes) -> tuple[_Name, ...]:
    return tuple(
        (match.group(1) == b'"', match.group(2).decode("utf-8", "surrogateescape").strip())
        for match in _INCLUDE.finditer(data)
    )


INCLUDED_NAMES = BlobMemo(_included_names)
"""By blob: (in quotes, what is included) of each `#include`."""


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
