"""parses: the result is understood as C no worse than the target was, unless the change does that to upstream, too.

Why: lines that were put in beside others than upstream's may cut a statement or a brace in two. Only files are parsed
in which a hunk stands next to other lines than upstream.
"""

from collections.abc import Iterator

from kpatch_tools.backport.merge.text import Text
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.syntax import parse_c

from .values import Carriage, Carried, Objection, Versions

ID = "parses"


def object_to_broken(carriage: Carriage) -> Iterator[Objection]:
    """Each hunk in other surroundings of a file that has more errors of syntax than before."""
    for one in carriage.files:
        numbers = [hunk.number for hunk in one.hunks if HunkClass.EXACT < hunk.kind < HunkClass.NEEDS_HUMAN]
        if not numbers or one.versions is None or not one.path.endswith((".c", ".h")):
            continue
        if _loses(one.versions.ours, one.versions.result) and not _is_upstreams_own(one, one.versions):
            for number in numbers:
                yield Objection(ID, one.path, number, "with it, the file is no longer C in the target")


def _loses(before: Text, after: Text) -> bool:
    errors = len(parse_c(after.data).errors)
    return errors > 0 and errors > len(parse_c(before.data).errors)


def _is_upstreams_own(carried: Carried, versions: Versions) -> bool:
    """Whether the change does that to upstream's file, too; what was adapted is compared with the target alone."""
    return carried.base != carried.ours and _loses(versions.base, versions.theirs)
