"""parses: the result is understood as C no worse than the target was, unless the change does that to upstream, too.

Why: lines that were put in beside others than upstream's may cut a statement or a brace in two. Only files are parsed
in which a hunk stands next to other lines than upstream.
"""

from collections.abc import Iterator

from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.syntax import parse_c

from .values import Carriage, Objection

ID = "parses"


def object_to_broken(carriage: Carriage) -> Iterator[Objection]:
    """Each hunk in other surroundings of a file that has more errors of syntax than before."""
    for one in carriage.files:
        numbers = [hunk.number for hunk in one.hunks if HunkClass.EXACT < hunk.kind < HunkClass.NEEDS_HUMAN]
        if not numbers or one.versions is None or not one.path.endswith((".c", ".h")):
            continue
        lost = _errors(one.versions.result.data) - _errors(one.versions.ours.data)
        if lost > 0 and _errors(one.versions.theirs.data) <= _errors(one.versions.base.data):
            for number in numbers:
                yield Objection(ID, one.path, number, "with it, the file is no longer C in the target")


def _errors(data: bytes) -> int:
    return len(parse_c(data).errors)
