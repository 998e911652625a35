"""Which upstream commits made a conflict: they brought lines around it that the target lacks, or took some it has.

The lines at which the two versions differ there are looked for in what each commit of the file between them did. So a
commit that changed another part of the file is not considered, and one that only moved the lines' neighbours is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import Hunk
from kpatch_tools.tree import CommitData, LineHunk, diff_lines

from .change import Change
from .history import MOST_FILES, read_change
from .lines import normal_line
from .outcome import HunkResult
from .past import Past
from .place import find_places, old_index, split_lines
from .plain import merge_plainly
from .sites import is_strong

RARE = 2
"""A line that stands in a file more often than this tells nothing by itself (`return 0;`)."""
DEEP = 5
"""So many times the commits that made the conflict of one that is needed are looked for in turn."""
MOST = 48
"""More commits than this nobody takes to get another one in."""


@dataclass(frozen=True, slots=True)
class Differences:
    """How upstream's file, by its own name, and the target's differ around hunks; lines normalised."""

    file: RepoPath
    came: frozenset[bytes]
    went: frozenset[bytes]

    def __bool__(self) -> bool:
        return bool(self.came or self.went)


Hunks = Mapping[RepoPath, Sequence[Hunk]]
"""By upstream's name of the file; without any hunk where it is about the file as a whole."""


def find_explaining(
    past: Past,
    change: Change,
    hunks: Hunks,
    *,
    target: ObjectId,
    source: BlobSource,
    renamed: Mapping[RepoPath, RepoPath],
) -> Iterator[CommitData]:
    """The commits between the target and upstream's version before `change` that made the conflict at `hunks`."""
    if change.commit is None or change.before is None:
        return
    parent = past.tree.commit(change.commit).parents[0]
    for path, places in hunks.items():
        base, ours = change.before.read(path), source.read(renamed.get(path, path))
        if base is None:
            continue
        differences = find_differences(path, base, ours, places) if ours is not None else None
        for commit in past.between(target, parent, [path]):
            before, after = past.tree.at(commit.parents[0]).read(path), past.tree.at(commit.tree).read(path)
            if differences is None:
                if before is None:
                    yield commit  # the target lacks the file, and this one brought it
            elif explains(differences, before or b"", after or b""):
                yield commit


def close_over(
    past: Past,
    commits: Iterable[CommitData],
    *,
    target: ObjectId,
    source: BlobSource,
    renamed: Mapping[RepoPath, RepoPath],
) -> tuple[Change, ...]:
    """These commits, and in turn those that made the conflicts of one of them: parents first, at most `MOST`."""
    found: dict[ObjectId, Change] = {}
    waiting = list(commits)
    for _ in range(DEEP):
        new: list[Change] = []
        for commit in waiting:
            if commit.oid in found or len(found) >= MOST or len(past.tree.touched_paths(commit)) > MOST_FILES:
                continue
            change = found[commit.oid] = read_change(past.tree, commit)
            if merge_plainly(change, source, renamed=renamed) is None:
                new.append(change)
        waiting = [
            commit
            for change in new
            for commit in find_explaining(
                past,
                change,
                foreign_hunks(change, source, renamed),
                target=target,
                source=source,
                renamed=renamed,
            )
        ]
    return tuple(found[oid] for oid in past.in_order(found))


def left_hunks(change: Change, results: Iterable[HunkResult], renamed: Mapping[RepoPath, RepoPath]) -> Hunks:
    """The hunks of a change that were left to a person."""
    needy = {(one.file, one.number) for one in results if one.kind is HunkClass.NEEDS_HUMAN}
    left: dict[RepoPath, Sequence[Hunk]] = {}
    for file in change.files:
        path = file.old_path or file.new_path
        there = file.new_path or file.old_path
        if path is None or there is None or not any(name == renamed.get(there, there) for name, _ in needy):
            continue
        numbered = enumerate(file.hunks, start=1)
        left[path] = tuple(hunk for number, hunk in numbered if (renamed.get(there, there), number) in needy)
    return left


def foreign_hunks(change: Change, source: BlobSource, renamed: Mapping[RepoPath, RepoPath]) -> Hunks:
    """The hunks of a change whose lines before it stand nowhere in the target's file."""
    foreign: dict[RepoPath, Sequence[Hunk]] = {}
    for file in change.files:
        path = file.old_path or file.new_path
        if path is None:
            continue
        data = source.read(renamed.get(path, path))
        lines = split_lines(data or b"")
        hunks = tuple(hunk for hunk in file.hunks if not find_places(list(hunk.old_lines), lines))
        if hunks or (data is None and file.old_path is not None):
            foreign[path] = hunks
    return foreign


def find_differences(file: RepoPath, base: bytes, ours: bytes, hunks: Sequence[Hunk]) -> Differences:
    """What differs within the hunks' lines and their context; where nothing does there, in the whole file."""
    parts = diff_lines(ours, base, context=0)
    near = [part for part in parts if any(_touches(part, hunk) for hunk in hunks)]
    counts = (_counted(base), _counted(ours))
    found = _telling(file, near, *counts)
    return found or _telling(file, parts, *counts)


def _touches(part: LineHunk, hunk: Hunk) -> bool:
    low = old_index(hunk)
    start = part.new_start - 1 if part.new_count else part.new_start
    return start <= low + hunk.old_count and start + part.new_count >= low


def _counted(data: bytes) -> Counter[bytes]:
    return Counter(map(normal_line, data.split(b"\n")))


def _telling(file: RepoPath, parts: Iterable[LineHunk], base: Counter[bytes], ours: Counter[bytes]) -> Differences:
    """The lines that tell by themselves who brought or took them."""
    came, went = set(), set()
    for part in parts:
        for kind, text, _ in part.lines:
            line = normal_line(text)
            if kind == b"+" and is_strong(line) and base[line] <= RARE:
                came.add(line)
            elif kind == b"-" and is_strong(line) and ours[line] <= RARE:
                went.add(line)
    return Differences(file, frozenset(came), frozenset(went))


def explains(differences: Differences, before: bytes, after: bytes) -> bool:
    """Whether what was done to a file brought any line that came, or took any that went."""
    for part in diff_lines(before, after, context=0):
        for kind, text, _ in part.lines:
            if normal_line(text) in (differences.came if kind == b"+" else differences.went):
                return True
    return False
