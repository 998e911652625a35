"""How one edit compares with another, as git range-diff would have a person see it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath

from .values import FileDiff

Lines = Counter[tuple[str, bytes]]
"""Changed lines as (`+` or `-`, text)."""


@dataclass(frozen=True, slots=True)
class FileComparison:
    """One file of either side. Counts are of changed lines: `equal` in the same file (under the target's name), `moved`
    in another one; `missing` and `extra` are the lines that only upstream, and only the result, has."""

    path: RepoPath
    equal: int
    moved: int
    missing: tuple[tuple[str, bytes], ...]
    extra: tuple[tuple[str, bytes], ...]


def compare_edits(
    upstream: Iterable[FileDiff], result: Iterable[FileDiff], renamed: Mapping[RepoPath, RepoPath]
) -> tuple[FileComparison, ...]:
    """By the target's paths, upstream's first, then those that only the result touches."""
    theirs = {renamed.get(file.path, file.path): _lines(file) for file in upstream}
    ours = {file.path: _lines(file) for file in result}
    elsewhere: Lines = Counter()
    for path, lines in ours.items():
        elsewhere += lines - theirs.get(path, Counter())
    taken: Lines = Counter()
    found = {}
    for path, lines in theirs.items():
        here = lines & ours.get(path, Counter())
        moved = (lines - here) & (elsewhere - taken)
        taken += moved
        found[path] = (here.total(), moved.total(), lines - here - moved)
    rows = []
    for path in dict.fromkeys((*theirs, *ours)):
        equal, moved_here, missing = found.get(path, (0, 0, Counter()))
        extra = ours.get(path, Counter()) - theirs.get(path, Counter())
        came = extra & taken
        taken -= came
        rows.append(
            FileComparison(path, equal, moved_here, tuple(missing.elements()), tuple((extra - came).elements()))
        )
    return tuple(rows)


def _lines(file: FileDiff) -> Lines:
    return Counter((line.kind, line.text) for hunk in file.hunks for line in hunk.lines if line.kind != " ")
