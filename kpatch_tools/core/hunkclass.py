"""How a hunk of a change came to stand in the target: the proof classes, best first."""

from collections.abc import Iterable
from enum import IntEnum


class HunkClass(IntEnum):
    """Ordered; the worst names the whole. `label` is the spelling of the command line's contract.

    In every class but the last, no guard objects to the hunk: its names are known in the target, its own lines are put
    in and taken out once, and whatever else there is a rule about (kpatch_tools/backport/guards). What a class
    guarantees is where the lines stand and whose they are; that a maintainer would have done the same is measured.
    """

    EXACT = 0
    """Upstream's lines between upstream's context, once in the file, up to a line offset; or there already."""
    MOVED = 1
    """Upstream's lines next to others than upstream, or in another file or function.

    What it takes out stands there once and together; what it puts in follows or precedes the line that it does
    upstream.
    """
    MERGED = 2
    """Upstream's lines, where a three-way merge (of the file, of the hunk, or of its words) puts them without conflict.

    Lines of the target's own may stand between them and their neighbours. Words are merged so that each side changes
    other statements, arguments or conditions, or that what upstream takes out is the same C, only written differently.
    """
    GENERATED = 3
    """Written for this target from a template and the target's features."""
    DROPPED = 4
    """Left out, in part at least: the code it changes is absent in the target, or it changes white space only there."""
    ADAPTED = 5
    """Lines differ from upstream's: the target's names or words are put for upstream's, and the reason cites which."""
    NEEDS_HUMAN = 6
    """Not done: the reason says what stood in the way, or which guard objects."""

    @property
    def label(self) -> str:
        return self.name.replace("_", "-")


def worst_class(classes: Iterable[HunkClass]) -> HunkClass:
    """The class of a change made of `classes`; of nothing, EXACT."""
    return max(classes, default=HunkClass.EXACT)
