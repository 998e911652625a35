"""lines-once: the lines of an edit are put in and taken out as often as upstream does it, in the same function.

Why: a merge takes lines for the other side's that are merely alike: it loses one of them, or puts a block in twice.
An edit that the target has already is excused.
"""

from collections import Counter
from collections.abc import Iterator

from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.backport.merge.text import Text, is_weak

from .values import Carriage, Carried, Objection, Versions

ID = "lines-once"


def object_to_lost_lines(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk of which a line was lost or doubled; lines that may stand anywhere do not count."""
    for one in carriage.files:
        versions = one.versions
        if versions is None or one.base == one.ours:
            continue
        wanted, made = _wanted(one, versions), _delta(versions.ours, versions.result)
        odd = {line for line in {*wanted, *made} if wanted[line] != made[line] and not is_weak(line)}
        for edit in one.edits if odd else ():
            lines = odd.intersection(_added(edit) + _removed(edit, versions))
            if lines and not _is_there(one, edit, versions):
                said = min(lines).decode("utf-8", "replace")
                yield Objection(ID, one.path, edit.hunk, f"a line of it is lost, or there twice: {said}")


def _wanted(carried: Carried, versions: Versions) -> Counter[bytes]:
    wanted: Counter[bytes] = Counter()
    for edit in carried.edits:
        wanted.update(_added(edit))
        wanted.subtract(_removed(edit, versions))
    return wanted


def _delta(before: Text, after: Text) -> Counter[bytes]:
    delta = Counter(after.counts)
    delta.subtract(before.counts)
    return delta


def _added(edit: Edit) -> list[bytes]:
    return [line for one in edit.new if (line := b" ".join(one.split()))]


def _removed(edit: Edit, versions: Versions) -> list[bytes]:
    return [line for line in versions.base.normal[edit.first : edit.last] if line]


def _is_there(carried: Carried, edit: Edit, versions: Versions) -> bool:
    """Whether the target, in that function, is as after the edit already."""
    place = carried.place(edit)
    first, last = (place.ours.first, place.ours.last) if place is not None else (0, len(versions.ours.lines))
    stand = set(versions.ours.normal[first : last + 1])
    added, removed = set(_added(edit)), set(_removed(edit, versions))
    return added <= stand and not any(line in stand for line in removed - added if not is_weak(line))
