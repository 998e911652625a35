"""Which lines of a C file belong to which function."""

from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import function_name, functions, parse_c


@dataclass(frozen=True, slots=True)
class FunctionRange:
    """Lines `first`..`last` (1-based, both included) are a definition of `name`."""

    name: str
    first: int
    last: int


def find_functions(path: RepoPath, data: bytes) -> tuple[FunctionRange, ...]:
    """The function definitions of a C file, in file order; none in a file of another kind."""
    if not path.endswith((".c", ".h")):
        return ()
    return tuple(
        FunctionRange(name, node.start_point.row + 1, node.end_point.row + 1)
        for node in functions(parse_c(data))
        if (name := function_name(node)) is not None
    )
