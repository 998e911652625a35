"""Which lines of a touched file are the change's own."""

import re
from dataclasses import dataclass
from functools import lru_cache

from kpatch_tools.checks.check import Change
from kpatch_tools.core.ids import RepoPath
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
    """The change's files whose names end in one of `suffixes`."""
    return tuple(
        edit(path, change.before.read(path), change.after.read(path))
        for path in change.touched
        if path.endswith(suffixes)
    )


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
