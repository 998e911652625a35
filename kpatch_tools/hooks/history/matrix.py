"""Tables x slots x platforms x versions: who fills what, and in which versions."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kpatch_tools.core.span import Location
from kpatch_tools.hooks.tables.atlas import HookTable, Slot

from .platforms import platform_of

Versions = tuple[bool, ...]
"""In which of the matrix's revisions something is there, in their order."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A function, a signature or a type, with the versions that have it.

    `places`: where, each with the revisions that have it there; lines are those of the last of them.
    """

    text: str
    versions: Versions
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotRow:
    """`path` from the table on. `platforms`: what each puts into the slot; one that leaves it alone is not in it.

    `callers`: the functions that call through the slot, "" for a call outside of any.
    """

    path: str
    versions: Versions
    signatures: tuple[Entry, ...]
    defaults: tuple[Entry, ...]
    platforms: Mapping[str, tuple[Entry, ...]]
    callers: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class TableMatrix:
    """`rows` in the last version's order of declaration. `platforms`: who overrides most slots comes first."""

    name: str
    versions: Versions
    types: tuple[Entry, ...]
    platforms: tuple[str, ...]
    rows: tuple[SlotRow, ...]


@dataclass(slots=True)
class _Entries:
    """Grows revision by revision."""

    revisions: int
    found: dict[str, set[int]] = field(default_factory=dict)
    places: dict[str, dict[tuple[str, str | None], tuple[Location, list[int]]]] = field(default_factory=dict)

    def note(self, text: str, revision: int, place: Location | None = None) -> None:
        self.found.setdefault(text, set()).add(revision)
        if place is None:
            return
        known = self.places.setdefault(text, {})
        _, before = known.get((place.file, place.function), (place, []))
        known[place.file, place.function] = (place, [*before, revision])

    def entries(self, names: Sequence[str]) -> tuple[Entry, ...]:
        return tuple(
            Entry(text, versions_of(numbers, self.revisions), tuple(self._places(text, names)))
            for text, numbers in self.found.items()
        )

    def _places(self, text: str, names: Sequence[str]) -> Iterable[str]:
        for location, numbers in self.places.get(text, {}).values():
            within = f", in {location.function}" if location.function else ""
            yield f"{location}{within} ({spell(versions_of(numbers, self.revisions), names)})"


@dataclass(slots=True)
class _Row:
    revisions: int
    there: set[int] = field(default_factory=set)
    signatures: _Entries = field(init=False)
    defaults: _Entries = field(init=False)
    callers: _Entries = field(init=False)
    platforms: dict[str, _Entries] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.signatures = _Entries(self.revisions)
        self.defaults = _Entries(self.revisions)
        self.callers = _Entries(self.revisions)

    def note(self, table: str, slot: Slot, revision: int) -> None:
        self.there.add(revision)
        self.signatures.note(slot.signature, revision, slot.location)
        for default in slot.defaults:
            self.defaults.note(default.function, revision, default.location)
        for override in slot.overrides:
            platform = platform_of(override, f"{table}.{slot.path}")
            entries = self.platforms.setdefault(platform, _Entries(self.revisions))
            entries.note(override.function, revision, override.location)
        for place in slot.call_sites:
            self.callers.note(place.function or "", revision, place)


def build_matrix(sides: Sequence[tuple[str, Sequence[HookTable]]]) -> tuple[TableMatrix, ...]:
    """The tables of some revisions, each with its name, as matrices in order of first sight."""
    names = [name for name, _ in sides]
    tables = dict.fromkeys(table.name for _, found in sides for table in found)
    return tuple(
        _matrix(name, [next((one for one in found if one.name == name), None) for _, found in sides], names)
        for name in tables
    )


def _matrix(name: str, tables: Sequence[HookTable | None], names: Sequence[str]) -> TableMatrix:
    rows: dict[str, _Row] = {}
    types = _Entries(len(names))
    for number, table in enumerate(tables):
        if table is None:
            continue
        types.note(table.type, number, Location(table.file, table.line))
        for slot in table.slots:
            rows.setdefault(slot.path, _Row(len(names))).note(name, slot, number)
    often = Counter(platform for row in rows.values() for platform in row.platforms)
    return TableMatrix(
        name,
        tuple(table is not None for table in tables),
        types.entries(names),
        tuple(sorted(often, key=lambda platform: (-often[platform], platform))),
        tuple(
            SlotRow(
                path,
                versions_of(rows[path].there, len(names)),
                rows[path].signatures.entries(names),
                rows[path].defaults.entries(names),
                {platform: entries.entries(names) for platform, entries in rows[path].platforms.items()},
                rows[path].callers.entries(names),
            )
            for path in _order([[slot.path for slot in table.slots] for table in tables if table is not None])
        ),
    )


def _order(lists: Sequence[Sequence[str]]) -> list[str]:
    """All paths; those that only older versions have stand behind the one that they followed there."""
    order: list[str] = []
    for paths in reversed(lists):
        at = 0
        for path in paths:
            if path in order:
                at = order.index(path) + 1
            else:
                order.insert(at, path)
                at += 1
    return order


def versions_of(numbers: Iterable[int], count: int) -> Versions:
    """
    >>> versions_of([0, 2], 3)
    (True, False, True)
    """
    wanted = set(numbers)
    return tuple(number in wanted for number in range(count))


def spell(versions: Versions, names: Sequence[str]) -> str:
    """Versions in words, neighbours drawn together.

    >>> spell((True, True, True, False, True), ["a", "b", "c", "d", "e"])
    'a to c, e'
    """
    runs: list[list[str]] = []
    before = False
    for there, name in zip(versions, names, strict=True):
        if there:
            if before:
                runs[-1].append(name)
            else:
                runs.append([name])
        before = there
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)
