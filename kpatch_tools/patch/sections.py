"""Finds the diff of each file in a text, and checks it line by line before anything is parsed.

unidiff trusts hunk counts and pairs of `---`/`+++` lines in ways that real mail breaks (consecutive /dev/null pairs,
a removed line that reads `-- x`, a lone carriage return): it is given one file at a time, already delimited.
"""

import re
from dataclasses import dataclass, field

from kpatch_tools.core.errors import KpatchError

HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_EXTENDED = (
    b"index ",
    b"old mode ",
    b"new mode ",
    b"new file mode ",
    b"deleted file mode ",
    b"similarity index ",
    b"dissimilarity index ",
    b"rename from ",
    b"rename to ",
    b"copy from ",
    b"copy to ",
)
NO_NEWLINE = b"\\ No newline at end of file"


@dataclass(slots=True)
class Section:
    """One file's diff: `git` is what follows `diff --git `, all lines without newlines; `line` is 1-based."""

    line: int
    git: bytes | None = None
    extended: list[bytes] = field(default_factory=list)
    old: bytes | None = None
    new: bytes | None = None
    hunks: list[bytes] = field(default_factory=list)
    binary: bool = False


def diff_start(rows: list[bytes]) -> int:
    """Index of the first row that belongs to a diff; `len(rows)` if none does."""
    for index, row in enumerate(rows):
        if row.startswith(b"diff --git ") or is_file_header(rows, index):
            return index
        if row.startswith(b"Index: ") and any(is_file_header(rows, index + ahead) for ahead in (1, 2)):
            return index
        if row.startswith(b"diff -") and any(is_file_header(rows, index + ahead) for ahead in (1, 2)):
            return index
        if HUNK.match(row):
            return index
    return len(rows)


def is_file_header(rows: list[bytes], index: int) -> bool:
    """Whether a `---` and a `+++` line stand at `index`."""
    return index + 1 < len(rows) and rows[index].startswith(b"--- ") and rows[index + 1].startswith(b"+++ ")


def find_sections(rows: list[bytes], *, first_line: int = 1) -> list[Section]:
    """Every file's diff among `rows`; text between them is passed over. KpatchError malformed-patch."""
    return _Scanner(rows, first_line).run()


class _Scanner:
    def __init__(self, rows: list[bytes], first_line: int) -> None:
        self._rows = rows
        self._first_line = first_line
        self._sections: list[Section] = []
        self._current: Section | None = None
        self._in_header = False

    def run(self) -> list[Section]:
        index = 0
        while index < len(self._rows):
            index = self._step(index)
        return self._sections

    def _step(self, index: int) -> int:
        row = self._rows[index]
        if row.startswith(b"diff --git "):
            self._open(Section(self._line(index), git=row.removeprefix(b"diff --git ")))
            return index + 1
        if is_file_header(self._rows, index):
            if not self._in_header or self._current is None or self._current.old is not None:
                self._open(Section(self._line(index)))
            assert self._current is not None, "a section was just opened"
            self._current.old, self._current.new = row[4:], self._rows[index + 1][4:]
            self._in_header = False
            return index + 2
        if row.startswith(b"@@ "):
            return self._hunk(index)
        if self._in_header and self._current is not None:
            if row.startswith(_EXTENDED):
                self._current.extended.append(row)
                return index + 1
            if row.startswith((b"Binary files ", b"GIT binary patch")):
                self._current.binary = True
            self._in_header = False
        elif row.startswith(b"Binary files ") and row.endswith(b" differ"):
            self._open(Section(self._line(index), binary=True))
            self._in_header = False
        return index + 1

    def _open(self, section: Section) -> None:
        self._sections.append(section)
        self._current = section
        self._in_header = True

    def _hunk(self, start: int) -> int:
        header = HUNK.match(self._rows[start])
        if header is None:
            raise self._malformed(start, "this hunk header cannot be read")
        if self._current is None or self._current.old is None:
            raise self._malformed(start, "a hunk without the --- and +++ lines that name its file")
        old, new = int(header.group(2) or 1), int(header.group(4) or 1)
        if old == new == 0:
            raise self._malformed(start, "a hunk of no lines")
        taken = [self._rows[start]]
        index = start + 1
        while old > 0 or new > 0:
            row = self._rows[index] if index < len(self._rows) else None
            if row is None:
                raise self._malformed(start, f"the patch ends inside this hunk: {max(old, new)} more lines promised")
            kind = row[:1] or b" "
            if row.startswith((b"@@ -", b"diff --git ")):
                raise self._malformed(start, "this hunk has fewer lines than its header promises")
            if kind not in b" +-\\":
                raise self._malformed(
                    index, f"a hunk line begins with {row[:1]!r}; the text was cut or wrapped by mail"
                )
            old -= kind in b" -"
            new -= kind in b" +"
            if old < 0 or new < 0:
                raise self._malformed(index, "the hunk has more lines than its header promises")
            taken.append(NO_NEWLINE if kind == b"\\" else row or b" ")
            index += 1
        if index < len(self._rows) and self._rows[index].startswith(b"\\"):
            taken.append(NO_NEWLINE)
            index += 1
        self._require_end(index)
        self._current.hunks += taken
        return index

    def _require_end(self, index: int) -> None:
        row = self._rows[index] if index < len(self._rows) else b""
        is_signature = row.rstrip() in (b"--", b"---") or row.startswith(b"--- ")
        if row.startswith((b"+", b"-", b" ")) and not is_signature:
            raise self._malformed(index, "the hunk has more lines than its header promises")

    def _line(self, index: int) -> int:
        return self._first_line + index

    def _malformed(self, index: int, what: str) -> KpatchError:
        return malformed(self._line(index), what)


def malformed(line: int, what: str) -> KpatchError:
    """The error for a diff that cannot be read at `line`, 1-based in the input."""
    return KpatchError(
        "malformed-patch",
        f"line {line}: {what}",
        hint="get the patch again as an attachment or with git format-patch; do not edit hunks by hand",
    )
