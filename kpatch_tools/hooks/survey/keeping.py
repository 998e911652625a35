"""The list of types as bytes: it takes seconds to make, and is the same each time it is asked for of a revision."""

import hashlib
import json
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.query import TreeFacts

from .atlas import Instance, TableKind, TableType, TypeSlot


def kept_tables(facts: TreeFacts, make: Callable[[], tuple[TableType, ...]]) -> tuple[TableType, ...]:
    """What `make` makes, or made for the same files before."""
    return _decode(facts.kept(f"types {_version()}", lambda: _encode(make())))


@cache
def _version() -> str:
    """A digest of the code that the list depends on and the index's version does not."""
    digest = hashlib.sha256()
    folder = Path(__file__).resolve().parent
    for path in (*sorted(folder.glob("*.py")), folder.parent / "index" / "answers.py"):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _encode(tables: tuple[TableType, ...]) -> bytes:
    rows = [
        (
            *(table.type, _place(table.location), table.kind.value),
            [(slot.path, slot.signature, _place(slot.location)) for slot in table.slots],
            [
                (
                    item.name,
                    _place(item.location),
                    item.prefix,
                    item.private,
                    item.array,
                    item.elements,
                    item.annotation,
                )
                for item in table.instances
            ],
        )
        for table in tables
    ]
    return zlib.compress(json.dumps(rows, separators=(",", ":"), check_circular=False).encode("ascii"), 1)


def _place(location: Location) -> tuple[str, int, str | None]:
    return location.file, location.line, location.function


def _decode(kept: bytes) -> tuple[TableType, ...]:
    return tuple(_table(row) for row in json.loads(zlib.decompress(kept)))


def _table(row: Any) -> TableType:
    type_name, place, kind, slots, instances = row
    return TableType(
        type_name,
        Location(*place),
        TableKind(kind),
        tuple(TypeSlot(path, signature, Location(*at)) for path, signature, at in slots),
        tuple(Instance(name, Location(*at), *rest) for name, at, *rest in instances),
    )
