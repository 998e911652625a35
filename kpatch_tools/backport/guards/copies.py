"""copies-changed: code that a change takes out or rewrites does not stand on in other copies that only the target has.

Why: upstream made one function of several pieces of the same code, and mends that; in the target the pieces are still
there (or the other way round), and have to be mended one by one. Nothing conflicts where one of them is found.
"""

from collections.abc import Iterator, Sequence

from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.backport.merge.text import Text, is_weak

from .values import Carriage, Objection, Versions

ID = "copies-changed"
_FEWEST = 2  # lines that say something; fewer are alike in many places


def object_to_copies(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk whose old lines stand in the result more often than in upstream's file after the change."""
    for one in carriage.files:
        versions = one.versions
        if versions is None or one.base == one.ours:
            continue
        for edit in one.edits:
            more = _copies(edit, versions)
            if more:
                why = f"the target has the code that it changes in {more} other place{'s' if more > 1 else ''} as well"
                yield Objection(ID, one.path, edit.hunk, why)


def _copies(edit: Edit, versions: Versions) -> int:
    old = [line for line in versions.base.normal[edit.first : edit.last] if line]
    if sum(not is_weak(line) for line in old) < _FEWEST or old[0] not in versions.result.counts:
        return 0
    return max(0, _count(old, versions.result) - _count(old, versions.theirs))


def _count(block: Sequence[bytes], text: Text) -> int:
    """How often lines stand in a file, blank ones aside."""
    lines = [line for line in text.normal if line]
    return sum(lines[at : at + len(block)] == block for at in range(len(lines)) if lines[at] == block[0])
