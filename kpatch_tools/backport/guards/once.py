"""lines-once: the lines of an edit are put in and taken out as often as upstream does it, in the same function.

Why: a merge takes lines for the other side's that are merely alike: it loses one of them, or puts a block in twice.
An edit that the target has already is excused.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from kpatch_tools.backport.lines import normal_line
from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.backport.merge.text import is_weak
from kpatch_tools.tree import LineHunk

from .values import Carriage, Carried, Objection, Versions

ID = "lines-once"


def object_to_lost_lines(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk of which a line was lost or doubled; lines that may stand anywhere do not count."""
    for one in carriage.files:
        versions = one.versions
        if versions is None or one.base == one.ours:
            continue
        wanted, made = _wanted(one, versions), _delta(versions.delta)
        odd = {line for line in {*wanted, *made} if wanted[line] != made[line]}
        for edit in one.edits if odd else ():
            lines = [
                line for line in _added(edit) + _removed(edit, versions) if _key(line) in odd and not is_weak(line)
            ]
            if lines and not _is_there(one, edit, versions):
                said = lines[0].decode("utf-8", "replace")
                yield Objection(ID, one.path, edit.hunk, f"a line of it is lost, or there twice: {said}")


def _key(line: bytes) -> bytes:
    return b"".join(line.split())


def _wanted(carried: Carried, versions: Versions) -> Counter[bytes]:
    wanted: Counter[bytes] = Counter()
    for edit in carried.edits:
        wanted.update(map(_key, _added(edit)))
        wanted.subtract(map(_key, _removed(edit, versions)))
    return wanted


def _delta(hunks: Iterable[LineHunk]) -> Counter[bytes]:
    """How often each line (without its white space) is put in, or taken out (below 0)."""
    delta: Counter[bytes] = Counter()
    for hunk in hunks:
        for kind, line, _ in hunk.lines:
            delta[_key(line)] += 1 if kind == b"+" else -1
    return delta


def _added(edit: Edit) -> list[bytes]:
    return [line for one in edit.new if (line := normal_line(one))]


def _removed(edit: Edit, versions: Versions) -> list[bytes]:
    return [line for one in versions.base.lines[edit.first : edit.last] if (line := normal_line(one))]


def _is_there(carried: Carried, edit: Edit, versions: Versions) -> bool:
    """Whether the target, in that function, is as after the edit already."""
    place = carried.place(edit)
    first, last = (place.ours.first, place.ours.last) if place is not None else (0, len(versions.ours.lines))
    stand = set(versions.ours.normal[first : last + 1])
    added, removed = set(_added(edit)), set(_removed(edit, versions))
    return added <= stand and not any(line in stand for line in removed - added if not is_weak(line))
