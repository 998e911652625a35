"""Some of a file's hunks settled, with upstream's numbers kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from kpatch_tools.backport.merge import settle
from kpatch_tools.backport.merge.settle import Rule
from kpatch_tools.backport.outcome import HunkResult
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.patch import FileDiff


@dataclass(frozen=True, slots=True)
class Settled:
    """`data` is the file with what could be done; `hunks` by upstream's number of each that was asked for."""

    data: bytes
    hunks: Mapping[int, HunkResult]

    @property
    def failed(self) -> tuple[int, ...]:
        return tuple(number for number, hunk in self.hunks.items() if hunk.kind is HunkClass.NEEDS_HUMAN)


def settle_some(
    diff: FileDiff, base: bytes, numbers: Collection[int], path: RepoPath, ours: bytes, rules: Sequence[Rule]
) -> Settled:
    """The hunks of `numbers` (1-based) carried to `path`, by `rules` where no other way is found."""
    chosen = [number for number in range(1, len(diff.hunks) + 1) if number in numbers]
    part = replace(diff, hunks=tuple(diff.hunks[number - 1] for number in chosen))
    data, results = settle(part, path, base, ours, further=rules)
    return Settled(data, {number: replace(one, number=number) for number, one in zip(chosen, results, strict=True)})
