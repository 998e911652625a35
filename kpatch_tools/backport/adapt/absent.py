"""A hunk is left out if the code that it changes is not in that part of the target, by its name or by its lines."""

import posixpath

from kpatch_tools.backport.merge.edits import Edit, Placed
from kpatch_tools.backport.merge.settle import Rule
from kpatch_tools.backport.merge.text import Text, is_weak
from kpatch_tools.backport.merge.values import Conflict
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.source import BlobSource

from .homes import block_of, files_in, find_alike, find_homes, subsystem

_LIVES_ON = 0.3  # of a block's lines in one with another name: then it may be the same, and is not left out
_MOST_SHARED = 0.2  # of a file's lines that may stand in another file of the folder


def drop_absent(target: BlobSource) -> Rule:
    """The rule for edits in a block that the target does not have."""

    def drop(edit: Edit, conflict: Conflict) -> Placed | None:
        why = _why_absent(edit, conflict, target)
        return None if why is None else Placed((edit,), (), HunkClass.DROPPED, "absent", why)

    return drop


def _why_absent(edit: Edit, conflict: Conflict, target: BlobSource) -> str | None:
    """The evidence that the block around an edit is not in the target; None where it may be, or there is no block."""
    base, path = conflict.base, conflict.ours.path
    block = block_of(edit, base)
    if block is None or block.name in conflict.ours.block_names or find_homes(block, base, target, path):
        return None
    alike = find_alike(block, base, target, path)
    if alike and alike[0].alike >= _LIVES_ON:
        return None
    return f"the target has no {block.name} in {subsystem(path)}, and nothing like it in the folder"


def why_file_absent(base: Text, target: BlobSource) -> str | None:
    """The evidence that nothing of a file that the target lacks stands in other files of its folder."""
    wanted = {line for line in base.normal if line and not is_weak(line)}
    if not wanted:
        return None
    folder = posixpath.dirname(base.path)
    for path, data in files_in(target, folder):
        shared = len(wanted & set(Text.of(path, data).normal)) / len(wanted)
        if shared > _MOST_SHARED:
            return None
    return f"the target has no such file, and no other in {folder} has its lines"
