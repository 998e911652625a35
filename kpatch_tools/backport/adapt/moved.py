"""Hunks whose code lives in another file of the target: carried there."""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from kpatch_tools.backport.lines import normal_line
from kpatch_tools.backport.merge.edits import hunk_edits
from kpatch_tools.backport.merge.settle import Rule
from kpatch_tools.backport.merge.text import Text, is_weak
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import FileDiff, Hunk

from .homes import block_of, choose_home, find_alike, find_homes, identifier
from .names import Name, names_used, put_names
from .some import Settled, settle_some
from .surroundings import Surroundings

_FEWEST = 3  # lines that say something: a hunk of fewer may stand anywhere


@dataclass(slots=True)
class _Place:
    """What goes to one file: upstream's hunks by number, and the blocks that are called otherwise there."""

    numbers: set[int] = field(default_factory=set)
    names: dict[bytes, Name] = field(default_factory=dict)


def carry_home(
    diff: FileDiff,
    numbers: frozenset[int],
    path: RepoPath,
    base: bytes,
    target: BlobSource,
    around: Surroundings,
    rules: Sequence[Rule],
) -> Iterator[tuple[RepoPath, Settled]]:
    """The hunks of `numbers` that could be carried to other files of `target` than `path`, file by file."""
    text = Text.of(diff.old_path or path, base)
    places: dict[RepoPath, _Place] = {}
    strays = set()
    for number in sorted(numbers):
        found = _home(diff, number, text, path, around)
        if found is None:
            strays.add(number)
            continue
        there, name = found
        place = places.setdefault(there, _Place())
        place.numbers.add(number)
        if name is not None:
            place.names[name.old] = name
    if len(places) == 1:
        # What stands between the functions goes where these have gone.
        next(iter(places.values())).numbers.update(strays)
    for there, place in places.items():
        ours = target.read(there)
        assert ours is not None, "it was found there"
        settled = settle_some(*put_names(diff, base, place.names), place.numbers, there, ours, rules)
        yield there, _as_moved(settled, there, diff, place)


def _home(
    diff: FileDiff, number: int, text: Text, path: RepoPath, around: Surroundings
) -> tuple[RepoPath, Name | None] | None:
    """Where the first block that the hunk edits lives, and what it is called there if otherwise.

    None in `path` itself, or nowhere to be sure of.
    """
    hunk = diff.hunks[number - 1]
    block = next((one for edit in hunk_edits(number, hunk) if (one := block_of(edit, text)) is not None), None)
    if block is None:
        there = _file_with(hunk, path, around)
        return None if there is None else (there, None)
    home = choose_home(find_homes(block, text, around, path))
    if home is not None:
        return None if home.path == path else (home.path, None)
    home = choose_home(find_alike(block, text, around.inside(posixpath.dirname(path))), named=False)
    if home is None or home.path == path:
        return None
    old, new = identifier(block), identifier(home.block)
    if old is None or new is None:
        return None
    return home.path, Name(old, new, f"{home.alike:.0%} of their lines are the same")


def _file_with(hunk: Hunk, path: RepoPath, around: Surroundings) -> RepoPath | None:
    """The one other file of the folder in which the hunk's old lines stand, once, if they say enough."""
    wanted = [normal_line(line) for line in hunk.old_lines]
    if sum(not is_weak(line) for line in wanted) < _FEWEST:
        return None
    others = (text for text in around.inside(posixpath.dirname(path)) if text.path != path)
    found = [text.path for text in others if len(text.find(wanted)) == 1]
    return found[0] if len(found) == 1 else None


def _as_moved(settled: Settled, home: RepoPath, diff: FileDiff, place: _Place) -> Settled:
    hunks = {}
    for number, one in settled.hunks.items():
        names = names_used(diff.hunks[number - 1], place.names)
        least = HunkClass.ADAPTED if names else HunkClass.MOVED
        calls = "".join(f"; {name}" for name in place.names.values())
        why = f"its code lives in {home} in the target{calls}; {one.why}"
        hunks[number] = replace(one, kind=max(one.kind, least), why=why)
    return Settled(settled.data, hunks)
