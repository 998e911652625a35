"""Carries a whole change to a target, in memory: the plan first, then its execution."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.patch import FileDiff, obstacle, special_at

from .adapt import adapt_change
from .around import say_what_is_around
from .carry import Versions, carry_file, refuse_file
from .change import Change
from .guards import Carriage, Carried, Objections, find_objections
from .outcome import HunkResult, Pick

PLAIN = 0o100644
SUBMODULE = 0o160000

How = Literal["add", "delete", "merge", "apply-text", "no-such-file"]


@dataclass(frozen=True, slots=True)
class FileStep:
    """What is to be done with one file of the change. `path` is the target's, `upstream` the change's name of it."""

    upstream: RepoPath
    path: RepoPath
    how: How
    hunks: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Printable, and decided without touching anything."""

    steps: tuple[FileStep, ...]


Renames = Mapping[RepoPath, RepoPath]


def plan_change(change: Change, target: BlobSource, *, renamed: Renames | None = None) -> Plan:
    """How each file of `change` is to be carried to `target`; `renamed` maps upstream's paths to the target's."""
    steps = []
    for file in change.files:
        upstream = _path(file)
        path = (renamed or {}).get(upstream, upstream)
        steps.append(FileStep(upstream, path, _how(file, path, change, target), len(file.hunks)))
    return Plan(tuple(steps))


def _how(file: FileDiff, path: RepoPath, change: Change, target: BlobSource) -> How:
    if file.old_path is None:
        return "add"
    if file.new_path is None:
        return "delete"
    if target.read(path) is None:
        return "no-such-file"
    return "merge" if change.before is not None else "apply-text"


def carry_change(
    change: Change,
    target: BlobSource,
    *,
    renamed: Renames | None = None,
    adapting: bool = True,
    guarded: bool = True,
) -> Pick:
    """Put `change` on `target`. What does not go on is NEEDS-HUMAN in the result, never an exception.

    Whatever a guard objects to is left out again, and NEEDS-HUMAN as well; unless `adapting` is False, what is left is
    adapted where that can be argued for. Without guards (`guarded`) it is the text alone that counts.
    """
    renamed = renamed or {}
    pick, files = _carry_files(change, target, renamed, {})
    if not guarded:
        return pick
    objections = find_objections(Carriage(files, target, change.before, change.after))
    if objections:
        pick = _carry_files(change, target, renamed, objections)[0]
    if pick.clean or not adapting:
        return say_what_is_around(change, target, pick)
    adapted = adapt_change(change, target, pick)
    # Of a change of which all is left out nothing is carried: that is for a person to say.
    is_any = any(data != target.read(path) for path, data in adapted.changes.items())
    return say_what_is_around(change, target, adapted if is_any else pick)


def _carry_files(
    change: Change, target: BlobSource, renamed: Renames, objections: Objections
) -> tuple[Pick, tuple[Carried, ...]]:
    changes: dict[RepoPath, bytes | None] = {}
    modes: dict[RepoPath, int] = {}
    hunks: list[HunkResult] = []
    files: list[Carried] = []
    for file in change.files:
        upstream = _path(file)
        path = renamed.get(upstream, upstream)
        moves = file.old_path is not None and file.new_path is not None and file.old_path != file.new_path
        origin = renamed.get(file.old_path, file.old_path) if moves and file.old_path is not None else path
        barred = _barred(file, target, origin, path)
        if barred is not None:
            hunks.extend(refuse_file(file, path, barred))
            continue
        ours = changes[origin] if origin in changes else target.read(origin)
        versions = Versions(_read(change.before, file.old_path), ours, _read(change.after, file.new_path))
        carried = carry_file(file, path, versions, {n: one for (where, n), one in objections.items() if where == path})
        hunks.extend(carried.hunks)
        files.append(Carried(file, path, versions.base, versions.theirs, ours, carried.data, carried.hunks))
        sets_mode = file.new_mode is not None and file.new_mode != (file.old_mode or PLAIN)
        if carried.data != ours or moves or (sets_mode and carried.data is not None):
            changes[path] = carried.data
        if sets_mode and file.new_mode is not None:
            modes[path] = file.new_mode
        if moves and origin != path and carried.data is not None:
            changes[origin] = None
    whole = Overlay(target, dict(changes))
    for file in change.files:
        path = renamed.get(_path(file), _path(file))
        is_new = whole.changes.get(path) is not None and target.read(path) is None
        blocked = obstacle(whole, path) if is_new else None
        if blocked is not None:
            hunks = [one for one in hunks if one.file != path]
            hunks.extend(refuse_file(file, path, f"{blocked} in the target"))
            changes.pop(path)
            modes.pop(path, None)
    moved = {old: new for old, new in renamed.items() if old != new}
    return Pick(changes, tuple(hunks), moved, modes), tuple(files)


def _barred(file: FileDiff, target: BlobSource, *paths: RepoPath) -> str | None:
    """Why a file is not touched at all: links are not followed, and submodules have no contents to carry."""
    if SUBMODULE in (file.old_mode, file.new_mode):
        return "it changes a submodule"
    for path in paths:
        special = special_at(target, path)
        if special is not None:
            return f"{special} in the target"
    return None


def _path(file: FileDiff) -> RepoPath:
    path = file.new_path or file.old_path
    if path is None:
        raise ValueError("a diff that names no file")
    return path


def _read(source: BlobSource | None, path: RepoPath | None) -> bytes | None:
    return source.read(path) if source is not None and path is not None else None
