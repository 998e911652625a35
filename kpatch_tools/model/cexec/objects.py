"""The objects of static duration: variables, string literals, static locals; allocated and initialised on first use."""

from collections.abc import Callable
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import Node

from .context import FunctionContext, Symbols
from .declarations import Declarations
from .encoding import Plain
from .index import Definition, is_damaged
from .memory import DataMemory
from .scope import Scope
from .translator import Translator
from .types import Array, CType
from .values import Address, Memory


@dataclass(frozen=True, slots=True)
class GlobalVariable:
    """A variable that is about to get an address. `defined` is false where the unit only declares it extern.

    `size` in bytes, 0 for an array of unknown length; `attributes` as written, those that concern layout only.
    """

    name: str
    type: CType
    size: int
    align: int
    defined: bool
    attributes: tuple[str, ...]


Placement = Callable[[GlobalVariable], int | None]
"""The address that a variable must have; None leaves it to the data area."""


class Objects:
    """Objects of the unit behind `symbols`, in `memory`."""

    def __init__(self, symbols: Symbols, memory: DataMemory, placement: Placement | None) -> None:
        self._symbols = symbols
        self._memory = memory
        self._placement = placement
        self._variables: dict[int, Memory] = {}
        self._addresses: dict[int, int] = {}
        """Of each variable in use, by the byte offset of its declarator in the unit's text."""
        self._strings: dict[bytes, int] = {}
        self._pending: list[tuple[Memory, Node, RepoPath, Scope | None]] = []
        self._initialising = False
        self.undefined: dict[str, None] = {}
        """Variables in use that are only declared."""

    @property
    def _declarations(self) -> Declarations:
        return self._symbols.declarations

    @property
    def count(self) -> int:
        """Of variables and strings."""
        return len(self._addresses) + len(self._strings)

    def state(self) -> Plain:
        """What exists so far: plain values, for `restore` in a new program over the same unit."""
        return dict(self._addresses), dict(self._strings), tuple(self.undefined)

    def restore(self, state: Plain) -> None:
        """Their allocation and initial contents are the memory's to restore."""
        self._addresses, self._strings, undefined = state
        self.undefined = dict.fromkeys(undefined)

    def variable(self, name: str, file: RepoPath | None) -> Memory | None:
        """The variable that `name` means in `file`."""
        definition = self._declarations.index.variable(name, file)
        if definition is None:
            return None
        return self._variables.get(definition.declarator.id) or self._allocated(definition)

    def string(self, content: bytes) -> int:
        """The address of a string literal; equal ones share it."""
        address = self._strings.get(content)
        if address is None:
            address = self._strings[content] = self._memory.alloc_static(len(content) + 1, 1)
            self._memory.set_initial(address, content + b"\0")
        return address

    def static(self, kind: CType, initialiser: Node | None, file: RepoPath, scope: Scope | None) -> Memory:
        """A new unnamed object."""
        kind = self._complete(kind, initialiser, file, scope)
        place = Memory(kind, Address("", self._memory.alloc_static(max(kind.size, 1), max(kind.align, 8))))
        if initialiser is not None:
            self._initialise(place, initialiser, file, scope)
        return place

    def translator(self, file: RepoPath, scope: Scope | None) -> Translator:
        """A translator for what stands outside of functions."""
        return Translator(FunctionContext(self._symbols, file, scope=Scope(scope)))

    def _allocated(self, definition: Definition) -> Memory:
        initialiser = definition.initialiser
        base = self._declarations.base(definition.node, None)
        _, kind = self._declarations.declare(definition.declarator, base, None)
        kind = self._complete(kind, initialiser, definition.file, None)
        node, declarator = definition.node, definition.declarator
        if (existing := self._addresses.get(declarator.start_byte)) is not None:
            place = self._variables[declarator.id] = Memory(kind, Address("", existing))
            return place
        attributes = self._declarations.index.unit.attributes(node.start_byte, node.end_byte + 1)
        size = 0 if isinstance(kind, Array) and kind.length is None else kind.size
        align = max(kind.align if size else 8, self._declarations.alignment(attributes), 8)
        variable = GlobalVariable(definition.name, kind, size, align, not definition.extern, attributes)
        address = self._placement(variable) if self._placement is not None else None
        if definition.extern:
            self.undefined[definition.name] = None
        if address is None:
            address = self._memory.alloc_static(max(size, 1), align)
        place = self._variables[declarator.id] = Memory(kind, Address("", address))
        self._addresses[declarator.start_byte] = address
        if initialiser is not None:
            self._initialise(place, initialiser, definition.file, None)
        return place

    def _complete(self, kind: CType, initialiser: Node | None, file: RepoPath, scope: Scope | None) -> CType:
        if not isinstance(kind, Array) or kind.length is not None:
            return kind
        return self.translator(file, scope).initialisers.complete(kind, initialiser)

    def _initialise(self, place: Memory, initialiser: Node, file: RepoPath, scope: Scope | None) -> None:
        """Give a static object its initial bytes. Objects that it refers to follow, not nested: chains can be long."""
        self._pending.append((place, initialiser, file, scope))
        if self._initialising:
            return
        self._initialising = True
        try:
            while self._pending:
                target, node, where, inside = self._pending.pop()
                if is_damaged(node):
                    raise self._declarations.unsupported(node, "an unparsed initialiser")
                translator = self.translator(where, inside)
                content = translator.initialisers.content(target.type, node)
                if translator.context.emitter.lines:
                    raise self._declarations.unsupported(node, "an initialiser that needs code")
                self._memory.set_initial(target.address.offset, content)
        finally:
            self._initialising = False
            self._pending.clear()
