"""A file in the form that merging compares: its lines, the same without differences of white space, its blocks."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from kpatch_tools.backport.lines import normal_line
from kpatch_tools.backport.place import find_places, split_lines
from kpatch_tools.core.ids import RepoPath

from .blocks import Block, find_blocks

_WORDS = re.compile(rb"\w+")


def is_weak(line: bytes) -> bool:
    """Whether a normalised line says too little to be recognised by: it may stand anywhere.

    >>> is_weak(b"}"), is_weak(b"} else {"), is_weak(b"return 0;"), is_weak(b"count += 1;")
    (True, True, True, False)
    """
    words = _WORDS.findall(line)
    return len(words) < 2 or line.replace(b" -", b"-") in _COMMON


_COMMON = frozenset({b"return 0;", b"goto out;", b"goto err;", b"return-ENOMEM;", b"return NULL;", b"return-EINVAL;"})
_AROUND = re.compile(rb" ?([^\w\s]) ?")


@dataclass(frozen=True)
class Text:
    """One version of a file. `lines` have their newlines.

    Where it `is_tight`, white space counts only between words when lines are compared: `8*i` is `8 * i`.
    """

    path: RepoPath
    data: bytes
    lines: list[bytes] = field(repr=False)
    is_tight: bool = False

    @staticmethod
    @lru_cache(maxsize=24)
    def of(path: RepoPath, data: bytes) -> "Text":
        """The last ones are kept: each guard and each attempt to adapt a file looks at the same few versions of it."""
        return Text(path, data, split_lines(data))

    @cached_property
    def tight(self) -> "Text":
        return replace(self, is_tight=True)

    @cached_property
    def normal(self) -> list[bytes]:
        """The lines as they are compared: white space collapsed, and what is left of it at the ends cut off."""
        lines = [normal_line(line) for line in self.lines]
        return [b"".join(_AROUND.split(line)) for line in lines] if self.is_tight else lines

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        return find_blocks(self.path, self.lines)

    @cached_property
    def block_names(self) -> dict[str, list[Block]]:
        named: dict[str, list[Block]] = {}
        for block in self.blocks:
            named.setdefault(block.name, []).append(block)
        return named

    @cached_property
    def counts(self) -> Counter[bytes]:
        """How often each normalised line stands in the file."""
        return Counter(self.normal)

    def block_at(self, first: int, last: int) -> Block | None:
        """The block that holds the lines first..last (0-based); None if none holds them all."""
        for block in self.blocks:
            if block.first <= first and last <= block.last:
                return block
        return None

    def twin(self, block: Block, other: "Text") -> Block | None:
        """The block of `other` that goes by the same name; of several, the one of the same rank, if as many."""
        here, there = self.block_names[block.name], other.block_names.get(block.name, [])
        if len(here) == len(there):
            return there[here.index(block)]
        return None

    def find(self, wanted: Iterable[bytes], low: int = 0, high: int | None = None) -> list[int]:
        """Every index in low..high at which these normalised lines stand, blank ones included."""
        return find_places(list(wanted), self.normal, low, high)
