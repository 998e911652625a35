"""A hunk is left out if the code that it changes is not in that part of the target, by its name or by its lines."""

import posixpath
from collections.abc import Iterable

from kpatch_tools.backport.merge.edits import Edit, Placed
from kpatch_tools.backport.merge.settle import Rule
from kpatch_tools.backport.merge.text import Text, is_weak
from kpatch_tools.backport.merge.values import Conflict
from kpatch_tools.core.hunkclass import HunkClass

from .homes import block_of, find_homes
from .surroundings import Surroundings, subsystem

_LIVES_ON = 0.4  # of a block's lines in one file of the folder: then it may be part of another block there
_FEWEST = 4  # such lines; fewer are alike in any two functions of a folder
_MOST_SHARED = 0.2  # of a file's lines that may stand in another file of the folder


def drop_absent(around: Surroundings) -> Rule:
    """The rule for edits in a block that the target does not have."""

    def drop(edit: Edit, conflict: Conflict) -> Placed | None:
        why = _why_absent(edit, conflict, around)
        return None if why is None else Placed((edit,), (), HunkClass.DROPPED, "absent", why)

    return drop


def _why_absent(edit: Edit, conflict: Conflict, around: Surroundings) -> str | None:
    """The evidence that the block around an edit is not in the target; None where it may be, or there is no block."""
    base, path = conflict.base, conflict.ours.path
    block = block_of(edit, base)
    if block is None or block.name in conflict.ours.block_names or find_homes(block, base, around, path):
        return None
    wanted = _strong(base.normal[block.first : block.last + 1])
    shared = _most_shared(wanted, around, posixpath.dirname(path))
    if not wanted or (shared >= _FEWEST and shared >= _LIVES_ON * len(wanted)):
        return None
    return f"the target has no {block.name} in {subsystem(path)}, and its lines are not in the folder either"


def why_file_absent(base: Text, around: Surroundings) -> str | None:
    """The evidence that nothing of a file that the target lacks stands in other files of its folder."""
    folder = posixpath.dirname(base.path)
    wanted = _strong(base.normal)
    if not wanted or _most_shared(wanted, around, folder) > _MOST_SHARED * len(wanted):
        return None
    return f"the target has no such file, and no other in {folder} has its lines"


def _strong(lines: Iterable[bytes]) -> set[bytes]:
    return {line for line in lines if line and not is_weak(line)}


def _most_shared(wanted: set[bytes], around: Surroundings, folder: str) -> int:
    """How many of some lines stand in the file of a folder that has most of them."""
    return max((len(wanted.intersection(text.normal)) for text in around.inside(folder)), default=0)
