"""Offsets of a struct's members, for code that looks at the guest's data from outside."""

import re

from kpatch_tools.core.errors import KpatchError

from .types import Array, CType, Field, Record

_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+)\]")


class Struct:
    """A record, addressed by member paths such as `memory.regions[2].base`."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._members: dict[str, Field] = {}

    @property
    def size(self) -> int:
        """In bytes."""
        return self.record.size

    def has(self, path: str) -> bool:
        try:
            self.member(path)
        except KpatchError:
            return False
        return True

    def offset(self, path: str) -> int:
        """In bytes from the start of the struct. KpatchError `unknown-member`."""
        return self.member(path).offset

    def type(self, path: str) -> CType:
        """The member's type."""
        return self.member(path).type

    def member(self, path: str) -> Field:
        """The member, its offset counted from the start of the struct."""
        known = self._members.get(path)
        if known is None:
            known = self._members[path] = self._find(path)
        return known

    def _find(self, path: str) -> Field:
        kind: CType = self.record
        offset = 0
        found: Field | None = None
        for match in _STEP.finditer(path):
            if match[1] is not None:
                field = kind.layout.fields.get(match[1]) if isinstance(kind, Record) else None
                if field is None:
                    raise KpatchError("unknown-member", f"{self.record} has no '{path}'")
                offset += field.offset
                found, kind = field, field.type
            else:
                if not isinstance(kind, Array):
                    raise KpatchError("unknown-member", f"{self.record} has no '{path}'")
                kind = kind.of
                offset += int(match[2]) * kind.size
        if found is None:
            raise KpatchError("unknown-member", f"'{path}' names no member of {self.record}")
        return Field(found.name, offset, kind, found.shift, found.width)
