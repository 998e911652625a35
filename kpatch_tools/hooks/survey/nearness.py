"""Which of several definitions of a name a file sees, judged by where they stand: no compiler is asked.

Kernel code takes a name from its own file, a header beside it, a header of its subsystem or architecture, or include/.
"""

import posixpath
from collections.abc import Iterable
from typing import TypeVar

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.index.facts import At

FactT = TypeVar("FactT")

_SAME_FILE, _SAME_FOLDER, _BELOW, _SAME_PART, _EVERYONE, _ELSEWHERE = range(6)


def distance(seen_from: RepoPath, file: RepoPath) -> int:
    """How far `file` is for code in `seen_from`; smaller is likelier to be included."""
    if file == seen_from:
        return _SAME_FILE
    folder, other = posixpath.dirname(seen_from), posixpath.dirname(file)
    if folder == other:
        return _SAME_FOLDER
    if f"{folder}/".startswith(f"{other}/") or f"{other}/".startswith(f"{folder}/"):
        return _BELOW
    if _part(seen_from) == _part(file):
        return _SAME_PART
    return _EVERYONE if file.startswith("include/") else _ELSEWHERE


def nearest(seen_from: RepoPath, candidates: Iterable[At[FactT]]) -> tuple[At[FactT], ...]:
    """Those of `candidates` that are nearest: one, or several that only the build could tell apart."""
    listed = [item for item in candidates if can_see(seen_from, item.file)]
    if not listed:
        return ()
    best = min(distance(seen_from, item.file) for item in listed)
    return tuple(item for item in listed if distance(seen_from, item.file) == best)


def can_see(seen_from: RepoPath, file: RepoPath) -> bool:
    """Whether code in `seen_from` may mean what `file` defines: not another .c file's, nor another architecture's."""
    return file == seen_from or (not file.endswith(".c") and not _foreign(seen_from, file))


def _foreign(seen_from: RepoPath, file: RepoPath) -> bool:
    """Whether `file` belongs to an architecture that `seen_from` is not part of."""
    if not file.startswith("arch/") or not seen_from.startswith("arch/"):
        return False
    return _part(seen_from) != _part(file)


def _part(file: RepoPath) -> str:
    """An architecture, or a subsystem's folder: "arch/x86", "drivers/net"."""
    return "/".join(file.split("/")[:2])
