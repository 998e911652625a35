"""names-left: what a change takes out the declaration of is used no more.

Why: upstream took out every use together with it; the target has one more, in lines of its own, that then uses what is
not there. Nothing conflicts. Asked are the variables of a function, and the functions, structures and macros that the
change takes out of its files and that none of these mentions upstream afterwards; but not where a hunk is left to a
person, which may be the one that takes the use out.
"""

import re
from collections.abc import Iterable, Iterator

from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.syntax import parse_c
from kpatch_tools.syntax.symbols import declared_names

from .values import Carriage, Carried, Objection, Versions
from .words import names_in

ID = "names-left"
_BEGINS = re.compile(rb"[A-Za-z_]|[ \t]*#")
_MACRO = re.compile(rb"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)


def object_to_left_uses(carriage: Carriage) -> Iterator[Objection]:
    """Each hunk that takes out such a declaration, if all of the change's were carried."""
    if any(one.kind is HunkClass.NEEDS_HUMAN for carried in carriage.files for one in carried.hunks):
        return
    files = [(one, one.versions) for one in carriage.files if one.path.endswith((".c", ".h"))]
    gone = {name for one, versions in files if versions is not None for name in _gone(one, versions)}
    if gone:
        gone -= {name for one, _ in files if one.theirs is not None for name in names_in([one.theirs])}
    used = {name for one, _ in files if gone and one.result is not None for name in names_in([one.result])} & gone
    for one, versions in files:
        if versions is None or one.base == one.ours:
            continue
        for edit in one.edits:
            left = sorted(_variables(one, edit, versions)) or sorted(used & _defined(edit, versions))
            if left:
                listed = ", ".join(name.decode() for name in left)
                yield Objection(ID, one.path, edit.hunk, f"it takes out {listed}, which the target uses elsewhere, too")


def _gone(carried: Carried, versions: Versions) -> set[bytes]:
    """The functions, structures and macros that the carried edits define no more."""
    removed = {name for edit in carried.edits for name in _defined(edit, versions)}
    if not removed:
        return set()
    return removed - set(_MACRO.findall(versions.result.data)) - _blocks(versions.result.block_names)


def _defined(edit: Edit, versions: Versions) -> set[bytes]:
    """What begins with one of the lines that an edit takes out."""
    if not any(_BEGINS.match(line) for line in versions.base.lines[edit.first : edit.last]):
        return set()
    blocks = (block.name for block in versions.base.blocks if edit.first <= block.first < edit.last)
    return set(_MACRO.findall(b"".join(versions.base.lines[edit.first : edit.last]))) | _blocks(blocks)


def _blocks(names: Iterable[str]) -> set[bytes]:
    """The names of blocks without their kinds."""
    return {name.removesuffix("()").split()[-1].encode() for name in names if name.endswith("()") or " " in name}


def _variables(carried: Carried, edit: Edit, versions: Versions) -> set[bytes]:
    """The variables that the function has no more upstream, and that the target's uses without declaring them."""
    removed = names_in(versions.base.lines[edit.first : edit.last])
    place = carried.place(edit) if removed else None
    theirs = versions.base.twin(place.base, versions.theirs) if place is not None else None
    if place is None or theirs is None or not place.base.name.endswith("()"):
        return set()
    result = versions.result.lines[place.result.first : place.result.last + 1]
    upstream = versions.theirs.lines[theirs.first : theirs.last + 1]
    left = removed & names_in(result) - names_in(upstream) if result != upstream else set()
    if not left:
        return set()
    base = versions.base.lines[place.base.first : place.base.last + 1]
    declared = {name.encode() for name in declared_names(parse_c(b"".join(base)))}
    return left & declared - {name.encode() for name in declared_names(parse_c(b"".join(result)))}
