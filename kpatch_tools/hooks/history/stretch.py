"""One stretch of history, and what its commits did to hook tables."""

from dataclasses import dataclass

from kpatch_tools.core.ids import ObjectId
from kpatch_tools.core.span import Location

from .events import Event


@dataclass(frozen=True, slots=True)
class CommitEvents:
    """What one commit did; never empty."""

    commit: ObjectId
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """`changed` oldest first. `commits` were looked at: those that changed a file of the scope otherwise than all of
    their parents. `states`: how many sets of headers these have. `damaged`: parse errors inside of a table's struct,
    where something may have been overlooked; each place once, as of the first commit that has it.
    """

    changed: tuple[CommitEvents, ...]
    commits: int
    states: int
    damaged: tuple[Location, ...]
