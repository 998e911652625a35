"""What a guard is shown, and what it answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from kpatch_tools.backport.merge.blocks import Block
from kpatch_tools.backport.merge.edits import Edit, hunk_edits
from kpatch_tools.backport.merge.text import Text
from kpatch_tools.backport.outcome import HunkResult
from kpatch_tools.backport.place import old_index
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff
from kpatch_tools.tree import LineHunk, diff_lines


@dataclass(frozen=True)
class Versions:
    """The four versions of a file that is there before and after the change, as text: upstream's and the target's."""

    base: Text
    theirs: Text
    ours: Text
    result: Text

    @cached_property
    def delta(self) -> tuple[LineHunk, ...]:
        """From the target's to its result, without context."""
        return diff_lines(self.ours.data, self.result.data, context=0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an edit stands: the block of upstream's version before the change that holds it, and its twins."""

    base: Block
    ours: Block
    result: Block


@dataclass(frozen=True)
class Carried:
    """One file of the change, carried. Contents are None where there is no such file, or it is not at hand.

    `path` is the target's; `base` and `theirs` are upstream's versions around the change, `ours` and `result` the
    target's. `hunks` are the results, in the order of the diff's hunks.
    """

    diff: FileDiff
    path: RepoPath
    base: bytes | None
    theirs: bytes | None
    ours: bytes | None
    result: bytes | None
    hunks: tuple[HunkResult, ...]

    def done(self) -> Iterator[int]:
        """The numbers (1-based) of the hunks that were carried."""
        for number in range(1, len(self.diff.hunks) + 1):
            if any(one.number == number and one.kind is not HunkClass.NEEDS_HUMAN for one in self.hunks):
                yield number

    @cached_property
    def versions(self) -> Versions | None:
        """None where one of them is missing or binary, and where nothing was changed."""
        if self.base is None or self.theirs is None or self.ours is None or self.result in (None, self.ours):
            return None
        assert self.result is not None, "None was one of the two"
        if b"\0" in self.base + self.result:
            return None
        old, new = self.diff.old_path or self.path, self.diff.new_path or self.path
        here = Text.of(self.path, self.ours), Text.of(self.path, self.result)
        return Versions(Text.of(old, self.base), Text.of(new, self.theirs), *here)

    @cached_property
    def edits(self) -> tuple[Edit, ...]:
        """Those of the carried hunks."""
        return tuple(edit for number in self.done() for edit in hunk_edits(number, self.diff.hunks[number - 1]))

    def place(self, edit: Edit) -> Place | None:
        """None where it stands in no block, or in one that the target does not have under that name.

        Where the whole hunk stands somewhere in the result, its block there is meant, whatever it is called.
        """
        versions = self.versions
        if versions is None:
            return None
        first, last = (edit.first - 1, edit.first) if edit.is_insertion else (edit.first, edit.last - 1)
        block = versions.base.block_at(first, last)
        line = self._line(edit)
        if line is not None:
            result = versions.result.block_at(line, line)
            ours = versions.result.twin(result, versions.ours) if result is not None else None
        else:
            ours = versions.base.twin(block, versions.ours) if block is not None else None
            result = versions.ours.twin(ours, versions.result) if ours is not None else None
        return Place(block, ours, result) if block is not None and ours is not None and result is not None else None

    def _line(self, edit: Edit) -> int | None:
        """The line (0-based) of the result at which an edit's new lines begin; None where its hunk is not together."""
        hunk = self.diff.hunks[edit.hunk - 1]
        line = next((one.line for one in self.hunks if one.number == edit.hunk), None)
        if line is None:
            return None
        before = [one for one in hunk_edits(edit.hunk, hunk) if one.first < edit.first]
        grown = sum(len(one.new) - (one.last - one.first) for one in before)
        return line - 1 + edit.first - old_index(hunk) + grown


@dataclass(frozen=True, slots=True)
class Carriage:
    """A whole change, carried: its files, the target as it was, and upstream's versions around the change.

    Upstream's are None for a patch whose blobs are not at hand.
    """

    files: tuple[Carried, ...]
    target: BlobSource
    before: BlobSource | None
    after: BlobSource | None


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a hunk (`number`, 1-based, of the change's file `path`, in the target's spelling) is left to a person.

    `guard` is the stable id of the rule.
    """

    guard: str
    path: RepoPath
    number: int
    why: str


Guard = Callable[[Carriage], Iterable[Objection]]
Objections = Mapping[tuple[RepoPath, int], Objection]
