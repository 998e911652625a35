"""One file in conflict: each hunk by the first strategy that knows where it goes."""

from collections.abc import Callable, Sequence

from kpatch_tools.backport.outcome import HunkResult
from kpatch_tools.backport.place import find_places
from kpatch_tools.core.hunkclass import HunkClass, worst_class
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.patch import FileDiff, Hunk

from .aligned import place_aligned
from .edits import Edit, Placed, apply_replacements
from .text import Text
from .values import Conflict
from .verbatim import find_already, find_edit_already, place_by_itself, place_verbatim

Rule = Callable[[Edit, Conflict], Placed | None]


def settle(
    diff: FileDiff, path: RepoPath, base: bytes, ours: bytes, *, further: Sequence[Rule] = ()
) -> tuple[bytes, tuple[HunkResult, ...]]:
    """What can be done of a file's change, and how each hunk fared.

    `further` rules are asked, in order, about each edit that none of those here places.
    """
    conflict = Conflict(Text.of(diff.old_path or path, base), Text.of(path, ours), diff.hunks)
    placed: list[Placed] = []
    failed: dict[int, str] = {}
    for number, (hunk, edits) in enumerate(zip(diff.hunks, conflict.edits, strict=True), start=1):
        found, missing = _place(hunk, edits, conflict, further)
        if missing:
            failed[number] = "the lines around it differ in the target"
        elif apply_replacements(conflict.ours.lines, [*placed, *found]) is None:
            failed[number] = "it would change the same lines of the target as another hunk"
        else:
            placed += found
    lines = apply_replacements(conflict.ours.lines, placed)
    assert lines is not None, "no hunk was taken that overlaps another"
    results = tuple(
        _result(path, number, hunk, placed, failed.get(number), lines) for number, hunk in enumerate(diff.hunks, 1)
    )
    return b"".join(lines), results


def _place(
    hunk: Hunk, edits: tuple[Edit, ...], conflict: Conflict, further: Sequence[Rule]
) -> tuple[list[Placed], tuple[Edit, ...]]:
    """The hunk's edits placed, and those that are not."""
    for whole in (place_verbatim, find_already, place_by_itself):
        found = whole(hunk, edits, conflict)
        if found is not None:
            return [found], ()
    placed, missing = [], []
    for edit in edits:
        one = leave_spacing(edit, conflict) or place_aligned(edit, conflict.alignment(edit))
        one = one or find_edit_already(edit, conflict) or place_aligned(edit, conflict.tight.alignment(edit))
        one = one or next((made for rule in further if (made := rule(edit, conflict)) is not None), None)
        if one is None:
            missing.append(edit)
        else:
            placed.append(one)
    return placed, tuple(missing)


def leave_spacing(edit: Edit, conflict: Conflict) -> Placed | None:
    """An edit of white space alone is left out where the lines around it differ: it is a cleanup, not the change."""
    removed = b"".join(conflict.base.lines[edit.first : edit.last]).split()
    if not removed or b"".join(removed) != b"".join(b"".join(edit.new).split()):
        return None
    return Placed((edit,), (), HunkClass.DROPPED, "spacing", "it changes white space only, next to other lines")


def _result(
    path: RepoPath, number: int, hunk: Hunk, placed: list[Placed], failed: str | None, lines: list[bytes]
) -> HunkResult:
    if failed is not None:
        return HunkResult(path, number, HunkClass.NEEDS_HUMAN, failed)
    own = [one for one in placed if any(edit.hunk == number for edit in one.edits)]
    kind = worst_class(one.kind for one in own)
    why = "; ".join(dict.fromkeys(one.why for one in own if one.kind is kind))
    standing = find_places(list(hunk.new_lines), lines)
    return HunkResult(path, number, kind, why, standing[0] + 1 if standing else None)
