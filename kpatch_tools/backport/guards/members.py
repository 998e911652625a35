"""members-known: a structure has the members that a change uses of it.

Why: a member's name is often a word of the file, or a member of another structure, so that names-known takes it for
known. The structure is the one that the function declares the variable with, or that the initialiser is of; it is
looked for in the file and in the headers that the file includes directly. Where it is not found in both versions,
nothing is known.
"""

import re
from collections.abc import Iterator

from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.backport.merge.text import Text
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay

from .functions import find_headers
from .values import Carriage, Carried, Objection
from .words import code_of, names_in

ID = "members-known"
_USED = re.compile(rb"(?<![\w.>)\]])(\w+)\s*(?:->|\.)\s*(\w+)|^[ \t]*\.(\w+)\s*=", re.MULTILINE)


def object_to_other_members(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk that uses a member which only upstream's structure of that name has."""
    result = Overlay(carriage.target, {one.path: one.result for one in carriage.files})
    for one in carriage.files:
        if one.versions is None or carriage.after is None or one.base == one.ours:
            continue
        known: dict[str, frozenset[bytes]] = {}
        for edit in one.edits:
            for variable, member in sorted(_used(one, edit)):
                tag = _structure(one, edit, variable)
                if tag is not None and tag not in known:
                    known[tag] = _members(tag, result, one.path)
                if tag is None or not known[tag] or member in known[tag]:
                    continue
                if member in _members(tag, carriage.after, one.diff.new_path or one.path):
                    why = f"it uses {member.decode()} of struct {tag}, which the target's structure does not have"
                    yield Objection(ID, one.path, edit.hunk, why)


def _used(carried: Carried, edit: Edit) -> set[tuple[bytes, bytes]]:
    """The members that an edit uses anew, each with its variable, which is empty in an initialiser."""
    assert carried.versions is not None, "a file that was changed"
    new, old = (
        {(variable, member or own) for variable, member, own in _USED.findall(code_of(lines))}
        for lines in (edit.new, carried.versions.base.lines[edit.first : edit.last])
    )
    return new - old


def _structure(carried: Carried, edit: Edit, variable: bytes) -> str | None:
    """The tag of the structure that a variable is or points to, or that the initialiser is of; None if that is not
    told by the function or initialiser itself.
    """
    place, versions = carried.place(edit), carried.versions
    if place is None or versions is None:
        return None
    code = code_of(versions.result.lines[place.result.first : place.result.last + 1])
    if variable:
        declared = rb"\bstruct\s+(\w+)\s+(?:\*?\w+\s*(?:=[^;,]*)?,\s*)*\**" + re.escape(variable) + rb"\b"
    else:
        declared = rb"\A[^;{=]*\bstruct\s+(\w+)\s[^;{=]*=\s*\{"
    tags = set(re.findall(declared, code))
    return tags.pop().decode() if len(tags) == 1 else None


def _members(tag: str, source: BlobSource, path: RepoPath) -> frozenset[bytes]:
    """Every word of the structures of this name; none where it is not found."""
    found: set[bytes] = set()
    name = tag.encode()
    begins = re.compile(rb"struct(?<!\wstruct)\s+" + name + rb"\s*\{")
    for file in (path, *find_headers(source, path)):
        data = source.read(file) or b""
        if name not in data or begins.search(data) is None:
            continue
        text = Text.of(file, data)
        for block in text.block_names.get(f"struct {tag}", ()):
            found |= names_in(text.lines[block.first : block.last + 1])
    return frozenset(found)
