"""A patch as a value: files, hunks, lines, and what was said about it."""

from dataclasses import dataclass, field
from typing import Literal

from kpatch_tools.core.ids import ObjectId, RepoPath

LineKind = Literal[" ", "+", "-"]


@dataclass(frozen=True, slots=True)
class Line:
    """`text` is without its newline; `newline` False is git's `\\ No newline at end of file`."""

    kind: LineKind
    text: bytes
    newline: bool = True

    @property
    def data(self) -> bytes:
        """The line as it stands in the file."""
        return self.text + b"\n" if self.newline else self.text


@dataclass(frozen=True, slots=True)
class Hunk:
    """Starts are 1-based, 0 for an empty side. `section` is the text after the second `@@`, often empty."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: bytes
    lines: tuple[Line, ...]

    @property
    def old_lines(self) -> tuple[bytes, ...]:
        """What stands there before, with newlines."""
        return tuple(line.data for line in self.lines if line.kind != "+")

    @property
    def new_lines(self) -> tuple[bytes, ...]:
        """What stands there afterwards, with newlines."""
        return tuple(line.data for line in self.lines if line.kind != "-")

    @property
    def leading(self) -> int:
        """Number of context lines before the first changed one."""
        return next((index for index, line in enumerate(self.lines) if line.kind != " "), len(self.lines))

    @property
    def trailing(self) -> int:
        """Number of context lines after the last changed one."""
        return next((index for index, line in enumerate(reversed(self.lines)) if line.kind != " "), len(self.lines))


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What happens to one file.

    A path is None where the file does not exist on that side. Modes and blob ids (as spelled, often abbreviated) are
    None where the diff does not tell them. Paths differ on a rename (`copied`: the old file stays); `similarity` is
    git's percentage. `binary`: the contents differ, and there are no hunks.
    """

    old_path: RepoPath | None
    new_path: RepoPath | None
    old_mode: int | None = None
    new_mode: int | None = None
    old_blob: str | None = None
    new_blob: str | None = None
    hunks: tuple[Hunk, ...] = ()
    binary: bool = False
    copied: bool = False
    similarity: int | None = None

    @property
    def path(self) -> RepoPath:
        """The path after the change; before it, where the file is deleted."""
        path = self.new_path or self.old_path
        assert path is not None, "a file diff has at least one side"
        return path


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, as mail names them."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Patch:
    """One change with its message.

    `message` is the whole commit message (subject, blank line, body; no diffstat), `subject` its first line as text.
    `date` is in the form of a mail's Date: header. `commit` is the commit it was made from, where the text says so,
    `base_commit` what format-patch --base recorded. `notes` says what was repaired while parsing.
    """

    files: tuple[FileDiff, ...]
    message: bytes = b""
    subject: str = ""
    author: Person | None = None
    date: str | None = None
    commit: ObjectId | None = None
    base_commit: str | None = None
    notes: tuple[str, ...] = field(default=())
