"""done-once: a statement that a change puts into a function does not come to stand there once more than upstream.

Why: the target's function had it as often already, at another place: a part came earlier, or upstream moves what the
target has elsewhere. Nothing conflicts, and it is done twice. Where a hunk stands in its own context, that context says
that it is meant again; jumps and what may stand anywhere do not count either. A function or structure that comes to be
defined twice is the same mistake, wherever it stands.
"""

import re
from collections import Counter
from collections.abc import Iterator

from kpatch_tools.backport.lines import normal_line
from kpatch_tools.backport.merge.blocks import Block
from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.backport.merge.text import Text, is_weak
from kpatch_tools.core.hunkclass import HunkClass

from .values import Carriage, Carried, Objection, Versions
from .words import names_in

ID = "done-once"
_BEGINS = re.compile(rb"[A-Za-z_#]")
_STATEMENT = re.compile(rb"(?!return\b|goto\b|break\b|continue\b).*;")


def object_to_repeated(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk that puts in what the target's function, or its file, had already."""
    for one in carriage.files:
        versions = one.versions
        if versions is None or one.base == one.ours or not one.path.endswith((".c", ".h")):
            continue
        moved = {hunk.number for hunk in one.hunks if hunk.kind > HunkClass.EXACT}
        for edit in one.edits:
            defined = _defined_again(edit, versions)
            if defined:
                yield Objection(ID, one.path, edit.hunk, f"it defines {defined}, which the target does already")
            elif edit.hunk in moved and (line := _repeated(one, edit, versions)) is not None:
                said = line.decode("utf-8", "replace")
                yield Objection(
                    ID, one.path, edit.hunk, f"the target's function does already, at another place: {said}"
                )


def _defined_again(edit: Edit, versions: Versions) -> str:
    """The name of a block that begins with one of the edit's lines and that the target had; empty if there is none."""
    if not any(_BEGINS.match(line) for line in edit.new):
        return ""
    names = {block.name for block in versions.theirs.blocks} - {block.name for block in versions.base.blocks}
    added = {normal_line(line) for line in edit.new} if names else set()
    for name in sorted(names):
        theirs, ours, result = (
            text.block_names.get(name, []) for text in (versions.theirs, versions.ours, versions.result)
        )
        if ours and len(result) > max(len(ours), len(theirs)) and versions.theirs.normal[theirs[0].first] in added:
            return name
    return ""


def _repeated(carried: Carried, edit: Edit, versions: Versions) -> bytes | None:
    """The first statement of an edit that the target had as often as upstream has it now; None if there is none."""
    added = [line for one in edit.new if names_in([one]) and _STATEMENT.match(line := normal_line(one))]
    added = [line for line in added if not is_weak(line)]
    place = carried.place(edit) if added else None
    theirs = versions.base.twin(place.base, versions.theirs) if place is not None else None
    if place is None or theirs is None or not place.base.name.endswith("()"):
        return None
    wanted = _lines(versions.theirs, theirs)
    before, after = _lines(versions.ours, place.ours), _lines(versions.result, place.result)
    return next((line for line in added if after[line] > before[line] == wanted[line]), None)


def _lines(text: Text, block: Block) -> Counter[bytes]:
    return Counter(map(normal_line, text.lines[block.first : block.last + 1]))
