"""labels-defined: no goto of a function that was changed leads to a label that the function does not have."""

import re
from collections.abc import Iterable, Iterator

from .values import Carriage, Objection
from .words import code_of

ID = "labels-defined"
_GOTO = re.compile(rb"\bgoto\s+(\w+)")
_LABEL = re.compile(rb"^[ \t]*(\w+)[ \t]*:(?!:)", re.MULTILINE)


def object_to_lost_labels(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk of such a function; what the target lacked before is not its fault."""
    for one in carriage.files:
        versions = one.versions
        for edit in one.edits:
            if versions is None or not _touches_labels((*edit.new, *versions.base.lines[edit.first : edit.last])):
                continue
            place = one.place(edit)
            if place is None or not place.base.name.endswith("()"):
                continue
            before = versions.ours.lines[place.ours.first : place.ours.last + 1]
            after = versions.result.lines[place.result.first : place.result.last + 1]
            lost = missing_labels(after) - missing_labels(before)
            if lost:
                listed = ", ".join(sorted(label.decode() for label in lost))
                yield Objection(ID, one.path, edit.hunk, f"{place.base.name} has no label {listed} in the target")


def _touches_labels(lines: Iterable[bytes]) -> bool:
    code = b"".join(lines)
    return _GOTO.search(code) is not None or _LABEL.search(code) is not None


def missing_labels(lines: list[bytes]) -> set[bytes]:
    r"""Where the gotos of one function lead to and nothing is.

    >>> missing_labels([b"int f(void)\n", b"{\n", b"\tgoto out;\n", b"err:\n", b"\treturn 1;\n", b"}\n"])
    {b'out'}
    """
    code = code_of(lines)
    return set(_GOTO.findall(code)) - set(_LABEL.findall(code))
