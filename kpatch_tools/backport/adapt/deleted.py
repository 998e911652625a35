"""A file that upstream deletes, and of which the target has another version."""

from collections import Counter
from dataclasses import replace

from kpatch_tools.backport.change import Change
from kpatch_tools.backport.merge.text import Text, is_weak
from kpatch_tools.backport.outcome import HunkResult, Pick
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource

_ALIKE = 0.7  # of the lines that say something: it is the same file, not another one of that name


def delete_alike(change: Change, before: BlobSource, target: BlobSource, pick: Pick) -> Pick:
    """`pick` with the files deleted that upstream deletes and whose version in the target is much the same."""
    for file in change.files:
        if file.new_path is not None or file.old_path is None:
            continue
        path = pick.renamed.get(file.old_path, file.old_path)
        base, ours = before.read(file.old_path), target.read(path)
        is_open = any(one.file == path and one.kind is HunkClass.NEEDS_HUMAN for one in pick.hunks)
        if not is_open or base is None or ours is None or b"\0" in base + ours:
            continue
        share, other = _compare(Text.of(path, base), Text.of(path, ours))
        if share >= _ALIKE:
            why = f"the file is deleted; {other} lines of the target's version are not in upstream's"
            pick = replace(pick, changes={**pick.changes, path: None}, hunks=_deleted(pick, path, why))
    return pick


def _deleted(pick: Pick, path: RepoPath, why: str) -> tuple[HunkResult, ...]:
    return tuple(replace(one, kind=HunkClass.ADAPTED, why=why) if one.file == path else one for one in pick.hunks)


def _compare(base: Text, ours: Text) -> tuple[float, int]:
    """How much of two versions of a file is the same (0 to 1), and how many lines only the second one has."""
    here, there = _strong(base), _strong(ours)
    total = here.total() + there.total()
    return (2 * (here & there).total() / total if total else 1.0), (there - here).total()


def _strong(text: Text) -> Counter[bytes]:
    return Counter(line for line in text.normal if line and not is_weak(line))
