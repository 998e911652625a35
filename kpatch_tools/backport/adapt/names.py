"""A change in the target's words: what the target calls otherwise is renamed before the change is carried."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from kpatch_tools.backport.merge.counterparts import Counterpart, learn, rename
from kpatch_tools.backport.merge.text import Text
from kpatch_tools.patch import FileDiff, Hunk, Line

_WORD = re.compile(rb"[A-Za-z_]\w*")
_FEWEST = 2  # pairs of lines that have to agree


@dataclass(frozen=True, slots=True)
class Renamed:
    """One file's change and its base with the target's names. `names` says why each is believed."""

    diff: FileDiff
    base: bytes
    names: Mapping[bytes, Counterpart]


def rename_file(diff: FileDiff, base: Text, ours: Text) -> Renamed | None:
    """The change with every word of its own lines that the target's file lacks, and has another for; None without."""
    wanted = _own_words(diff.hunks) - set(_WORD.findall(ours.data))
    names = {word: found for word, found in learn(base, ours, wanted).items() if found.votes >= _FEWEST}
    if not names:
        return None
    plain = {word: found.new for word, found in names.items()}
    hunks = tuple(replace(hunk, lines=tuple(_renamed(hunk, plain))) for hunk in diff.hunks)
    return Renamed(replace(diff, hunks=hunks), rename(base.data, plain), names)


def cite(names: Iterable[Counterpart], path: str) -> str:
    """What was renamed and why, for a reason.

    >>> cite([Counterpart(b"lock_all", b"lock_each", 3, 4, 17)], "a.c")
    'the target says lock_each for lock_all (3 of 4 lines that differ say so, the first is a.c:17 upstream)'
    """
    return "; ".join(
        f"the target says {one.new.decode()} for {one.old.decode()}"
        f" ({one.votes} of {one.total} lines that differ say so, the first is {path}:{one.line} upstream)"
        for one in names
    )


def names_used(hunk: Hunk, names: Mapping[bytes, Counterpart]) -> tuple[Counterpart, ...]:
    """Those of `names` that stand in the hunk's own lines."""
    own = _own_words((hunk,))
    return tuple(found for word, found in names.items() if word in own)


def _own_words(hunks: Iterable[Hunk]) -> set[bytes]:
    return {word for hunk in hunks for line in hunk.lines if line.kind != " " for word in _WORD.findall(line.text)}


def _renamed(hunk: Hunk, names: Mapping[bytes, bytes]) -> Iterator[Line]:
    return (replace(line, text=rename(line.text, names)) for line in hunk.lines)
