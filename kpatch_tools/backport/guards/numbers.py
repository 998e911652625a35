"""numbers-free: an entry of a numbered list is put in where the entries before it are upstream's.

Why: flags and codes are counted up. Where the target lacks the entry before, the number that upstream took is not the
next one there: a maintainer takes another, or takes the missing entry along. A header that user space sees is excused:
its numbers are what upstream says.
"""

import posixpath
import re
from collections.abc import Iterator

from kpatch_tools.backport.merge.edits import Edit
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource

from .values import Carriage, Carried, Objection
from .words import words_of

ID = "numbers-free"
_VALUE = rb"\(?(?:0[xX][0-9a-fA-F]+|\d+|1[uUlL]*[ \t]*<<[ \t]*\d+|BIT\([ \t]*\d+[ \t]*\))[uUlL]*\)?"
_ENTRY = re.compile(
    rb"[ \t]*(?:#[ \t]*define[ \t]+(\w+)[ \t]+|(\w+)[ \t]*=[ \t]*)" + _VALUE + rb"[ \t]*,?[ \t]*(?:/\*.*)?$"
)
_NEAR = 3  # lines that may be between two entries


def object_to_numbers(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk that puts in such an entry after one that the target's file does not mention."""
    for one in carriage.files:
        for edit in one.edits:
            entry, before = _entries(one, edit)
            if entry and before and before not in _words(one) and not _is_exported(one.path, carriage.target):
                why = f"it numbers {entry.decode()} after {before.decode()}, which the target does not have"
                yield Objection(ID, one.path, edit.hunk, why)


def _entries(carried: Carried, edit: Edit) -> tuple[bytes, bytes]:
    """The entry that an insertion begins with, and the one before it upstream; empty where it is no such list."""
    if carried.versions is None or not edit.is_insertion:
        return b"", b""
    added = next((name for line in edit.new if (name := name_of_entry(line))), b"")
    near = reversed(carried.versions.base.lines[max(0, edit.first - _NEAR) : edit.first])
    return added, next((name for line in near if (name := name_of_entry(line))), b"")


def _is_exported(path: RepoPath, target: BlobSource) -> bool:
    """Whether the build installs it for user space: it lies in a folder for such, or its folder's Kbuild lists it."""
    folder, name = posixpath.split(path)
    return "/uapi/" in path or name.encode() in (target.read(RepoPath(f"{folder}/Kbuild")) or b"").split()


def _words(carried: Carried) -> frozenset[bytes]:
    return words_of(carried.ours or b"")


def name_of_entry(line: bytes) -> bytes:
    r"""
    >>> name_of_entry(b"#define F_SYNC\t0x10 /* at once */\n"), name_of_entry(b"\tF_LAST\t= 1 << 4,\n")
    (b'F_SYNC', b'F_LAST')
    >>> name_of_entry(b"\tcount = 1;\n"), name_of_entry(b"#define F_ALL (F_SYNC | F_LAST)\n")
    (b'', b'')
    """
    match = _ENTRY.match(line.rstrip())
    return (match.group(1) or match.group(2)) if match is not None else b""
