"""Block scopes: what a name means inside a function."""

from dataclasses import dataclass, field

from .types import CType, Record
from .values import Operand


@dataclass(frozen=True, slots=True)
class LocalType:
    """A typedef inside a function."""

    type: CType


@dataclass(slots=True)
class Scope:
    """One block; `outer` is the block around it, None for the outermost."""

    outer: "Scope | None" = None
    names: dict[str, Operand | LocalType] = field(default_factory=dict)
    tags: dict[tuple[bool, str], Record] = field(default_factory=dict)

    def find(self, name: str) -> Operand | LocalType | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return None

    def find_tag(self, key: tuple[bool, str]) -> Record | None:
        scope: Scope | None = self
        while scope is not None:
            if key in scope.tags:
                return scope.tags[key]
            scope = scope.outer
        return None
