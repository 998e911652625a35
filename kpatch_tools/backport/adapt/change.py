"""A change that was carried in part: what was left to a person is tried again, with what the target calls and has."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kpatch_tools.backport.change import Change
from kpatch_tools.backport.merge.text import Text
from kpatch_tools.backport.outcome import HunkResult, Pick
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.patch import FileDiff

from .absent import drop_absent, why_file_absent
from .moved import carry_home
from .names import cite, names_used, rename_file
from .some import settle_some
from .woven import place_woven


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the change with hunks that need a person. `path` is the target's name of it."""

    diff: FileDiff
    path: RepoPath
    base: bytes


def adapt_change(change: Change, target: BlobSource, pick: Pick) -> Pick:
    """`pick`, in which the hunks that need a person are adapted, moved or left out where that can be argued for.

    Pure; what cannot be done stays as it is. A bare patch is returned as it came: it has no version to learn from.
    """
    if pick.clean or change.before is None:
        return pick
    files = [found for file in change.files if (found := _readable(file, change.before, pick)) is not None]
    for step in (_in_place, _elsewhere, _dropped):
        for file in files:
            needy = _needy(pick, file.path)
            if needy:
                pick = step(file, needy, target, pick)
    return pick


def _readable(file: FileDiff, before: BlobSource, pick: Pick) -> _File | None:
    """A file whose text is changed, and was there before; None for any other."""
    if file.old_path is None or file.new_path is None or file.binary:
        return None
    base = before.read(file.old_path)
    path = pick.renamed.get(file.new_path, file.new_path)
    return None if base is None or b"\0" in base else _File(file, path, base)


def _needy(pick: Pick, path: RepoPath) -> frozenset[int]:
    return frozenset(one.number for one in pick.hunks if one.file == path and one.kind is HunkClass.NEEDS_HUMAN)


def _in_place(file: _File, needy: frozenset[int], target: BlobSource, pick: Pick) -> Pick:
    """In the same file: with the target's names, and word by word."""
    ours = target.read(file.path)
    if ours is None or b"\0" in ours:
        return pick
    base = Text.of(file.path, file.base)
    renamed = rename_file(file.diff, base, Text.of(file.path, ours))
    numbers = range(1, len(file.diff.hunks) + 1)
    if renamed is None:
        settled = settle_some(file.diff, numbers, file.path, file.base, ours, (place_woven,))
        return _with(pick, file.path, settled.data, settled.hunks)
    settled = settle_some(renamed.diff, numbers, file.path, renamed.base, ours, (place_woven,))
    hunks = dict(settled.hunks)
    for number, one in settled.hunks.items():
        used = names_used(file.diff.hunks[number - 1], renamed.names)
        if used and one.kind is not HunkClass.NEEDS_HUMAN:
            why = cite(used, file.path) + (f"; {one.why}" if one.kind is HunkClass.ADAPTED else "")
            hunks[number] = replace(one, kind=HunkClass.ADAPTED, why=why)
    return _with(pick, file.path, settled.data, hunks)


def _elsewhere(file: _File, needy: frozenset[int], target: BlobSource, pick: Pick) -> Pick:
    """In another file of the target, where the code lives."""
    whole = Overlay(target, pick.changes)
    for home, settled in carry_home(file.diff, needy, file.path, file.base, whole, (place_woven,)):
        done = {number: one for number, one in settled.hunks.items() if number not in settled.failed}
        pick = _with(pick, home, settled.data, done, was=file.path)
    return pick


def _dropped(file: _File, needy: frozenset[int], target: BlobSource, pick: Pick) -> Pick:
    """Not at all, where the code is absent."""
    ours = target.read(file.path)
    if ours is not None:
        settled = settle_some(
            file.diff,
            range(1, len(file.diff.hunks) + 1),
            file.path,
            file.base,
            ours,
            (place_woven, drop_absent(target)),
        )
        dropped = {number: settled.hunks[number] for number in needy if number not in settled.failed}
        return pick if not dropped else _with(pick, file.path, settled.data, settled.hunks)
    why = why_file_absent(Text.of(file.path, file.base), target, file.path.rpartition("/")[0])
    if why is None:
        return pick
    return _with(pick, file.path, None, {n: HunkResult(file.path, n, HunkClass.DROPPED, why) for n in needy})


def _with(
    pick: Pick, path: RepoPath, data: bytes | None, hunks: Mapping[int, HunkResult], *, was: RepoPath | None = None
) -> Pick:
    """`pick` with other results for these hunks of a file (that `was` called so), and its contents; None adds none."""
    changes = dict(pick.changes) if data is None else {**pick.changes, path: data}
    of = was or path
    results = tuple(hunks.get(one.number, one) if one.file == of else one for one in pick.hunks)
    return replace(pick, changes=changes, hunks=results)
