"""The parts of a hook, as everybody here names them."""

from enum import StrEnum


class HookPart(StrEnum):
    """In the order of the call: what declares the slot, what fills it, who calls it, who overrides it."""

    DECLARATION = "declaration"
    """The slot in its sub-table, and the sub-table in the hook table's type."""
    INITIALISER = "initialiser"
    """The default, in the hook table's own initialiser; with the macro that stands for it there, if any."""
    PROTOTYPE = "prototype"
    """The default function's prototype, in a header."""
    DEFAULT = "default"
    """The default function."""
    CALL = "call"
    """The call through the slot."""
    OVERRIDE = "override"
    """The platform's own function."""
    ASSIGNMENT = "assignment"
    """Where the platform sets the slot to it."""
