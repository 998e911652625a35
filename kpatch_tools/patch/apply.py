"""Hunks onto files, in memory: exact at an offset as git apply does it, with fuzz as patch(1) does."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay

from .obstacles import obstacle, special_at
from .values import FileDiff, Hunk

RejectCode = Literal["file-absent", "file-exists", "contents-differ", "context-not-found", "binary", "not-a-file"]


@dataclass(frozen=True, slots=True)
class PlacedHunk:
    """`line` is where its first line stands in the file before the patch, 1-based (0: an empty file).

    `offset` is how many lines that is from where the hunk says, `fuzz` how many context lines were ignored at most.
    """

    file: FileDiff
    hunk: Hunk
    line: int
    offset: int
    fuzz: int


@dataclass(frozen=True, slots=True)
class Reject:
    """A hunk that has no place (None: the file as a whole). `reason` is a sentence, `code` stable."""

    file: FileDiff
    hunk: Hunk | None
    reason: str
    code: RejectCode


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """`changes` and `modes` hold the files of which every hunk was placed; None deletes."""

    changes: Mapping[RepoPath, bytes | None]
    placed: tuple[PlacedHunk, ...]
    rejects: tuple[Reject, ...]
    modes: Mapping[RepoPath, int] = field(default_factory=dict)


def apply_patch(files: Iterable[FileDiff], source: BlobSource, *, fuzz: int = 0) -> ApplyResult:
    """`files` applied to `source`, which is only read.

    A hunk goes to the nearest place, forwards before backwards, where all its lines match; without leading context
    only to the file's start, without trailing context only to its end, and never over lines another hunk touched.
    With `fuzz` up to that many context lines at either end need not match, fewest first. Symbolic links and submodules
    are neither followed nor replaced.
    """
    files = tuple(files)
    changes: dict[RepoPath, bytes | None] = {}
    modes: dict[RepoPath, int] = {}
    placed: list[PlacedHunk] = []
    rejects: list[Reject] = []
    for file in files:
        outcome = _apply_file(file, source, fuzz)
        placed += outcome.placed
        if outcome.rejects:
            rejects += outcome.rejects
            continue
        if file.old_path is not None and file.old_path != file.new_path and not file.copied:
            changes[file.old_path] = None
        if file.new_path is not None:
            changes[file.new_path] = outcome.data
            if file.new_mode is not None and file.new_mode != file.old_mode:
                modes[file.new_path] = file.new_mode
    for file, why in tuple(_obstructed(files, Overlay(source, changes))):
        rejects.append(Reject(file, None, f"{why} in the target", "not-a-file"))
        for path in (file.old_path, file.new_path):
            if path is not None:
                changes.pop(path, None)
                modes.pop(path, None)
    return ApplyResult(changes, tuple(placed), tuple(rejects), modes)


def _obstructed(files: Iterable[FileDiff], after: Overlay) -> Iterator[tuple[FileDiff, str]]:
    """The files that cannot be where the patch puts them; asked of the whole result, as files may make room."""
    for file in files:
        if file.new_path is None or file.new_path == file.old_path or after.changes.get(file.new_path) is None:
            continue
        why = obstacle(after, file.new_path)
        if why is not None:
            yield file, why


@dataclass(frozen=True, slots=True)
class _FileOutcome:
    data: bytes
    placed: tuple[PlacedHunk, ...]
    rejects: tuple[Reject, ...]


def _apply_file(file: FileDiff, source: BlobSource, fuzz: int) -> _FileOutcome:
    refusal = _refusal(file, source)
    if refusal is not None:
        return _FileOutcome(b"", (), (refusal,))
    before = source.read(file.old_path) if file.old_path is not None else b""
    assert before is not None, "an absent file was refused"
    image = _Image(before)
    placed: list[PlacedHunk] = []
    rejects: list[Reject] = []
    for hunk in file.hunks:
        spot = next((spot for level in range(fuzz + 1) if (spot := image.place(hunk, level)) is not None), None)
        if spot is None:
            rejects.append(Reject(file, hunk, image.explain(hunk, file.path), "context-not-found"))
            continue
        line, used = spot
        placed.append(PlacedHunk(file, hunk, line, line - hunk.old_start, used))
    after = image.data()
    if file.new_path is None and after and not rejects:
        extra = after.count(b"\n") or 1
        reason = f"{file.path} holds {extra} lines more than the patch deletes"
        rejects.append(Reject(file, None, reason, "contents-differ"))
    return _FileOutcome(after, tuple(placed), tuple(rejects))


def _refusal(file: FileDiff, source: BlobSource) -> Reject | None:
    if file.binary:
        return Reject(file, None, f"{file.path} is binary", "binary")
    for path in (file.old_path, file.new_path):
        special = special_at(source, path) if path is not None else None
        if special is not None:
            return Reject(file, None, f"{special} in the target", "not-a-file")
    if file.old_path is not None and source.read(file.old_path) is None:
        return Reject(file, None, f"{file.old_path} is not in the target", "file-absent")
    is_new = file.new_path is not None and file.new_path != file.old_path
    if is_new and file.new_path is not None and source.read(file.new_path) is not None:
        return Reject(file, None, f"{file.new_path} exists in the target already", "file-exists")
    return None


class _Image:
    """The file while hunks are put into it."""

    def __init__(self, data: bytes) -> None:
        self._lines = _split(data)
        self._patched = [False] * len(self._lines)
        self._grown: list[tuple[int, int]] = []

    def data(self) -> bytes:
        return b"".join(self._lines)

    def place(self, hunk: Hunk, fuzz: int) -> tuple[int, int] | None:
        """Puts the hunk in; the 1-based line in the original file and the fuzz that was used, or None."""
        context = max(hunk.leading, hunk.trailing)
        front = max(0, fuzz + hunk.leading - context) if fuzz else 0
        back = max(0, fuzz + hunk.trailing - context) if fuzz else 0
        front, back = min(front, hunk.leading), min(back, hunk.trailing)
        old, new = hunk.old_lines, hunk.new_lines
        old, new = old[front : len(old) - back], new[front : len(new) - back]
        at_start = hunk.old_start <= 1 and not front
        at_end = not hunk.trailing and not back
        start = max(hunk.new_start - 1, 0) + front
        index = next(
            (spot for spot in self._spots(start, len(old), at_start, at_end) if self._matches(spot, old)), None
        )
        if index is None:
            return None
        original = self._original(index - front)
        self._lines[index : index + len(old)] = new
        self._patched[index : index + len(old)] = [True] * len(new)
        self._grown.append((index, len(new) - len(old)))
        line = original + 1 if hunk.old_count else original
        return line, max(front, back)

    def _original(self, index: int) -> int:
        return index - sum(growth for start, growth in self._grown if start < index)

    def _spots(self, start: int, count: int, at_start: bool, at_end: bool) -> Iterator[int]:
        last = len(self._lines) - count
        if at_start and at_end:
            yield from (0,) if last == 0 else ()
        elif at_start:
            yield 0
        elif at_end:
            yield last
        else:
            yield from _outwards(min(start, len(self._lines)), last)

    def _matches(self, index: int, old: tuple[bytes, ...]) -> bool:
        end = index + len(old)
        if index < 0 or end > len(self._lines):
            return False
        return tuple(self._lines[index:end]) == old and not any(self._patched[index:end])

    def explain(self, hunk: Hunk, path: RepoPath) -> str:
        """Which of the lines the hunk expects is nowhere in the file, or that they never stand together."""
        present = set(self._lines)
        missing = [line for line in hunk.lines if line.kind != "+" and line.data not in present]
        where = f"hunk at line {hunk.old_start} of {path}"
        if not missing:
            return f"{where}: its lines do not stand together anywhere"
        text = missing[0].text.decode("utf-8", "replace").strip()
        return f"{where}: {len(missing)} of its lines are not in the file, first {text!r}"


def _outwards(start: int, last: int) -> Iterator[int]:
    """`start` and then its neighbours from near to far, forwards first, within 0 … `last`."""
    if 0 <= start <= last:
        yield start
    for distance in range(1, max(start, last - start) + 1):
        if 0 <= start + distance <= last:
            yield start + distance
        if 0 <= start - distance <= last:
            yield start - distance


def _split(data: bytes) -> list[bytes]:
    """Lines with their newlines; only LF ends one (splitlines would break at carriage returns and form feeds)."""
    lines = data.split(b"\n")
    tail = lines.pop()
    return [line + b"\n" for line in lines] + ([tail] if tail else [])
