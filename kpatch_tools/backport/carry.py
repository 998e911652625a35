"""One file of a change carried to the target's version of it: merged whole where that works, else hunk by hunk."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.patch import FileDiff, Hunk
from kpatch_tools.tree import merge_blobs

from .guards import Objection
from .merge import settle
from .merge.edits import apply_edits, hunk_edits
from .merge.verbatim import ALREADY
from .outcome import HunkResult
from .place import apply_at, find_places, old_index, split_lines


@dataclass(frozen=True, slots=True)
class Versions:
    """The three versions of one file: upstream before the change, the target's, upstream after it.

    `base` and `theirs` are None where upstream's blobs are not at hand (a bare patch), and where there is no such file.
    """

    base: bytes | None
    ours: bytes | None
    theirs: bytes | None


@dataclass(frozen=True, slots=True)
class CarriedFile:
    """`data` is the complete new content; None deletes the file, or leaves it absent."""

    path: RepoPath
    data: bytes | None
    hunks: tuple[HunkResult, ...]


def carry_file(
    diff: FileDiff, path: RepoPath, versions: Versions, objections: Mapping[int, Objection] | None = None
) -> CarriedFile:
    """Carry one file's hunks to `path` in the target, but for those (by number, 1-based) that are objected to."""
    if not objections:
        return _carry(diff, path, versions)
    refused = {number: _refusal(path, number, one) for number, one in objections.items()}
    kept = [number for number in range(1, len(diff.hunks) + 1) if number not in refused]
    if not kept or diff.old_path is None or diff.new_path is None:
        others = tuple(HunkResult(path, n, HunkClass.NEEDS_HUMAN, "as the others of its file") for n in kept)
        return CarriedFile(path, versions.ours, _in_order((*refused.values(), *others)))
    hunks = tuple(diff.hunks[number - 1] for number in kept)
    theirs = None
    if versions.base is not None:
        edits = (edit for number, hunk in enumerate(hunks, start=1) for edit in hunk_edits(number, hunk))
        theirs = b"".join(apply_edits(split_lines(versions.base), edits))
    carried = _carry(replace(diff, hunks=hunks), path, replace(versions, theirs=theirs))
    others = tuple(replace(one, number=kept[one.number - 1]) for one in carried.hunks)
    return replace(carried, hunks=_in_order((*refused.values(), *others)))


def _refusal(path: RepoPath, number: int, objection: Objection) -> HunkResult:
    return HunkResult(path, number, HunkClass.NEEDS_HUMAN, objection.why, guard=objection.guard)


def _in_order(hunks: tuple[HunkResult, ...]) -> tuple[HunkResult, ...]:
    return tuple(sorted(hunks, key=lambda one: one.number))


def _carry(diff: FileDiff, path: RepoPath, versions: Versions) -> CarriedFile:
    if diff.old_path is None:
        return _add(diff, path, versions)
    if diff.new_path is None:
        return _delete(diff, path, versions)
    if versions.ours is None:
        return _refuse(diff, path, None, "the target has no such file")
    if diff.binary:
        return _replace_whole(diff, path, versions)
    carried = _merge_whole(diff, path, versions) or _settle(diff, path, versions) or _apply_hunks(diff, path, versions)
    moved = path != diff.new_path
    return replace(carried, hunks=tuple(_as_moved(hunk) for hunk in carried.hunks)) if moved else carried


def _as_moved(hunk: HunkResult) -> HunkResult:
    if hunk.kind > HunkClass.MOVED:
        return hunk
    return replace(hunk, kind=HunkClass.MOVED, why="the same lines in the file of the target's name")


def _results(
    diff: FileDiff, path: RepoPath, kind: HunkClass, why: str, line: int | None = None
) -> tuple[HunkResult, ...]:
    return tuple(HunkResult(path, number, kind, why, line) for number in range(1, max(1, len(diff.hunks)) + 1))


def refuse_file(diff: FileDiff, path: RepoPath, why: str) -> tuple[HunkResult, ...]:
    """All of a file's hunks left to a person."""
    return _results(diff, path, HunkClass.NEEDS_HUMAN, why)


def _refuse(diff: FileDiff, path: RepoPath, data: bytes | None, why: str) -> CarriedFile:
    return CarriedFile(path, data, _results(diff, path, HunkClass.NEEDS_HUMAN, why))


def _add(diff: FileDiff, path: RepoPath, versions: Versions) -> CarriedFile:
    data = versions.theirs
    if data is None and diff.binary:
        return _refuse(diff, path, versions.ours, "a binary file whose contents are not at hand")
    if data is None:
        data = b"".join(line for hunk in diff.hunks for line in hunk.new_lines)
    if versions.ours is None:
        return CarriedFile(path, data, _results(diff, path, HunkClass.EXACT, "a new file", 1))
    if versions.ours == data:
        return CarriedFile(path, data, _results(diff, path, HunkClass.EXACT, "the target has this very file", 1))
    return _refuse(diff, path, versions.ours, "the change adds this file, and the target has another of that name")


def _delete(diff: FileDiff, path: RepoPath, versions: Versions) -> CarriedFile:
    if versions.ours is None:
        return CarriedFile(path, None, _results(diff, path, HunkClass.DROPPED, "the target has no such file to delete"))
    base = (
        versions.base if versions.base is not None else b"".join(line for hunk in diff.hunks for line in hunk.old_lines)
    )
    if versions.ours == base:
        return CarriedFile(path, None, _results(diff, path, HunkClass.EXACT, "the file is deleted"))
    return _refuse(diff, path, versions.ours, "the change deletes this file, and the target's version differs")


def _replace_whole(diff: FileDiff, path: RepoPath, versions: Versions) -> CarriedFile:
    """A binary file is taken as a whole, or not at all."""
    if versions.theirs is not None and versions.ours in (versions.base, versions.theirs):
        results = _results(diff, path, HunkClass.EXACT, "a binary file, replaced as a whole")
        return CarriedFile(path, versions.theirs, results)
    return _refuse(diff, path, versions.ours, "a binary file, and the target's version differs")


def _merge_whole(diff: FileDiff, path: RepoPath, versions: Versions) -> CarriedFile | None:
    if versions.base is None or versions.ours is None or versions.theirs is None:
        return None
    merged = merge_blobs(versions.base, versions.ours, versions.theirs)
    if merged.conflicts:
        return None
    ours, result = split_lines(versions.ours), split_lines(merged.data)
    hunks = [_classify(diff, path, number, hunk, ours, result) for number, hunk in enumerate(diff.hunks, start=1)]
    if not hunks:
        hunks = list(_results(diff, path, HunkClass.EXACT, "mode or name only"))
    return CarriedFile(path, merged.data, tuple(hunks))


def _classify(
    diff: FileDiff, path: RepoPath, number: int, hunk: Hunk, ours: list[bytes], result: list[bytes]
) -> HunkResult:
    """What a clean three-way merge did with one hunk."""
    standing = find_places(list(hunk.new_lines), result)
    line = standing[0] + 1 if standing else None
    if len(find_places(list(hunk.old_lines), ours)) == 1 and len(standing) == 1:
        return HunkResult(path, number, HunkClass.EXACT, "context and lines as upstream", line)
    if standing and not find_places(list(hunk.old_lines), ours) and find_places(list(hunk.new_lines), ours):
        return HunkResult(path, number, HunkClass.EXACT, ALREADY, line)
    return HunkResult(path, number, HunkClass.MERGED, "a three-way merge without conflict; its context differs", line)


def _settle(diff: FileDiff, path: RepoPath, versions: Versions) -> CarriedFile | None:
    if versions.base is None or versions.ours is None or b"\0" in versions.base + versions.ours:
        return None
    return CarriedFile(path, *settle(diff, path, versions.base, versions.ours))


def _apply_hunks(diff: FileDiff, path: RepoPath, versions: Versions) -> CarriedFile:
    """A bare patch, hunk by hunk: those that go on are kept, the others are named."""
    assert versions.ours is not None
    current = versions.ours
    results: list[HunkResult] = []
    grown = 0
    for number, hunk in enumerate(diff.hunks, start=1):
        data, result = _apply_hunk(path, number, hunk, current, grown)
        grown += data.count(b"\n") - current.count(b"\n")
        current = data
        results.append(result)
    return CarriedFile(path, current, tuple(results))


def _apply_hunk(path: RepoPath, number: int, hunk: Hunk, current: bytes, grown: int) -> tuple[bytes, HunkResult]:
    lines = split_lines(current)
    places = find_places(list(hunk.old_lines), lines)
    if len(places) > 1 and old_index(hunk) + grown in places:
        places = [old_index(hunk) + grown]  # where it says that it belongs
    if len(places) == 1:
        data = b"".join(apply_at(lines, places[0], hunk))
        return data, HunkResult(path, number, HunkClass.EXACT, "context and lines as upstream", places[0] + 1)
    there = find_places(list(hunk.new_lines), lines)
    if there and not places:
        return current, HunkResult(path, number, HunkClass.EXACT, ALREADY, there[0] + 1)
    why = "its lines stand in several places" if places else "the lines around it differ in the target"
    return current, HunkResult(path, number, HunkClass.NEEDS_HUMAN, why)
