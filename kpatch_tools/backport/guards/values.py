"""What a guard is shown, and what it answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from kpatch_tools.backport.outcome import HunkResult
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff


@dataclass(frozen=True, slots=True)
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
