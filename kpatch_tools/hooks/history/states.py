"""The tables of one commit, put together from what its headers say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location

from .headers import HeaderText, StructText


@dataclass(frozen=True, slots=True)
class SlotState:
    """`path` from the table on. `signature`: its declaration in one line."""

    path: str
    signature: str
    location: Location

    def has_type_of(self, other: "SlotState") -> bool:
        """Whether both are declared alike, whatever the space between."""
        return squeezed(self.signature) == squeezed(other.signature)


def squeezed(signature: str) -> str:
    """A declaration without the space that C does not need.

    >>> squeezed("struct page *(*get) (int  cpu)")
    'struct page*(*get)(int cpu)'
    """
    return re.sub(r"\s*([^\w\s])\s*", r"\1", " ".join(signature.split()))


@dataclass(frozen=True, slots=True)
class TableState:
    """`type` as C spells it. `damaged`: where a parse error is inside of its struct or of one that is nested in it."""

    name: str
    type: str
    location: Location
    slots: tuple[SlotState, ...]
    damaged: tuple[Location, ...] = ()

    def slot(self, path: str) -> SlotState | None:
        return next((slot for slot in self.slots if slot.path == path), None)


Tables = Mapping[str, TableState]
"""The tables of one commit by name."""


def tables_of(headers: Mapping[RepoPath, HeaderText]) -> Tables:
    """Every variable of a struct type with slots. The struct is looked up where it is named, then in all `headers`."""
    homes: dict[str, list[RepoPath]] = {}
    for path, header in headers.items():
        for struct in header.structs:
            homes.setdefault(struct.tag, []).append(path)
    found: dict[str, TableState] = {}
    for path, header in headers.items():
        for extern in header.externs:
            if extern.name in found or extern.tag not in homes:
                continue
            damaged: dict[Location, None] = {}
            slots = tuple(_slots(headers, homes, extern.tag, path, "", (), damaged))
            if slots:
                location = Location(path, extern.line)
                # Where a conditional chooses between two declarations of one member, the last one counts.
                by_path = {slot.path: slot for slot in slots}
                found[extern.name] = TableState(
                    extern.name, f"struct {extern.tag}", location, tuple(by_path.values()), tuple(damaged)
                )
    return found


def _slots(
    headers: Mapping[RepoPath, HeaderText],
    homes: Mapping[str, list[RepoPath]],
    tag: str,
    near: RepoPath,
    prefix: str,
    around: tuple[str, ...],
    damaged: dict[Location, None],
) -> Iterator[SlotState]:
    files = homes.get(tag, ())
    if not files or tag in around:
        return
    file = near if near in files else files[0]
    struct = _struct(headers[file], tag)
    if struct.damaged:
        damaged[Location(file, struct.line)] = None
    for field in struct.fields:
        if field.tag:
            yield from _slots(headers, homes, field.tag, file, f"{prefix}{field.path}.", (*around, tag), damaged)
        else:
            yield SlotState(prefix + field.path, field.signature, Location(file, field.line))


def _struct(header: HeaderText, tag: str) -> StructText:
    return next(struct for struct in header.structs if struct.tag == tag)
