"""A change in the target's words: what the target calls otherwise is renamed before the change is carried."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from kpatch_tools.backport.merge.counterparts import learn, rename
from kpatch_tools.backport.merge.edits import edits_of
from kpatch_tools.backport.merge.text import Text
from kpatch_tools.patch import FileDiff, Hunk, Line

from .homes import block_of, choose_home, find_alike, identifier

_WORD = re.compile(rb"[A-Za-z_]\w*")
_FEWEST = 2  # pairs of lines that have to agree


@dataclass(frozen=True, slots=True)
class Name:
    """Upstream's `old` is the target's `new`; `why` says by what it is known."""

    old: bytes
    new: bytes
    why: str

    def __str__(self) -> str:
        return f"the target says {self.new.decode()} for {self.old.decode()} ({self.why})"


Names = Mapping[bytes, Name]


def learn_names(diff: FileDiff, base: Text, ours: Text) -> Names:
    """The target's word for each of the change's own words that its version of the file lacks, and of the blocks that
    the change is made in; none where the two versions do not tell.
    """
    wanted = _own_words(diff.hunks) - set(_WORD.findall(ours.data))
    names = {
        word: Name(
            word,
            found.new,
            f"{found.votes} of {found.total} lines that differ say so, the first is {base.path}:{found.line} upstream",
        )
        for word, found in learn(base, ours, wanted).items()
        if found.votes >= _FEWEST
    }
    return names | {name.old: name for name in _renamed_blocks(diff, base, ours)}


def _renamed_blocks(diff: FileDiff, base: Text, ours: Text) -> Iterator[Name]:
    for edit in edits_of(diff):
        block = block_of(edit, base)
        if block is None or block.name in ours.block_names:
            continue
        home = choose_home(find_alike(block, base, (ours,)), named=False)
        old, new = identifier(block), identifier(home.block) if home is not None else None
        if home is not None and old is not None and new is not None:
            yield Name(old, new, f"{home.alike:.0%} of their lines are the same")


def put_names(diff: FileDiff, base: bytes, names: Names) -> tuple[FileDiff, bytes]:
    """The change and what it is made to, in the target's words."""
    if not names:
        return diff, base
    plain = {old: name.new for old, name in names.items()}
    hunks = tuple(replace(hunk, lines=tuple(_renamed(hunk, plain))) for hunk in diff.hunks)
    return replace(diff, hunks=hunks), rename(base, plain)


def names_used(hunk: Hunk, names: Names) -> tuple[Name, ...]:
    """Those of `names` that stand in the hunk's own lines."""
    own = _own_words((hunk,))
    return tuple(names[old] for old in sorted(names.keys() & own))


def _own_words(hunks: Iterable[Hunk]) -> set[bytes]:
    return {word for hunk in hunks for line in hunk.lines if line.kind != " " for word in _WORD.findall(line.text)}


def _renamed(hunk: Hunk, names: Mapping[bytes, bytes]) -> Iterator[Line]:
    return (replace(line, text=rename(line.text, names)) for line in hunk.lines)
