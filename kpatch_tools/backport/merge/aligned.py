"""The same edit next to other lines: its own lines stand in the target, or the joint they belong to does.

Proof: the block of the same name (or the file) was aligned line by line, white space aside. Lines that are taken out
are all there and stand together. Lines that are put in follow the line they follow upstream, or precede the one they
precede there, and that line is matched for what it says, not for its looks.
"""

import itertools
import re
from collections.abc import Sequence

from kpatch_tools.backport.lines import normal_line
from kpatch_tools.core.hunkclass import HunkClass

from .alignment import Alignment
from .edits import Edit, Placed, Replacement
from .text import Text

_LEAVES = re.compile(rb"(?:return\b[^;]*|goto \w+|break|continue);")
_CONTINUES = re.compile(rb"\}? ?else\b")
_COMMENT = (b"/*", b"*", b"//")
_ENDS = (b"return", b"break;", b"goto ", b"}", b"continue;", b"default:", b"case ", b"#endif", b"#else")


def place_aligned(edit: Edit, alignment: Alignment) -> Placed | None:
    """Where an edit goes by its own lines or its neighbours; None if neither tells."""
    if edit.is_insertion:
        return _insert(edit, alignment)
    return _replace(edit, alignment)


def _replace(edit: Edit, alignment: Alignment) -> Placed | None:
    base, ours = alignment.base, alignment.ours
    wanted = [line for line in range(edit.first, edit.last) if base.normal[line]]
    if not wanted:
        return _replace_blank(edit, alignment)
    there = [alignment.to.get(line) for line in wanted]
    known = [line for line in there if line is not None]
    if len(known) < len(wanted) or not _together(known, ours) or not any(map(alignment.is_sure, wanted)):
        return None
    if _is_rivalled(edit, alignment, known[0]):
        return None
    first, last = known[0], known[-1] + 1
    lead = wanted[0] - edit.first
    trail = edit.last - 1 - wanted[-1]
    first -= _blanks(ours, first - 1, -1, lead)
    last += _blanks(ours, last, 1, trail)
    kind, why = HunkClass.MOVED, "the same lines, next to others than upstream"
    new = indent_as(edit.new, base.lines[wanted[0]], ours.lines[known[0]])
    return Placed((edit,), (Replacement(first, last, new),), kind, "same-lines", why)


def indent_as(lines: Sequence[bytes], was: bytes, now: bytes) -> tuple[bytes, ...]:
    r"""`lines` indented by as much more or less as `now` is than `was`, the same line elsewhere.

    >>> indent_as([b"\t\tb = 1;\n", b"\n"], b"\t\ta = 0;\n", b"\ta = 0;\n")
    (b'\tb = 1;\n', b'\n')
    """
    before, after = _depth(was), _depth(now)
    if before == after:
        return tuple(lines)
    return tuple(after + line[len(before) :] if before and line.startswith(before) else line for line in lines)


def _together(lines: list[int], ours: Text) -> bool:
    """Whether nothing but blank lines stands between lines that follow one another."""
    for before, after in itertools.pairwise(lines):
        if after <= before or any(ours.normal[before + 1 : after]):
            return False
    return True


def _is_rivalled(edit: Edit, alignment: Alignment, there: int) -> bool:
    """Whether the target has the removed lines more often there, and no neighbour tells which are meant."""
    base, ours = alignment.base, alignment.ours
    removed = base.normal[edit.first : edit.last]
    here = base.find(removed, alignment.low, alignment.high)
    others = ours.find(removed, alignment.to_low, alignment.to_high)
    if len(others) <= len(here):
        return False
    before, after = edit.first - 1, edit.last
    return not (alignment.to.get(before) == there - 1 or alignment.to.get(after) == there + len(removed))


def _replace_blank(edit: Edit, alignment: Alignment) -> Placed | None:
    """Blank lines are told by both neighbours."""
    before, after = alignment.to.get(edit.first - 1), alignment.to.get(edit.last)
    if before is None or after is None or after - before != edit.last - edit.first + 1:
        return None
    if any(alignment.ours.normal[before + 1 : after]):
        return None
    replacement = Replacement(before + 1, after, edit.new)
    return Placed((edit,), (replacement,), HunkClass.MOVED, "same-lines", "blank lines between the same neighbours")


def _blanks(ours: Text, start: int, way: int, most: int) -> int:
    count = 0
    while count < most and 0 <= start < len(ours.normal) and not ours.normal[start]:
        count += 1
        start += way
    return count


def _insert(edit: Edit, alignment: Alignment) -> Placed | None:
    base, ours = alignment.base, alignment.ours
    before, after = _neighbours(edit.first, alignment)
    above = alignment.to[before] if before is not None and alignment.is_sure(before) else None
    below = alignment.to[after] if after is not None and alignment.is_sure(after) else None
    lead = edit.first - 1 - before if before is not None else edit.first - alignment.low
    trail = after - edit.first if after is not None else alignment.high - edit.first
    if above is not None and below is not None and below > above and any(ours.normal[above + 1 : below]):
        return _insert_beside(edit, alignment, (above, below), (lead, trail), base.normal[after or 0])
    if above is not None:
        at = above + 1 + _blanks(ours, above + 1, 1, lead)
        rule, why = "same-joint", "after the same line as upstream"
    elif below is not None:
        at = below - _blanks(ours, below - 1, -1, trail)
        rule, why = "same-joint", "before the same line as upstream"
    else:
        return _insert_in_gap(edit, alignment)
    return Placed((edit,), (Replacement(at, at, edit.new),), HunkClass.MOVED, rule, why)


def _neighbours(line: int, alignment: Alignment) -> tuple[int | None, int | None]:
    """The nearest lines above and below an insertion that are not blank."""
    normal = alignment.base.normal
    before = next((index for index in range(line - 1, alignment.low - 1, -1) if normal[index]), None)
    after = next((index for index in range(line, alignment.high) if normal[index]), None)
    return before, after


def _insert_beside(
    edit: Edit, alignment: Alignment, joint: tuple[int, int], blanks: tuple[int, int], following: bytes
) -> Placed:
    """Between the two neighbours the target has lines of its own: keep to the one that it is not set off from.

    An `else` keeps to its `if`, and nothing is put behind what leaves the function or the loop.
    """
    ours, (above, below), (lead, trail) = alignment.ours, joint, blanks
    upwards = lead == 0 and (trail > 0 or not following.startswith(_ENDS))
    if _continues(edit) or _leaves(ours, above, below, edit):
        upwards = True
    if upwards:
        at, why = above + 1, "after the same line as upstream; other lines of the target follow"
    else:
        at = below - _blanks(ours, below - 1, -1, trail)
        why = "before the same line as upstream; other lines of the target precede"
    return Placed((edit,), (Replacement(at, at, edit.new),), HunkClass.MERGED, "beside-own-lines", why)


def _continues(edit: Edit) -> bool:
    """Whether an insertion is the rest of the statement before it."""
    first = next((line for one in edit.new if (line := normal_line(one)) and not line.startswith(_COMMENT)), b"")
    return _CONTINUES.match(first) is not None


def _leaves(ours: Text, above: int, below: int, edit: Edit) -> bool:
    """Whether the last of the target's own lines is a jump, as deep as the insertion."""
    last = next(line for line in range(below - 1, above, -1) if ours.normal[line])
    depth = next((_depth(line) for line in edit.new if line.strip()), b"")
    return _LEAVES.fullmatch(ours.normal[last]) is not None and _depth(ours.lines[last]) == depth


def _depth(line: bytes) -> bytes:
    return line[: len(line) - len(line.lstrip())]


def _insert_in_gap(edit: Edit, alignment: Alignment) -> Placed | None:
    """Neither neighbour is there, but those further out are, and nothing stands between them."""
    ours = alignment.ours
    before = next((one for one in range(edit.first - 1, alignment.low - 1, -1) if alignment.is_sure(one)), None)
    after = next((one for one in range(edit.first, alignment.high) if alignment.is_sure(one)), None)
    if before is None or after is None:
        return None
    above, below = alignment.to[before], alignment.to[after]
    if below <= above or any(ours.normal[above + 1 : below]):
        return None
    why = "where upstream has more lines around it; the target has none between the nearest that both have"
    return Placed((edit,), (Replacement(above + 1, above + 1, edit.new),), HunkClass.MOVED, "same-gap", why)
