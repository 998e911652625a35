"""Where a function, struct or initialiser of upstream's lives in the target: by its name, else by its lines."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from kpatch_tools.backport.merge.blocks import Block
from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.backport.merge.text import Text, is_weak
from kpatch_tools.core.ids import RepoPath

from .surroundings import Surroundings, subsystem

_NAMED = 0.25  # of the lines that say something: two of one name may be two things (static functions of two drivers)
_UNNAMED = 0.5
_CLEARLY = 0.15  # by which the best must be ahead of the next
_FEWEST = 3  # lines that say something; fewer do not tell one unnamed block from another


@dataclass(frozen=True, slots=True)
class Home:
    """The target's block that stands for upstream's. `alike` is how much of the two is the same: 0 to 1."""

    path: RepoPath
    block: Block
    alike: float


def block_of(edit: Edit, text: Text) -> Block | None:
    """The block of upstream's that an edit stands in; None if it stands in none."""
    first, last = (edit.first - 1, edit.first) if edit.is_insertion else (edit.first, edit.last - 1)
    return text.block_at(first, last)


def find_homes(block: Block, base: Text, around: Surroundings, near: RepoPath) -> tuple[Home, ...]:
    """Every block of that name in the part of the tree that `near` is in, the most alike first."""
    named = identifier(block)
    if named is None:
        return ()
    found = [
        Home(other.path, twin, _alike(base, block, other, twin))
        for other in around.containing(named, subsystem(near))
        for twin in other.block_names.get(block.name, ())
    ]
    return tuple(sorted(found, key=lambda home: -home.alike))


def choose_home(homes: tuple[Home, ...], *, named: bool = True) -> Home | None:
    """The one that must be meant; None where none or several may be."""
    if not homes or homes[0].alike < (_NAMED if named else _UNNAMED):
        return None
    if len(homes) > 1 and homes[0].alike - homes[1].alike < _CLEARLY:
        return None
    return homes[0]


def find_alike(block: Block, base: Text, others: Iterable[Text]) -> tuple[Home, ...]:
    """Blocks of `others` with names that upstream's file does not have, the most alike first.

    None for a block that says too little.
    """
    wanted = _strong(base, block)
    if wanted.total() < _FEWEST:
        return ()
    found = [
        Home(other.path, twin, _alike(base, block, other, twin))
        for other in others
        if not wanted.keys().isdisjoint(other.normal)
        for twin in other.blocks
        if _kind(twin) == _kind(block) and twin.name not in base.block_names
    ]
    return tuple(sorted(found, key=lambda home: -home.alike))


def identifier(block: Block) -> bytes | None:
    """The word that a block goes by; None for one whose name has more than a word to it."""
    word = block.name.removesuffix("()").removesuffix(" =").split()[-1]
    return word.encode() if word.isidentifier() else None


def _kind(block: Block) -> str:
    name = block.name
    return "()" if name.endswith("()") else "=" if name.endswith(" =") else name.split()[0]


def _strong(text: Text, block: Block) -> Counter[bytes]:
    return Counter(line for line in text.normal[block.first : block.last + 1] if line and not is_weak(line))


def _alike(base: Text, block: Block, other: Text, twin: Block) -> float:
    here, there = _strong(base, block), _strong(other, twin)
    total = here.total() + there.total()
    return 2 * (here & there).total() / total if total else 1.0
