"""What the parts of one function's translation share."""

from dataclasses import dataclass, field
from typing import Protocol

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import Node

from .declarations import Declarations
from .emitter import Emitter
from .errors import Unsupported
from .scope import Scope
from .types import VOID, CType, Function
from .values import FRAME, Address, Memory


@dataclass(frozen=True, slots=True)
class Callee:
    """A function as a call sees it: `code` is the Python name to call, `type` None where nothing declares it.

    `exact` says that what it returns is in its type's range: true of translated functions, not of primitives.
    `defined` is false where calling it can only say that it is missing.
    """

    code: str
    type: Function | None
    exact: bool
    defined: bool = True


class Symbols(Protocol):
    """The program around the function: what file-level names stand for."""

    @property
    def declarations(self) -> Declarations: ...

    @property
    def frame_fill(self) -> int | None:
        """The byte that a function's frame is filled with when it is entered; None for none."""
        ...

    @property
    def data_start(self) -> int: ...

    @property
    def data_end(self) -> int: ...

    def variable(self, name: str, file: RepoPath | None) -> Memory | None:
        """The object that `name` means in `file`; allocated and initialised on first use."""
        ...

    def callee(self, name: str, file: RepoPath | None) -> Callee | None:
        """The function that `name` calls in `file`; None for a name that is no function."""
        ...

    def function_type(self, name: str, file: RepoPath | None) -> Function | None:
        """Its type; None where no function of that name is declared."""
        ...

    def function_address(self, name: str, file: RepoPath | None) -> int: ...

    def string_address(self, content: bytes) -> int:
        """The address of a string literal; `content` without its terminating NUL."""
        ...

    def static_object(self, kind: CType, initialiser: Node | None, file: RepoPath, scope: Scope | None) -> Memory:
        """A new object of static duration: a static local, or a compound literal outside of functions."""
        ...


@dataclass(slots=True)
class FunctionContext:
    """One function (or file-level initialiser) under translation.

    `memory_names` are variables whose address is taken somewhere: they live on the C stack, not in Python locals.
    """

    symbols: Symbols
    file: RepoPath
    name: str | None = None
    result: CType = VOID
    emitter: Emitter = field(default_factory=Emitter)
    scope: Scope = field(default_factory=Scope)
    memory_names: frozenset[str] = frozenset()
    frame_size: int = 0
    views: set[int] = field(default_factory=set)
    """Sizes of the scalars that are read or written in the frame through a view."""

    @property
    def declarations(self) -> Declarations:
        return self.symbols.declarations

    def slot(self, kind: CType) -> Memory:
        """Room for an object of `kind` in the function's frame."""
        align = max(8, kind.align)
        offset = -(-self.frame_size // align) * align
        self.frame_size = offset + max(8, -(-kind.size // 8) * 8)
        return Memory(kind, Address(FRAME, offset))

    def unsupported(self, node: Node, construct: str) -> Unsupported:
        return Unsupported(self.declarations.index.place(node), construct)

    def enter(self) -> None:
        self.scope = Scope(self.scope)

    def leave(self) -> None:
        if self.scope.outer is not None:
            self.scope = self.scope.outer
