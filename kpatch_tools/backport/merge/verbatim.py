"""The whole hunk, context and all, stands in the target, or what it leads to does."""

from kpatch_tools.backport.place import apply_at, find_places, old_index
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.patch import Hunk
from kpatch_tools.tree import diff_lines, merge_blobs

from .edits import Edit, Placed, Replacement
from .text import is_weak
from .values import Conflict

ALREADY = "the target has these lines already"


def place_verbatim(hunk: Hunk, edits: tuple[Edit, ...], conflict: Conflict) -> Placed | None:
    """Its old lines stand in the target exactly once."""
    places = find_places(list(hunk.old_lines), conflict.ours.lines)
    if len(places) != 1:
        return None
    made = tuple(_shifted(edit, places[0] - old_index(hunk)) for edit in edits)
    return Placed(edits, made, HunkClass.EXACT, "verbatim", "context and lines as upstream")


def _shifted(edit: Edit, offset: int) -> Replacement:
    return Replacement(edit.first + offset, edit.last + offset, edit.new)


def find_already(hunk: Hunk, edits: tuple[Edit, ...], conflict: Conflict) -> Placed | None:
    """Its new lines stand in the target, and its old ones do not."""
    ours = conflict.ours.lines
    if find_places(list(hunk.old_lines), ours) or not find_places(list(hunk.new_lines), ours):
        return None
    return Placed(edits, (), HunkClass.EXACT, "already", ALREADY)


def find_edit_already(edit: Edit, conflict: Conflict) -> Placed | None:
    """One edit whose new lines stand in the right block as a whole, and whose old ones do not."""
    added = [line for line in (b" ".join(one.split()) for one in edit.new) if line]
    if sum(not is_weak(line) for line in added) < 2 or not conflict.has_twin(edit):
        return None
    alignment = conflict.alignment(edit)
    stand = [line for line in conflict.ours.normal[alignment.to_low : alignment.to_high] if line]
    there = any(stand[index : index + len(added)] == added for index in range(len(stand) - len(added) + 1))
    removed = {conflict.base.normal[line] for line in range(edit.first, edit.last)} - set(added)
    if not there or any(line in stand for line in removed if not is_weak(line)):
        return None
    return Placed((edit,), (), HunkClass.EXACT, "already", ALREADY)


def place_by_itself(hunk: Hunk, edits: tuple[Edit, ...], conflict: Conflict) -> Placed | None:
    """A three-way merge of this hunk alone is clean."""
    base, ours = conflict.base, conflict.ours
    alone = b"".join(apply_at(base.lines, old_index(hunk), hunk))
    merged = merge_blobs(base.data, ours.data, alone)
    if merged.conflicts:
        return None
    made = []
    for one in diff_lines(ours.data, merged.data, context=0):
        first = one.old_start - 1 if one.old_count else one.old_start
        new = tuple(text + b"\n" if newline else text for kind, text, newline in one.lines if kind == b"+")
        made.append(Replacement(first, first + one.old_count, new))
    return Placed(edits, tuple(made), HunkClass.MERGED, "merged-alone", "merged by itself without conflict")
