"""Where a function, struct or initialiser of upstream's lives in the target: by its name, else by its lines."""

import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.backport.merge.blocks import Block
from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.backport.merge.text import Text, is_weak
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.tree import TreeAt

_SOURCES = (".c", ".h", ".S")
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


def find_homes(block: Block, base: Text, target: BlobSource, near: RepoPath) -> tuple[Home, ...]:
    """Every block of that name in the part of the tree that `near` is in, the most alike first.

    The part is the first two folders of the path: a subsystem, or one architecture.
    """
    named = identifier(block)
    if named is None:
        return ()
    found = []
    for path, data in _files_with(target, named, subsystem(near)):
        other = Text.of(path, data)
        found += [Home(path, twin, _alike(base, block, other, twin)) for twin in other.block_names.get(block.name, ())]
    return tuple(sorted(found, key=lambda home: -home.alike))


def choose_home(homes: tuple[Home, ...], *, named: bool = True) -> Home | None:
    """The one that must be meant; None where none or several may be."""
    if not homes or homes[0].alike < (_NAMED if named else _UNNAMED):
        return None
    if len(homes) > 1 and homes[0].alike - homes[1].alike < _CLEARLY:
        return None
    return homes[0]


def find_alike(block: Block, base: Text, target: BlobSource, near: RepoPath) -> tuple[Home, ...]:
    """Blocks with other names in the folder of `near` that upstream does not have by those names, the most alike first.

    None for a block that says too little.
    """
    if sum(_strong(base, block).values()) < _FEWEST:
        return ()
    found = []
    for path, data in files_in(target, posixpath.dirname(near)):
        other = Text.of(path, data)
        if not _strong(base, block).keys() & set(other.normal):
            continue
        others = (one for one in other.blocks if _kind(one) == _kind(block) and one.name not in base.block_names)
        found += [Home(path, twin, _alike(base, block, other, twin)) for twin in others]
    return tuple(sorted(found, key=lambda home: -home.alike))


def subsystem(path: RepoPath) -> str:
    """
    >>> subsystem(RepoPath("drivers/net/wireless/ath/xmit.c")), subsystem(RepoPath("kernel/sched.c"))
    ('drivers/net', 'kernel')
    """
    return "/".join(path.split("/")[:-1][:2])


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


def _files_with(target: BlobSource, needle: bytes, folder: str) -> Iterator[tuple[RepoPath, bytes]]:
    """The source files at or below a folder that contain some bytes."""
    if isinstance(target, Overlay):
        for path, data in target.changes.items():
            if data is not None and path.startswith(f"{folder}/") and path.endswith(_SOURCES) and needle in data:
                yield path, data
        yield from (row for row in _files_with(target.base, needle, folder) if row[0] not in target.changes)
    elif isinstance(target, TreeAt):
        yield from target.search(needle, folder, suffixes=_SOURCES).hits
    else:
        yield from (row for row in _read(target, target.paths(folder)) if needle in row[1])


def files_in(target: BlobSource, folder: str) -> Iterator[tuple[RepoPath, bytes]]:
    """The source files directly in a folder."""
    yield from _read(target, (path for path in target.paths(folder) if posixpath.dirname(path) == folder))


def _read(target: BlobSource, paths: Iterator[RepoPath]) -> Iterator[tuple[RepoPath, bytes]]:
    for path in paths:
        data = target.read(path) if path.endswith(_SOURCES) else None
        if data is not None:
            yield path, data
