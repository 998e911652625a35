"""How a hunk of a change came to stand in the target: the proof classes, best first."""

from collections.abc import Iterable
from enum import IntEnum


class HunkClass(IntEnum):
    """Ordered; the worst names the whole. `label` is the spelling of the command line's contract."""

    EXACT = 0
    """Context and lines as upstream, at the same place up to a line offset."""
    MOVED = 1
    """The same lines, in another file or function, or next to different context; the anchor is unambiguous."""
    MERGED = 2
    """A three-way merge of the file without conflict."""
    GENERATED = 3
    """Written for this target from a template and the target's features."""
    DROPPED = 4
    """Left out: the code it changes is absent in the target."""
    ADAPTED = 5
    """Lines differ from upstream's."""
    NEEDS_HUMAN = 6
    """Not done."""

    @property
    def label(self) -> str:
        return self.name.replace("_", "-")


def worst_class(classes: Iterable[HunkClass]) -> HunkClass:
    """The class of a change made of `classes`; of nothing, EXACT."""
    return max(classes, default=HunkClass.EXACT)
