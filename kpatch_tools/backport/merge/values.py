"""What the strategies of a merge are given."""

from dataclasses import dataclass, field
from functools import cached_property

from kpatch_tools.patch import Hunk

from .alignment import Alignment, align_blocks, align_files
from .edits import Edit, hunk_edits
from .text import Text


@dataclass(frozen=True)
class Conflict:
    """One file that does not merge as a whole: upstream's version before the change, the target's, and the hunks."""

    base: Text
    ours: Text
    hunks: tuple[Hunk, ...]
    _known: dict[str, Alignment | None] = field(default_factory=dict, repr=False)

    @cached_property
    def edits(self) -> tuple[tuple[Edit, ...], ...]:
        """The edits of each hunk."""
        return tuple(tuple(hunk_edits(number, hunk)) for number, hunk in enumerate(self.hunks, start=1))

    @cached_property
    def tight(self) -> "Conflict":
        """The same of texts in which white space hardly matters."""
        return Conflict(self.base.tight, self.ours.tight, self.hunks)

    @cached_property
    def whole(self) -> Alignment:
        return align_files(self.base, self.ours)

    def alignment(self, edit: Edit) -> Alignment:
        """Of the block that holds the edit if the target has one of that name, else of the files."""
        first, last = (edit.first - 1, edit.first) if edit.is_insertion else (edit.first, edit.last - 1)
        block = self.base.block_at(first, last)
        if block is None:
            return self.whole
        key = f"{block.first} {block.name}"
        if key not in self._known:
            self._known[key] = align_blocks(self.base, self.ours, block.first, block.last)
        return self._known[key] or self.whole

    def has_twin(self, edit: Edit) -> bool:
        """Whether the edit stands in a block that the target has as well, or in none."""
        first, last = (edit.first - 1, edit.first) if edit.is_insertion else (edit.first, edit.last - 1)
        block = self.base.block_at(first, last)
        return block is None or not self.alignment(edit).whole
