"""Tells a slot that got another name from one that died while another was born."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .states import SlotState, Tables, TableState, squeezed

DefaultOf = Callable[[str, str], str]
"""The default function of a table's slot, "" where it has none or that is not known."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A slot and its table."""

    table: TableState
    slot: SlotState


@dataclass(frozen=True, slots=True)
class Rename:
    """`because`: what the two have in common besides the signature."""

    old: Placed
    new: Placed
    because: str


def find_renames(
    before: Tables,
    now: Tables,
    removed: Sequence[Placed],
    added: Sequence[Placed],
    *,
    old_default: DefaultOf,
    new_default: DefaultOf,
) -> tuple[Rename, ...]:
    """Pairs of a removed and an added slot of the same signature, whatever the name in it.

    Besides, they must have a default function that no other slot of their tables has, or the same own name (then the
    slot moved), or the same place between the slots that stayed. The better reason goes first; each slot is used once.
    """
    pairs = [
        (old, new)
        for old in removed
        for new in added
        if anonymous(old.slot.signature, old.slot.path) == anonymous(new.slot.signature, new.slot.path)
    ]
    if not pairs:
        return ()
    old_own = _own_defaults([pair[0].table for pair in pairs], old_default)
    new_own = _own_defaults([pair[1].table for pair in pairs], new_default)
    ranked: list[tuple[int, int, Rename]] = []
    for number, (old, new) in enumerate(pairs):
        default = old_own.get((old.table.name, old.slot.path), "")
        if default and default == new_own.get((new.table.name, new.slot.path)):
            ranked.append((0, number, Rename(old, new, f"the same default, {default}")))
        elif _own_name(old) == _own_name(new):
            # A struct that is renamed keeps its place: of several equal names that one is meant.
            ranked.append((1 if old.table.name == new.table.name else 2, number, Rename(old, new, "the same name")))
        elif old.table.name == new.table.name and (
            _place(old, now.get(old.table.name)) == _place(new, before.get(new.table.name))
        ):
            ranked.append((3, number, Rename(old, new, "the same place")))
    chosen: list[Rename] = []
    for _, _, rename in sorted(ranked, key=lambda item: item[:2]):
        if all(rename.old != one.old and rename.new != one.new for one in chosen):
            chosen.append(rename)
    return tuple(chosen)


def anonymous(signature: str, path: str) -> str:
    """`signature` without the declared name, and without the space that C does not need.

    >>> anonymous("void (*reserve)(u64 reserve)", "mapping.reserve")
    'void(*)(u64 reserve)'
    """
    name = re.escape(path.rpartition(".")[2])
    return re.sub(rf"\b{name}\b(?=[\[)])|\b{name}$", "", squeezed(signature), count=1)


def _own_name(placed: Placed) -> str:
    return placed.slot.path.rpartition(".")[2]


def _own_defaults(tables: list[TableState], default_of: DefaultOf) -> dict[tuple[str, str], str]:
    """The defaults that serve one slot only: a function that does nothing says nothing."""
    found: dict[tuple[str, str], str] = {}
    for table in {table.name: table for table in tables}.values():
        defaults = {slot.path: default_of(table.name, slot.path) for slot in table.slots}
        often = Counter(defaults.values())
        for path, default in defaults.items():
            if default not in ("", "NULL") and often[default] == 1:
                found[table.name, path] = default
    return found


def _place(placed: Placed, other: TableState | None) -> tuple[str, int]:
    """The slot before it that `other` has, too, and how many come between."""
    stayed = {slot.path for slot in other.slots} if other is not None else set()
    before, between = "", 0
    for slot in placed.table.slots:
        if slot.path == placed.slot.path:
            break
        before, between = (slot.path, 0) if slot.path in stayed else (before, between + 1)
    return before, between
