"""What can be asked of the facts of one revision, whoever keeps them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from kpatch_tools.core.ids import RepoPath

from .facts import Assignment, At, Call, Fill, Function, MacroUse, Record, Typedef, Unread, Variable


@dataclass(frozen=True, slots=True)
class Filled:
    """One fill and the variable that it belongs to."""

    variable: Variable
    fill: Fill


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is, and how much of that was not understood; a file counts if any byte of it was not."""

    files: int
    bytes: int
    unread_files: int
    unread_bytes: int


class TreeFacts(Protocol):
    """The facts of the C files of one revision, below `scope` where it is given. Answers are in tree order."""

    def records(self, types: Iterable[str]) -> tuple[At[Record], ...]:
        """Every definition of these types."""
        ...

    def slot_records(self) -> tuple[At[Record], ...]:
        """Every record with a function pointer of its own."""
        ...

    def holders(self, types: Iterable[str]) -> tuple[At[Record], ...]:
        """Every record that has a member of one of the types, or a pointer to one."""
        ...

    def typedefs(self, names: Iterable[str]) -> tuple[At[Typedef], ...]: ...

    def aliases(self, types: Iterable[str]) -> frozenset[str]:
        """Typedefs that name one of these types, or a pointer to one, directly."""
        ...

    def variables_of(self, types: Iterable[str]) -> tuple[At[Variable], ...]: ...

    def variables_named(self, names: Iterable[str]) -> tuple[At[Variable], ...]: ...

    def filled_with(self, values: Iterable[str]) -> tuple[At[Filled], ...]:
        """Every initialiser that names one of these functions."""
        ...

    def assigned(self, values: Iterable[str]) -> tuple[At[Assignment], ...]:
        """Every assignment of one of these functions to a member."""
        ...

    def assignments(self, members: Iterable[str]) -> tuple[At[Assignment], ...]:
        """Every assignment to a member of one of these names, whatever record it belongs to."""
        ...

    def calls(self, members: Iterable[str]) -> tuple[At[Call], ...]: ...

    def functions(self, names: Iterable[str]) -> tuple[At[Function], ...]: ...

    def macros(self, members: Iterable[str]) -> tuple[At[MacroUse], ...]:
        """Every macro whose body reaches a member of one of these names."""
        ...

    def macros_named(self, names: Iterable[str]) -> tuple[At[MacroUse], ...]:
        """Those of them, by their own names."""
        ...

    def unread(self, words: Iterable[str] = ()) -> tuple[At[Unread], ...]:
        """What was not understood; with `words`, only where one of them occurs in it."""
        ...

    def files_with_each(self, words: Iterable[str]) -> dict[str, tuple[RepoPath, ...]]:
        """For each identifier the files that may contain it: never too few, and one in some hundred is too many."""
        ...

    def extent(self) -> Extent: ...

    def kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        """What `make` made when this was first asked for these files: an answer that is long in the making.

        `name` must change with what makes it.
        """
        ...
