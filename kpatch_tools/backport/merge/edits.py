"""What a change does to a file, run by run, in upstream's lines; and what that comes to in the target's."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from kpatch_tools.backport.place import old_index
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.patch import FileDiff, Hunk


@dataclass(frozen=True, slots=True)
class Edit:
    """Upstream's lines first..last (0-based, half open; empty for an insertion before `first`) become `new`.

    `hunk` is the number (1-based) of the hunk it belongs to.
    """

    hunk: int
    first: int
    last: int
    new: tuple[bytes, ...]

    @property
    def is_insertion(self) -> bool:
        return self.first == self.last


@dataclass(frozen=True, slots=True)
class Replacement:
    """The target's lines first..last (0-based, half open) become `new`."""

    first: int
    last: int
    new: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """Some edits carried: what they replace, and how that was found out. `edits` are those it answers for.

    `rule` is the stable id of the strategy, `why` the same in words.
    """

    edits: tuple[Edit, ...]
    replacements: tuple[Replacement, ...]
    kind: HunkClass
    rule: str
    why: str
    learned: tuple[tuple[str, str], ...] = field(default=())


def edits_of(diff: FileDiff) -> tuple[Edit, ...]:
    """The edits of a file's hunks, in order."""
    return tuple(edit for number, hunk in enumerate(diff.hunks, start=1) for edit in hunk_edits(number, hunk))


def hunk_edits(number: int, hunk: Hunk) -> Iterator[Edit]:
    """One edit for each run of removed and added lines."""
    line = old_index(hunk)
    first, open_ = line, False
    new: list[bytes] = []
    for one in hunk.lines:
        if one.kind == " ":
            if open_:
                yield Edit(number, first, line, tuple(new))
            line, open_ = line + 1, False
            continue
        if not open_:
            first, new, open_ = line, [], True
        if one.kind == "-":
            line += 1
        else:
            new.append(one.data)
    if open_:
        yield Edit(number, first, line, tuple(new))


def apply_edits(lines: Sequence[bytes], edits: Iterable[Edit], *, offset: int = 0) -> list[bytes]:
    """`lines`, of which the first is upstream's line `offset`, with the edits made."""
    out: list[bytes] = []
    at = 0
    for edit in sorted(edits, key=lambda one: (one.first, one.last)):
        out += lines[at : edit.first - offset]
        out += edit.new
        at = edit.last - offset
    return out + list(lines[at:])


def apply_replacements(lines: Sequence[bytes], placed: Iterable[Placed]) -> list[bytes] | None:
    """The target's lines with all replacements made; None where two of them overlap."""
    ordered = [one for each in placed for one in each.replacements]
    ordered.sort(key=lambda one: (one.first, one.last))
    out: list[bytes] = []
    at = 0
    for one in ordered:
        if one.first < at:
            return None
        out += lines[at : one.first]
        out += one.new
        at = one.last
    return out + list(lines[at:])
