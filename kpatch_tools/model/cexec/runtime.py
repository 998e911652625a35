"""What translated code finds in its globals, besides functions and the memory's accessors."""

from collections.abc import Callable
from typing import NoReturn

from kpatch_tools.core.ids import RepoPath

from .calls import BIT_FUNCTIONS, swap_bytes
from .errors import Trap, Unsupported
from .memory import DataMemory


class FunctionTable(dict[int, Callable[..., object]]):
    """Functions by address: `resolve` finds one that is called for the first time; None for no function."""

    def __init__(self, resolve: Callable[[int], Callable[..., object] | None]) -> None:
        super().__init__()
        self._resolve = resolve

    def __missing__(self, address: int) -> Callable[..., object]:
        function = self._resolve(address)
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


def globals_for(memory: DataMemory, *, stack: int, stack_end: int, functions: FunctionTable) -> dict[str, object]:
    """The globals of translated code."""
    view = memoryview(memory.data)
    scope: dict[str, object] = {
        "SP": [stack],
        "STACK_END": stack_end,
        "DATA": memory.data_base,
        "ONCE": (0,),
        "FN": functions,
        "cdiv": divide,
        "cmod": remainder,
        "unsupported": unsupported,
        "unreachable": unreachable,
        "stack_overflow": stack_overflow,
        "swap_bytes": swap_bytes,
        **BIT_FUNCTIONS,
    }
    scope.update(KQ=view.cast("Q"), KI=view.cast("I"), KH=view.cast("H"), KB=view)
    scope.update(Kq=view.cast("q"), Ki=view.cast("i"), Kh=view.cast("h"), Kb=view.cast("b"))
    scope.update(memory.accessors())
    return scope
