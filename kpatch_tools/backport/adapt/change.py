"""A change that was carried in part: what was left to a person is tried again, with what the target calls and has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kpatch_tools.backport.change import Change
from kpatch_tools.backport.guards.identifiers import ID as NAMES_KNOWN
from kpatch_tools.backport.merge.text import Text
from kpatch_tools.backport.outcome import HunkResult, Pick
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.patch import FileDiff

from .absent import drop_absent, why_file_absent
from .deleted import delete_alike
from .guarded import Refused, find_refused
from .missing import drop_missing
from .moved import carry_home
from .names import learn_names, names_used, put_names
from .some import settle_some
from .surroundings import Surroundings
from .woven import place_woven

Barred = frozenset[int]
"""Upstream's numbers of one file's hunks that are refused."""


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the change that may be adapted. `path` is the target's name of it."""

    diff: FileDiff
    path: RepoPath
    base: bytes


def adapt_change(change: Change, target: BlobSource, pick: Pick) -> Pick:
    """`pick`, in which the hunks that need a person are adapted, moved or left out where that can be argued for.

    Pure; what cannot be done stays as it is, and so does what a guard objects to. A bare patch is returned as it came:
    it has no version to learn from.
    """
    if pick.clean or change.before is None:
        return pick
    pick = delete_alike(change, change.before, target, pick)
    files = [found for file in change.files if (found := _readable(file, change.before, pick)) is not None]
    around = Surroundings(target)
    # Names may be adapted; what another guard refused would only come back as it was.
    refused: Refused = frozenset((one.file, one.number) for one in pick.hunks if one.guard not in ("", NAMES_KNOWN))
    while True:
        adapted = _adapt(files, around, pick, refused)
        more = find_refused(change, target, pick, adapted)
        if not more:
            return adapted
        refused |= more


def _readable(file: FileDiff, before: BlobSource, pick: Pick) -> _File | None:
    """A file whose text is changed, and was there before; None for any other."""
    if file.old_path is None or file.new_path is None or file.binary:
        return None
    base = before.read(file.old_path)
    path = pick.renamed.get(file.new_path, file.new_path)
    return None if base is None or b"\0" in base else _File(file, path, base)


def _adapt(files: Sequence[_File], around: Surroundings, pick: Pick, refused: Refused) -> Pick:
    """One attempt that leaves the refused hunks alone."""
    for step in (_in_place, _elsewhere, _without_file):
        for file in files:
            barred = frozenset(number for path, number in refused if path == file.path)
            pick = step(file, barred, around, pick)
    return pick


def _needy(pick: Pick, file: _File) -> frozenset[int]:
    return frozenset(one.number for one in pick.hunks if one.file == file.path and one.kind is HunkClass.NEEDS_HUMAN)


def _in_place(file: _File, barred: Barred, around: Surroundings, pick: Pick) -> Pick:
    """In the same file: with the target's names, word by word, and without what the target does not have."""
    ours, needy = around.target.read(file.path), _needy(pick, file)
    if not needy or ours is None or b"\0" in ours:
        return pick
    names = learn_names(file.diff, Text.of(file.path, file.base), Text.of(file.path, ours))
    diff, base = put_names(file.diff, file.base, names)
    numbers = [number for number in range(1, len(diff.hunks) + 1) if number not in barred]
    settled = settle_some(diff, base, numbers, file.path, ours, (place_woven, drop_missing, drop_absent(around)))
    if all(settled.hunks[number].kind is HunkClass.NEEDS_HUMAN for number in needy - barred):
        return pick
    hunks = {}
    for number, one in settled.hunks.items():
        used = names_used(file.diff.hunks[number - 1], names)
        if used and one.kind not in (HunkClass.NEEDS_HUMAN, HunkClass.DROPPED):
            reasons = [str(name) for name in used] + ([one.why] if one.kind is HunkClass.ADAPTED else [])
            one = replace(one, kind=HunkClass.ADAPTED, why="; ".join(reasons))
        hunks[number] = one
    return _with(pick, file, file.path, settled.data, hunks)


def _elsewhere(file: _File, barred: Barred, around: Surroundings, pick: Pick) -> Pick:
    """In another file of the target, where the code lives."""
    needy = _needy(pick, file) - barred
    whole = Overlay(around.target, pick.changes)
    for home, settled in carry_home(file.diff, needy, file.path, file.base, whole, around, (place_woven,)):
        done = {number: one for number, one in settled.hunks.items() if one.kind is not HunkClass.NEEDS_HUMAN}
        pick = _with(pick, file, home, settled.data, done) if done else pick
    return pick


def _without_file(file: _File, barred: Barred, around: Surroundings, pick: Pick) -> Pick:
    """Not at all, where the target has neither the file nor its code."""
    needy = _needy(pick, file) - barred
    if not needy or around.target.read(file.path) is not None:
        return pick
    why = why_file_absent(Text.of(file.path, file.base), around)
    if why is None:
        return pick
    dropped = {number: HunkResult(file.path, number, HunkClass.DROPPED, why) for number in needy}
    return _with(pick, file, file.path, None, dropped)


def _with(pick: Pick, file: _File, path: RepoPath, data: bytes | None, hunks: Mapping[int, HunkResult]) -> Pick:
    """`pick` with other results for some of a file's hunks, and new contents of the one at `path` if there are any."""
    changes = dict(pick.changes) if data is None else {**pick.changes, path: data}
    results = tuple(hunks.get(one.number, one) if one.file == file.path else one for one in pick.hunks)
    return replace(pick, changes=changes, hunks=results)
