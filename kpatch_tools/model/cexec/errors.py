"""What translated code can end with, besides a result and the machine's own faults."""

from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath

Place = tuple[RepoPath, int]
"""File and 1-based line."""


class Unsupported(Exception):  # noqa: N818 - the model's answer is "undetermined", with this as the reason
    """The program reached C that this model does not execute: it says so instead of guessing.

    `place` is None where the construct has no place in the tree (a missing function called from outside).
    """

    def __init__(self, place: Place | None, construct: str) -> None:
        where = f"{place[0]}:{place[1]}: " if place is not None else ""
        super().__init__(where + construct)
        self.place = place
        self.construct = construct


class Trap(Exception):  # noqa: N818 - a verdict about the guest, as a machine fault is
    """The C program did what stops a real CPU: `kind` is "divide-error", "wild-call" (a call through a bad pointer),
    "unreachable", or what would never end: "endless-loop", "stack-overflow".

    `address` is the called address of a wild call.
    """

    def __init__(self, kind: str, message: str, address: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.address = address


@dataclass(frozen=True, slots=True)
class CallFrame:
    """One C function in execution: `line` is the 1-based line of `file` it is at."""

    function: str
    file: RepoPath
    line: int

    def __str__(self) -> str:
        return f"{self.function} ({self.file}:{self.line})"
