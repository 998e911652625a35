"""The difference between two versions of a text, as git computes it."""

import re
from dataclasses import dataclass

import pygit2
from pygit2.enums import DiffOption

# libgit2 1.9 has git's default indent heuristic; pygit2 names the flag only in its later versions.
_INDENT_HEURISTIC = 1 << 18
_HEADER = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)", re.DOTALL)
_MARKER = b"\\"
_BLANKS = b" \t\n\r"  # git cuts the section at 80 bytes and then trims it; libgit2 leaves a blank at the cut


@dataclass(frozen=True, slots=True)
class LineHunk:
    """One hunk; starts are 1-based (0 for an empty side), as in a diff.

    `section` is the line git shows after the second `@@`, at most 80 bytes. Each of `lines` is (kind, text, newline):
    kind b" ", b"-" or b"+", text without its newline, and whether it had one.
    """

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: bytes
    lines: tuple[tuple[bytes, bytes, bool], ...]


def diff_lines(old: bytes, new: bytes, *, context: int = 3) -> tuple[LineHunk, ...]:
    """The hunks from `old` to `new` with git's default algorithm and section headers. NUL bytes are text here."""
    if old == new:
        return ()
    flags = DiffOption(_INDENT_HEURISTIC | DiffOption.FORCE_TEXT)
    data = pygit2.Patch.create_from(old, new, flag=flags, context_lines=context).data
    return tuple(_parse(data or b""))


def _parse(data: bytes) -> list[LineHunk]:
    hunks: list[LineHunk] = []
    rows = data.split(b"\n")
    # Where libgit2 finds nothing to show there is no hunk, and nothing to read.
    start = next((number for number, row in enumerate(rows) if row.startswith(b"@@ ")), len(rows))
    header: tuple[int, int, int, int, bytes] | None = None
    lines: list[tuple[bytes, bytes, bool]] = []
    for row in rows[start:-1]:
        kind = row[:1]
        if kind == b"@":
            if header is not None:
                hunks.append(LineHunk(*header, tuple(lines)))
            header, lines = _parse_header(row), []
        elif kind == _MARKER:
            lines[-1] = (*lines[-1][:2], False)
        else:
            lines.append((kind, row[1:], True))
    if header is not None:
        hunks.append(LineHunk(*header, tuple(lines)))
    return hunks


def _parse_header(row: bytes) -> tuple[int, int, int, int, bytes]:
    match = _HEADER.match(row)
    assert match is not None, "libgit2 writes well-formed hunk headers"
    old_start, old_count, new_start, new_count, section = match.groups()
    return int(old_start), int(old_count or 1), int(new_start), int(new_count or 1), section.rstrip(_BLANKS)
