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
    """Lines, normalised, that one version of a file has and the one before it has not, and the other way round."""

    came: frozenset[bytes]
    went: frozenset[bytes]

    def __bool__(self) -> bool:
        return bool(self.came or self.went)


Hunks = Mapping[RepoPath, Sequence[Hunk]]
"""By upstream's name of the file; without any hunk where it is about the file as a whole."""


class Explaining:
    """Looks for such commits between a target and upstream; remembers what each did to a file."""

    def __init__(
        self,
        past: Past,
        *,
        below: ObjectId,
        target: ObjectId,
        source: BlobSource,
        renamed: Mapping[RepoPath, RepoPath],
    ) -> None:
        """Only commits at or below `below` are considered."""
        self._past = past
        self._top = below
        self._target = target
        self._source = source
        self._renamed = renamed
        self._trails: dict[RepoPath, tuple[CommitData, ...]] = {}
        self._done: dict[tuple[ObjectId, RepoPath], Differences | None] = {}

    def of(self, change: Change, hunks: Hunks) -> Iterator[CommitData]:
        """The commits before `change` that the target lacks and that made the conflict at `hunks`."""
        if change.before is None:
            return
        for path, places in hunks.items():
            base, ours = change.before.read(path), self._source.read(self._renamed.get(path, path))
            if base is None:
                continue
            missing = find_differences(base, ours, places) if ours is not None else None
            for commit in self._trail(path):
                if commit.oid == change.commit:
                    break
                if _made(missing, self._what(commit, path)):
                    yield commit

    def _trail(self, path: RepoPath) -> tuple[CommitData, ...]:
        if path not in self._trails:
            self._trails[path] = tuple(self._past.between(self._target, self._top, [path]))
        return self._trails[path]

    def _what(self, commit: CommitData, path: RepoPath) -> Differences | None:
        """What a commit did to a file; None where it brought it."""
        key = (commit.oid, path)
        if key not in self._done:
            tree = self._past.tree
            before, after = tree.at(commit.parents[0]).read(path), tree.at(commit.tree).read(path)
            self._done[key] = None if before is None else _lines_of(diff_lines(before, after or b"", context=0))
        return self._done[key]

    def close_over(self, commits: Iterable[CommitData]) -> tuple[Change, ...]:
        """These commits, and in turn those that made the conflicts of one of them: parents first, at most `MOST`."""
        tree = self._past.tree
        found: dict[ObjectId, Change] = {}
        waiting = list(commits)
        for _ in range(DEEP):
            new: list[Change] = []
            for commit in waiting:
                if commit.oid in found or len(found) >= MOST or len(tree.touched_paths(commit)) > MOST_FILES:
                    continue
                change = found[commit.oid] = read_change(tree, commit)
                if merge_plainly(change, self._source, renamed=self._renamed) is None:
                    new.append(change)
            if len(found) >= MOST:
                break
            waiting = [one for change in new for one in self.of(change, self._foreign(change))]
        return tuple(found[oid] for oid in self._past.in_order(found))

    def _foreign(self, change: Change) -> Hunks:
        """The hunks of a change whose lines before it stand nowhere in the target's file."""
        foreign: dict[RepoPath, Sequence[Hunk]] = {}
        for file in change.files:
            if file.old_path is None:
                continue
            data = self._source.read(self._renamed.get(file.old_path, file.old_path))
            lines = split_lines(data or b"")
            hunks = tuple(hunk for hunk in file.hunks if not find_places(list(hunk.old_lines), lines))
            if hunks or data is None:
                foreign[file.old_path] = hunks
        return foreign


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


def _made(missing: Differences | None, done: Differences | None) -> bool:
    """Whether a commit made a difference, given what it did; both None where they are about the file as a whole."""
    if missing is None or done is None:
        return done is None
    return bool(done.came & missing.came or done.went & missing.went)


def find_differences(base: bytes, ours: bytes, hunks: Sequence[Hunk]) -> Differences:
    """What differs within the hunks' lines and their context; where nothing does there, in the whole file."""
    parts = diff_lines(ours, base, context=0)
    near = _lines_of(part for part in parts if any(_touches(part, hunk) for hunk in hunks))
    counts = (_counted(base), _counted(ours))
    return _telling(near, *counts) or _telling(_lines_of(parts), *counts)


def _touches(part: LineHunk, hunk: Hunk) -> bool:
    low = old_index(hunk)
    start = part.new_start - 1 if part.new_count else part.new_start
    return start <= low + hunk.old_count and start + part.new_count >= low


def _counted(data: bytes) -> Counter[bytes]:
    return Counter(map(normal_line, data.split(b"\n")))


def _lines_of(parts: Iterable[LineHunk]) -> Differences:
    lines: dict[bytes, set[bytes]] = {b"+": set(), b"-": set()}
    for part in parts:
        for kind, text, _ in part.lines:
            lines[kind].add(normal_line(text))
    return Differences(frozenset(lines[b"+"]), frozenset(lines[b"-"]))


def _telling(all_lines: Differences, base: Counter[bytes], ours: Counter[bytes]) -> Differences:
    """The lines that tell by themselves who brought or took them."""
    came = frozenset(line for line in all_lines.came if is_strong(line) and base[line] <= RARE)
    went = frozenset(line for line in all_lines.went if is_strong(line) and ours[line] <= RARE)
    return Differences(came, went)
