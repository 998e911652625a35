"""What translated code finds in its globals, besides functions and the memory's accessors."""

from collections.abc import Callable, Iterator
from typing import NoReturn

from kpatch_tools.core.ids import RepoPath

from .access import VIEWS
from .bits import BIT_FUNCTIONS, swap_bytes
from .errors import Trap, Unsupported
from .memory import DataMemory
from .types import BOOL, CType, Integer, scalar_of

Resolve = Callable[[int, str], Callable[..., object] | None]
"""The function at an address, its result in the range that the table's key says; None where no function is."""


def table_name(kind: CType) -> str:
    """The name of the table for calls through pointers whose function type returns `kind`."""
    scalar = scalar_of(kind)
    if scalar is None:
        return "FN"
    if scalar is BOOL:
        return "FN_bool"
    signed = isinstance(scalar, Integer) and scalar.signed
    return f"FN_{'s' if signed else 'u'}{scalar.size}"


class FunctionTable(dict[int, Callable[..., object]]):
    """Functions by address, for calls through pointers of one kind; filled when an address is first called.

    A pointer may have been cast: so there is a table per range of results, and what it holds keeps to that range.
    """

    def __init__(self, name: str, resolve: Resolve) -> None:
        super().__init__()
        self._name = name
        self._resolve = resolve

    def __missing__(self, address: int) -> Callable[..., object]:
        function = self._resolve(address, self._name)
        if function is None:
            raise Trap("wild-call", f"call of {address:#x}, where no function is", address)
        self[address] = function
        return function


def divide(left: int, right: int) -> int:
    """C's `/`: towards zero. Trap for a divisor of 0."""
    if right == 0:
        raise Trap("divide-error", "division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def remainder(left: int, right: int) -> int:
    """C's `%`: of the sign of `left`."""
    return left - divide(left, right) * right


def unsupported(file: str, line: int, construct: str) -> NoReturn:
    """The place of a construct that could not be translated was reached."""
    raise Unsupported((RepoPath(file), line), construct)


def unreachable() -> NoReturn:
    raise Trap("unreachable", "__builtin_unreachable() was reached")


def stack_overflow() -> NoReturn:
    raise Trap("stack-overflow", "the C stack is full")


def endless() -> NoReturn:
    raise Trap("endless-loop", "a loop goes round more often than any loop over all of memory would")


def globals_for(
    memory: DataMemory, *, stack: int, stack_end: int, resolve: Resolve, rounds: Callable[[], Iterator[None]]
) -> dict[str, object]:
    """The globals of translated code; `rounds` gives as many values as a loop may go round."""
    view = memoryview(memory.data)
    scope: dict[str, object] = {
        "SP": [stack],
        "STACK_END": stack_end,
        "DATA": memory.data_base,
        "ONCE": (0,),
        "cdiv": divide,
        "cmod": remainder,
        "unsupported": unsupported,
        "unreachable": unreachable,
        "stack_overflow": stack_overflow,
        "rounds": rounds,
        "endless": endless,
        "swap_bytes": swap_bytes,
        **BIT_FUNCTIONS,
    }
    for name in ("FN", "FN_bool", *(f"FN_{letter}{size}" for letter in "su" for size in VIEWS)):
        scope[name] = FunctionTable(name, resolve)
    scope.update(KQ=view.cast("Q"), KI=view.cast("I"), KH=view.cast("H"), KB=view)
    scope.update(Kq=view.cast("q"), Ki=view.cast("i"), Kh=view.cast("h"), Kb=view.cast("b"))
    scope.update(memory.accessors())
    return scope
