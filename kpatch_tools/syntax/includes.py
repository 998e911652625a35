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


def include_closure(source: BlobSource, path: RepoPath) -> Closure:
    """Follow every `#include` of `path` whatever the conditions around it; the file itself is not in the answer.

    A name that the usual folders do not have is looked for in the whole tree (Makefiles add `-I` folders of their
    own), and every file that ends so counts.
    """
    folders = _folders(path)
    seen: dict[RepoPath, None] = {}
    unresolved: dict[str, None] = {}
    suffixes: dict[str, tuple[RepoPath, ...]] | None = None
    queue = deque((path, *(forced for forced in _FORCED if source.read(forced) is not None)))
    for forced in tuple(queue)[1:]:
        seen[forced] = None
    while queue:
        current = queue.popleft()
        for match in _INCLUDE.finditer(source.read(current) or b""):
            name = match.group(2).decode("utf-8", "surrogateescape").strip()
            found = _find(source, name, current if match.group(1) == b'"' else None, folders)
            if not found and not _MADE_BY_THE_BUILD.search(name):
                suffixes = suffixes if suffixes is not None else _by_basename(source)
                found = tuple(
                    p for p in suffixes.get(posixpath.basename(name), ()) if p.endswith("/" + posixpath.normpath(name))
                )
                if not found:
                    unresolved[name] = None
            for header in found:
                if header not in seen and header != path:
                    seen[header] = None
                    queue.append(header)
    return Closure(tuple(seen), tuple(unresolved))


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


def _find(source: BlobSource, name: str, includer: RepoPath | None, folders: tuple[str, ...]) -> tuple[RepoPath, ...]:
    candidates = [] if includer is None else [posixpath.join(posixpath.dirname(includer), name)]
    candidates.extend(posixpath.join(folder, name) for folder in folders)
    if name.startswith("asm/"):
        # The build makes a wrapper where an architecture has no header of its own.
        candidates.append("include/asm-generic/" + name.removeprefix("asm/"))
    for candidate in candidates:
        path = RepoPath(posixpath.normpath(candidate))
        if not path.startswith("../") and source.read(path) is not None:
            return (path,)
    return ()


def _by_basename(source: BlobSource) -> dict[str, tuple[RepoPath, ...]]:
    found: dict[str, tuple[RepoPath, ...]] = {}
    for path in source.paths():
        if path.endswith((".h", ".c")):
            base = posixpath.basename(path)
            found[base] = (*found.get(base, ()), path)
    return found
