"""Hunks whose code lives in another file of the target: carried there."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kpatch_tools.backport.merge.edits import hunk_edits
from kpatch_tools.backport.merge.settle import Rule
from kpatch_tools.backport.merge.text import Text
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff

from .homes import Home, block_of, choose_home, find_homes
from .some import Settled, settle_some


def carry_home(
    diff: FileDiff, numbers: frozenset[int], path: RepoPath, base: bytes, target: BlobSource, rules: Sequence[Rule]
) -> Iterator[tuple[RepoPath, Settled]]:
    """The hunks of `numbers` that could be carried to other files than `path`, file by file."""
    text = Text.of(diff.old_path or path, base)
    places: dict[RepoPath, set[int]] = {}
    strays = set()
    for number in sorted(numbers):
        home = _home(diff, number, text, path, target)
        if home is None:
            strays.add(number)
        else:
            places.setdefault(home.path, set()).add(number)
    if len(places) == 1:
        # What stands between the functions goes where these have gone.
        next(iter(places.values())).update(strays)
    for home_path, chosen in places.items():
        ours = target.read(home_path)
        assert ours is not None, "it was found there"
        yield home_path, _as_moved(settle_some(diff, chosen, home_path, base, ours, rules), home_path)


def _home(diff: FileDiff, number: int, text: Text, path: RepoPath, target: BlobSource) -> Home | None:
    """Where the first named block that the hunk edits lives; None in `path` itself, or nowhere to be sure of."""
    for edit in hunk_edits(number, diff.hunks[number - 1]):
        block = block_of(edit, text)
        if block is not None:
            home = choose_home(find_homes(block, text, target))
            return None if home is None or home.path == path else home
    return None


def _as_moved(settled: Settled, home: RepoPath) -> Settled:
    hunks = {}
    for number, one in settled.hunks.items():
        why = f"its code lives in {home} in the target; {one.why}"
        hunks[number] = replace(one, kind=max(one.kind, HunkClass.MOVED), why=why)
    return Settled(settled.data, hunks)
