"""How the history is asked: by the index that an earlier run kept, by one that is made first, or by walking it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.backport import Past, WalkedPast, find_tips, open_past
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.tree import KernelTree


@dataclass(frozen=True, slots=True)
class Recall:
    """`folder` is where the index is kept, None for none; `make` makes one that is not there: that takes minutes, once.

    One that is there is used, and brought up to date.
    """

    folder: Path | None = None
    make: bool = False

    def open(
        self, tree: KernelTree, named: Iterable[ObjectId] = (), *, progress: Callable[[str], None] = lambda _: None
    ) -> Past:
        """The history of `tree`, and of the commits `named` if nothing that it names leads to them."""
        if self.folder is None:
            return WalkedPast(tree)
        # What is kept elsewhere will be gone before the index is.
        tips = (*find_tips(tree), *(named if not tree.writes_elsewhere else ()))
        return open_past(tree, self.folder, tips=tips, make=self.make, progress=progress)


WALK = Recall()
