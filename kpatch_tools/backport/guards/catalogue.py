"""Every guard, and what they say together."""

from kpatch_tools.core.ids import RepoPath

from .callees import object_to_other_callees
from .formats import object_to_other_types
from .identifiers import object_to_unknown
from .included import object_to_unseen
from .labels import object_to_lost_labels
from .left import object_to_left_uses
from .locals import object_to_strangers
from .members import object_to_other_members
from .numbers import object_to_numbers
from .once import object_to_lost_lines
from .parses import object_to_broken
from .repeated import object_to_repeated
from .returns import object_to_returns
from .values import Carriage, Guard, Objection, Objections

ALL_GUARDS: tuple[Guard, ...] = (
    object_to_unknown,
    object_to_strangers,
    object_to_other_members,
    object_to_left_uses,
    object_to_unseen,
    object_to_other_callees,
    object_to_other_types,
    object_to_numbers,
    object_to_lost_lines,
    object_to_repeated,
    object_to_lost_labels,
    object_to_returns,
    object_to_broken,
)

MERGED_GUARDS: tuple[Guard, ...] = (
    object_to_strangers,
    object_to_other_members,
    object_to_repeated,
    object_to_returns,
)
"""Those that compare with upstream also what was merged word by word, of which the lines are not upstream's."""


def find_objections(carriage: Carriage, guards: tuple[Guard, ...] = ALL_GUARDS) -> Objections:
    """The first objection of `guards` to each hunk, by file and number; empty if there is none."""
    found: dict[tuple[RepoPath, int], Objection] = {}
    for guard in guards:
        for one in guard(carriage):
            found.setdefault((one.path, one.number), one)
    return found
