"""Which lines of a touched file are the change's own."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from kpatch_tools.checks.check import Change
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.patch import FileDiff, diff_sources
from kpatch_tools.syntax import ParsedFile, parse_c
from kpatch_tools.tree import diff_lines


@lru_cache(maxsize=16)
def parse(data: bytes) -> ParsedFile:
    """As `parse_c`; the checks of one change look at the same few files one after the other."""
    return parse_c(data)


@dataclass(frozen=True, slots=True)
class Edit:
    """One touched file: its bytes before and after (None: not there), the 1-based lines that are new or changed."""

    path: RepoPath
    before: bytes | None
    after: bytes | None
    added: tuple[int, ...]

    @property
    def added_code(self) -> bytes:
        """The new lines' code; comments, strings and every other line are blank, so that offsets still hold."""
        wanted = set(self.added)
        lines = without_comments(self.after or b"").split(b"\n")
        return b"\n".join(line if number in wanted else b" " * len(line) for number, line in enumerate(lines, start=1))


def edits(change: Change, *, suffixes: tuple[str, ...] = (".c", ".h")) -> tuple[Edit, ...]:
    """The change's files whose names end in one of `suffixes`; one that was renamed is compared with what it was."""
    return tuple(
        edit(path, change.before.read(origins(change).get(path, path)), change.after.read(path))
        for path in change.touched
        if path.endswith(suffixes)
    )


_NEVER_LINKED = ("tools/", "scripts/", "usr/")
"""Where what is no part of a kernel stands: programs, each with functions and tables of its own."""


def kernel_edits(change: Change) -> tuple[Edit, ...]:
    """The change's C files that may be linked into a kernel or a module."""
    return tuple(edit for edit in edits(change) if not edit.path.startswith(_NEVER_LINKED))


@lru_cache(maxsize=2)
def whole_edit(change: Change) -> tuple[FileDiff, ...]:
    """The change as a diff, files of every kind included; several checks ask, one after the other."""
    return diff_sources(change.before, {path: change.after.read(path) for path in change.touched})


@lru_cache(maxsize=2)
def origins(change: Change) -> Mapping[RepoPath, RepoPath]:
    """New files that are deleted ones under another name: at least half of their lines are the same."""
    deleted = {path: change.before.read(path) for path in change.touched if change.after.read(path) is None}
    if not deleted:
        return {}
    lines = {path: Counter(data.split(b"\n")) for path, data in deleted.items() if data}
    found: dict[RepoPath, RepoPath] = {}
    for path in change.touched:
        data = change.after.read(path) if change.before.read(path) is None else None
        if not data:
            continue
        own = Counter(data.split(b"\n"))
        shared = {old: (own & one).total() for old, one in lines.items()}
        best = max(shared, key=shared.__getitem__, default=None)
        if best is not None and 2 * shared[best] >= own.total():
            found[path] = best
    return found


def edit(path: RepoPath, before: bytes | None, after: bytes | None) -> Edit:
    """Compare line by line, as git does."""
    added = [
        hunk.new_start + offset
        for hunk in diff_lines(before or b"", after or b"", context=0)
        for offset in range(hunk.new_count)
    ]
    return Edit(path, before, after, tuple(added))


_COMMENT_OR_STRING = re.compile(rb"""/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:[^"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)+'""", re.DOTALL)
_NOT_NEWLINE = re.compile(rb"[^\n]")


def without_comments(code: bytes) -> bytes:
    """`code` with comments and strings blank, at unchanged offsets."""
    return _COMMENT_OR_STRING.sub(lambda match: _NOT_NEWLINE.sub(b" ", match.group()), code)
