"""formats-fit: a change of nothing but how a value is printed fits the type that the value has in the target.

Why: such a change follows one of a type. Where the target's type is still the old one, it brings the very warning that
it takes away upstream. Members are looked for in the file and in the headers that it includes directly.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.backport.merge.text import Text
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay

from .functions import find_headers
from .values import Carriage, Carried, Objection

ID = "formats-fit"
_CONVERSION = re.compile(rb"%(?:%|[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|L|z|t)?[a-zA-Z])")
_LITERALS = re.compile(rb'"(?:\\.|[^"\\\n])*"')
_MEMBER = re.compile(rb"^(\w+)\s*(?:->|\.)\s*(\w+)$")
_MOST_LINES = 10  # of a call


@dataclass(frozen=True, slots=True)
class Printed:
    """A member of a structure (by its tag) that upstream prints by another conversion than before."""

    structure: str
    member: bytes
    conversion: bytes


def object_to_other_types(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk that prints a member otherwise whose type is known of both versions, and is another one."""
    result = Overlay(carriage.target, {one.path: one.result for one in carriage.files})
    for one in carriage.files:
        if one.versions is None or carriage.after is None:
            continue
        for edit in one.edits:
            for printed in _printed(one, edit):
                here = _types(printed, result, one.path)
                there = _types(printed, carriage.after, one.diff.new_path or one.path)
                if here and there and here.isdisjoint(there):
                    said = f"{printed.member.decode()} by {printed.conversion.decode('ascii', 'replace')}"
                    kinds = f"{min(there).decode()} upstream and {min(here).decode()} in the target"
                    yield Objection(ID, one.path, edit.hunk, f"it prints {said}, which is {kinds}")


def _printed(carried: Carried, edit: Edit) -> Iterator[Printed]:
    assert carried.versions is not None, "a file that was changed"
    base = carried.versions.base
    old, new = b"".join(base.lines[edit.first : edit.last]), b"".join(edit.new)
    if _LITERALS.sub(b"", old) != _LITERALS.sub(b"", new):
        return
    before, after = _conversions(old), _conversions(new)
    if len(before) != len(after):
        return
    rest = new + b"".join(base.lines[edit.last : edit.last + _MOST_LINES])
    arguments = arguments_after(rest)
    for number, (was, now) in enumerate(zip(before, after, strict=True)):
        match = _MEMBER.search(arguments[number]) if was != now and number < len(arguments) else None
        tag = _structure_of(match.group(1), carried, edit) if match is not None else None
        if match is not None and tag is not None:
            yield Printed(tag, match.group(2), now)


def _structure_of(variable: bytes, carried: Carried, edit: Edit) -> str | None:
    """The tag of the structure that a variable of the function is or points to; None if the function does not tell."""
    assert carried.versions is not None, "a file that was changed"
    base = carried.versions.base
    block = base.block_at(edit.first, edit.first)
    code = b"".join(base.lines[block.first : block.last + 1]) if block is not None else b""
    declared = re.search(rb"\bstruct\s+(\w+)\s+(?:\*?\w+\s*,\s*)*\**" + re.escape(variable) + rb"\b", code)
    return declared.group(1).decode() if declared is not None else None


def _conversions(code: bytes) -> Sequence[bytes]:
    return [one for text in _LITERALS.findall(code) for one in _CONVERSION.findall(text) if one != b"%%"]


def arguments_after(code: bytes) -> list[bytes]:
    r"""The arguments of a call behind its format, up to the end of the call.

    >>> arguments_after(b'printk(KERN_INFO "%d %x\\n", f(a, b), c->d);')
    [b'f(a, b)', b'c->d']
    """
    literals = list(_LITERALS.finditer(code.partition(b";")[0] + b";")) or list(_LITERALS.finditer(code))
    text, depth, found = code[literals[-1].end() :] if literals else b"", 0, [b""]
    for at in range(len(text)):
        char = text[at : at + 1]
        depth += (char in b"([{") - (char in b")]}")
        if depth < 0:
            break
        if char == b"," and depth == 0:
            found.append(b"")
        else:
            found[-1] += char
    return [one.strip() for one in found[1:]]


def _types(printed: Printed, source: BlobSource, path: RepoPath) -> frozenset[bytes]:
    """The types that the member is declared with in structures of this name, as words."""
    member = re.escape(printed.member)
    declared = re.compile(rb"^[ \t]+((?:\w+[ \t]+)+\**)" + member + rb"[ \t]*(?:\[[^\]]*\])?;", re.MULTILINE)
    found = set()
    for file in (path, *find_headers(source, path)):
        data = source.read(file) or b""
        if printed.member not in data or printed.structure.encode() not in data:
            continue
        text = Text.of(file, data)
        for block in text.block_names.get(f"struct {printed.structure}", ()):
            found.update(declared.findall(b"".join(text.lines[block.first : block.last + 1])))
    return frozenset(b" ".join(one.split()) for one in found)
