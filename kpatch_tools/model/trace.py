"""What a boot tells whoever watches it: events, in order."""

from dataclasses import dataclass
from typing import Protocol

from kpatch_tools.core.ids import Pfn


@dataclass(frozen=True, slots=True)
class StageBegun:
    """The boot enters a stage; `name` is stable, e.g. "map-memory"."""

    name: str


@dataclass(frozen=True, slots=True)
class Printed:
    """The kernel printed a line (level prefix and newline removed)."""

    text: str


@dataclass(frozen=True, slots=True)
class PageTaken:
    """Early boot code takes `count` free bytes at `address` (pseudo-physical), to zero them through the direct map."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class BecameTable:
    """A frame became a page table of `level`, or stopped being one (`level` 0)."""

    pfn: Pfn | None
    level: int


@dataclass(frozen=True, slots=True)
class RightsChanged:
    """A hypercall made a page of the direct map writable, or read-only; the page stays mapped."""

    pfn: Pfn
    writable: bool


Event = StageBegun | Printed | PageTaken | BecameTable | RightsChanged


class Tracer(Protocol):
    """Called with every event of a boot, in order; must not touch the machine."""

    def __call__(self, event: Event, /) -> None: ...


def ignore(_event: Event) -> None:
    """The tracer that watches nothing."""
