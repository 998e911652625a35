"""An edit of lines that the target does not have, between neighbours that it has side by side: nothing to be done."""

from kpatch_tools.backport.merge.edits import Edit, Placed
from kpatch_tools.backport.merge.text import is_weak
from kpatch_tools.backport.merge.values import Conflict
from kpatch_tools.core.hunkclass import HunkClass

from .pairing import pair_tokens
from .tokens import tokens_of


def drop_missing(edit: Edit, conflict: Conflict) -> Placed | None:
    """Where an edit only changes or takes out what the target does not have; what it adds of its own is never lost."""
    base, ours = conflict.base, conflict.ours
    removed = [line for line in base.normal[edit.first : edit.last] if line]
    if not removed or all(map(is_weak, removed)) or not conflict.has_twin(edit):
        return None
    alignment = conflict.alignment(edit)
    before = next((line for line in range(edit.first - 1, alignment.low - 1, -1) if base.normal[line]), None)
    after = next((line for line in range(edit.last, alignment.high) if base.normal[line]), None)
    if before is None or after is None or not (alignment.is_sure(before) and alignment.is_sure(after)):
        return None
    above, below = alignment.to[before], alignment.to[after]
    if below <= above or any(ours.normal[above + 1 : below]):
        return None
    if not set(removed).isdisjoint(ours.normal[alignment.to_low : alignment.to_high]):
        return None
    if _adds(edit, conflict):
        return None
    why = f"the target does not have `{removed[0].decode('utf-8', 'replace')}` between the same lines ({above + 1})"
    return Placed((edit,), (), HunkClass.DROPPED, "missing", why)


def _adds(edit: Edit, conflict: Conflict) -> bool:
    """Whether some line that the edit puts in is not another form of one that it takes out."""
    old, new = tokens_of(conflict.base.lines[edit.first : edit.last])[:-1], tokens_of(edit.new)[:-1]
    kept = {there for there in pair_tokens(old, new) if there is not None}
    lines = [index for index, token in enumerate(new) if token.begins_line]
    ends = [*lines[1:], len(new)]
    return any(kept.isdisjoint(range(first, last)) for first, last in zip(lines, ends, strict=True))
