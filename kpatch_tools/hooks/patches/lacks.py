"""What a hook may need and a target may lack."""

from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.core.span import Location


class Need(StrEnum):
    """What a hook may need and a target may lack."""

    SITE = "reserve-site"
    RESERVE = "reserve-function"
    BUFFER = "buffer"
    VISIBILITY = "visibility"
    DEFINITION = "definition"
    TABLE = "table"
    INSTALLER = "installer"
    PREMISE = "premise"
    CALL = "call-site"
    """A place for the call."""
    DEFAULT = "default"
    """A function for the default."""
    SIGNATURE = "signature"
    """That a function takes and returns what the slot does."""
    SYNTAX = "syntax"
    """That the code around an insertion point is understood as C."""
    ABSENCE = "absence"
    """That the hook, or a part of it, is not there already."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that was looked for and not found, or not as it must be. `where`: the nearest place; None if none."""

    need: Need
    message: str
    where: Location | None = None
