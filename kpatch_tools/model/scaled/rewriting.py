"""What no macro can scale: literals in a tree's text, found by their shape and replaced before preprocessing.

A tree in which something that has to be scaled is not found is refused: it would run with addresses of the real
machine, and its verdict would be about neither.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model.boot.unit import boot_source
from kpatch_tools.model.cexec import Unit

from .overrides import ENTRY_BYTES, ESSENTIAL, LOW_END_SHIFT, OVERRIDDEN

_FOLDERS = ("arch/x86/", "mm/", "include/asm-generic/")
"""Where page tables and memory maps are spelled out. (`1 << 32` elsewhere splits registers.)"""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """`pattern` -> `replacement` (bytes, as for re.sub); it must be found `least` times in the files that are read."""

    name: str
    pattern: re.Pattern[bytes]
    replacement: bytes
    least: int


_ENTRY_TYPE = re.compile(
    rb"(\btypedef\s+(?:struct|union)(?:\s+\w+)?\s*\{\s*\w+\s+(?:pte|pmd|pud|pgd)\s*;\s*\})(\s*\w+\s*;)"
)

REWRITES: tuple[Rewrite, ...] = (
    Rewrite(
        "the types of page-table entries (pte_t, pmd_t, pud_t, pgd_t)",
        _ENTRY_TYPE,
        rb"\1 __attribute__((aligned(%d)))\2" % ENTRY_BYTES,
        least=4,
    ),
    Rewrite(
        "the linked page tables declared with 512 entries",
        re.compile(rb"(\bextern\s+p(?:te|md|ud|gd)_t\s+\w+\s*)\[\s*512\s*\]"),
        rb"\1[PTRS_PER_PTE]",
        least=1,
    ),
    Rewrite(
        "sizes of tables, counted in values of entries",
        re.compile(rb"(\*\s*sizeof\s*\(\s*p(?:te|md|ud|gd))val(_t\s*\))"),
        rb"\1\2",
        least=0,
    ),
    Rewrite(
        "the 4 GiB boundary (1UL << 32, or in pages)",
        re.compile(rb"\b(1U?L{1,2}\s*<<\s*\(?\s*)32\b"),
        rb"\g<1>%d" % LOW_END_SHIFT,
        least=1,
    ),
)

_NAMES = "|".join(sorted(OVERRIDDEN)).encode()
_DEFINED = re.compile(rb"^[ \t]*#[ \t]*define[ \t]+(" + _NAMES + rb")\b", re.MULTILINE)
_MENTIONED = re.compile(rb"\b(" + _NAMES + rb")\b")


@dataclass(frozen=True, slots=True)
class ScaledSource:
    """`base` with the literals of REWRITES scaled; lines keep their numbers."""

    base: BlobSource

    def read(self, path: RepoPath) -> bytes | None:
        data = self.base.read(path)
        if data is None or not _concerned(path):
            return data
        for rewrite in REWRITES:
            data = rewrite.pattern.sub(rewrite.replacement, data)
        return data

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        return self.base.paths(*prefixes)


def scaled_source(source: BlobSource) -> BlobSource:
    """What the scaled machine reads in the place of `source`."""
    return ScaledSource(boot_source(source))


def check_scaled(unit: Unit, source: BlobSource) -> None:
    """Whether everything that has to be scaled was found in the files that `unit` read.

    KpatchError "cannot-be-scaled", which names what is missing.
    """
    assert isinstance(source, ScaledSource)
    found = dict.fromkeys(REWRITES, 0)
    defined: set[str] = set()
    mentioned: set[str] = set()
    for path in unit.read:
        data = source.base.read(path) if _concerned(path) else None
        if data is None:
            continue
        for rewrite in REWRITES:
            found[rewrite] += len(rewrite.pattern.findall(data))
        defined.update(match.decode() for match in _DEFINED.findall(data))
        mentioned.update(match.decode() for match in _MENTIONED.findall(data))
    missing = [rewrite.name for rewrite, count in found.items() if count < rewrite.least]
    missing += [f"a macro {name}" for name in sorted((mentioned | ESSENTIAL) - defined)]
    if missing:
        raise KpatchError(
            "cannot-be-scaled",
            f"this tree does not run on the scaled machine: not found: {', '.join(missing)}",
            hint="run it at its real size: kpt model",
        )


def _concerned(path: RepoPath) -> bool:
    return path.startswith(_FOLDERS)
