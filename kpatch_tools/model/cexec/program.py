"""A unit's C as something that can be called."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType, TracebackType
from typing import cast

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import Node
from kpatch_tools.syntax.translation_unit import parse_expression

from .access import VIEWS
from .context import Callee, FunctionContext
from .declarations import Declarations
from .errors import CallFrame, Trap, Unsupported
from .function import Translated, translate_function
from .index import Definition, Index, child_of
from .memory import DataMemory
from .runtime import FunctionTable, globals_for
from .scope import Scope
from .structs import Struct
from .translator import Translator
from .types import Array, CType, Function, Integer, Pointer, scalar_of, wrap
from .unit import Unit
from .values import Address, Memory

_TEXT_BASE = 0xFFFFFFFF81000000
_TEXT_STEP = 16
_STACK_SIZE = 1 << 19


@dataclass(frozen=True, slots=True)
class Primitive:
    """A Python function in the place of a C function of the same name.

    It gets one int per argument (bytes for a struct by value) and returns an int, or None from a void function.
    `result` is the C return type where no declaration in the tree says it, as C spells it.
    """

    function: Callable[..., object]
    result: str = ""


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


class Program:
    """Executes functions of `unit` in `memory`; each is translated when it is first called.

    `primitives` replace functions, or supply ones that the unit only declares. `placement` may put a variable outside
    the data area: a linker symbol, or a page table that must be a frame of its own.
    """

    def __init__(
        self,
        unit: Unit,
        memory: DataMemory,
        primitives: Mapping[str, Primitive | Callable[..., object]] | None = None,
        *,
        placement: Placement | None = None,
    ) -> None:
        self.unit = unit
        self.memory = memory
        self.index = Index(unit.translation)
        self._declarations = Declarations(self.index)
        self._declarations.constant = self._constant
        self._declarations.type_of = self._type_of
        self._placement = placement
        self._primitives = {
            name: item if isinstance(item, Primitive) else Primitive(item) for name, item in (primitives or {}).items()
        }
        self._objects: dict[int, Memory] = {}
        self._undefined: dict[str, None] = {}
        self._strings: dict[bytes, int] = {}
        self._types: dict[int, Function] = {}
        self._primitive_types: dict[str, Function | None] = {}
        self._addresses: dict[str, int] = {}
        self._functions_at: dict[int, tuple[str, Callee]] = {}
        self._python_names: dict[int, str] = {}
        self._translated: dict[int, Translated] = {}
        self._pending: list[tuple[Memory, Node, RepoPath, Scope | None]] = []
        self._initialising = False
        self._fault_chain: tuple[CallFrame, ...] = ()
        stack = memory.alloc_static(_STACK_SIZE, 4096)
        self._stack = stack
        self._globals = globals_for(
            memory, stack=stack, stack_end=stack + _STACK_SIZE - 4096, functions=FunctionTable(self._function_at)
        )
        self._globals["missing"] = self._missing
        for name, primitive in self._primitives.items():
            self._globals[f"F_{name}"] = primitive.function

    # What the unit has

    @property
    def declarations(self) -> Declarations:
        return self._declarations

    @property
    def data_start(self) -> int:
        return self.memory.data_base

    @property
    def data_end(self) -> int:
        return self.memory.data_base + len(self.memory.data)

    @property
    def compiled(self) -> tuple[str, ...]:
        """The names of the functions translated so far, in that order."""
        return tuple(translated.name for translated in self._translated.values())

    @property
    def undefined_globals(self) -> tuple[str, ...]:
        """Variables in use that the unit only declares: they start as zero, or where `placement` put them."""
        return tuple(self._undefined)

    def has_function(self, name: str) -> bool:
        """Whether the unit defines a function of that name; a primitive alone does not count."""
        return name in self.index.functions

    def has_global(self, name: str) -> bool:
        """Whether the unit declares a variable of that name."""
        return name in self.index.variables

    def has_member(self, tag: str, path: str) -> bool:
        """Whether `struct tag` is defined and has the member."""
        return (False, tag) in self.index.tags and self.struct(tag).has(path)

    def struct(self, tag: str) -> Struct:
        """The layout of `struct tag`. KpatchError `unknown-struct`."""
        if (False, tag) not in self.index.tags:
            raise KpatchError("unknown-struct", f"the tree does not define struct {tag}")
        return Struct(self._declarations.record(tag))

    def type_of(self, name: str) -> CType:
        """The type of a variable or function. KpatchError `unknown-symbol`."""
        found = self.variable(name, None)
        if found is not None:
            return found.type
        kind = self.function_type(name, None)
        if kind is None:
            raise _unknown(name)
        return kind

    def constant(self, expression: str) -> int:
        """The value of a constant expression in the unit's terms: an enumeration constant, `sizeof(struct x)`."""
        node = parse_expression(expression)
        if node is None:
            raise KpatchError("bad-expression", f"'{expression}' is no C expression")
        return self._constant(node, None)

    def source_of(self, name: str) -> str:
        """The Python source that `name` was translated to; translates it if need be."""
        definition = self.index.function(name)
        if definition is None:
            raise _unknown(name)
        return translate_function(definition, f"F_{name}", self).source

    # Execution

    def call(self, name: str, *arguments: int) -> int:
        """Call a function; a void one gives 0. Arguments are converted to the parameters' types.

        What stops it: Unsupported, Trap, and whatever the memory or a primitive raises.
        """
        callee = self.callee(name, None)
        if callee is None:
            raise _unknown(name)
        if callee.code.startswith("missing"):
            raise Unsupported(None, f"function '{name}' is not defined in the unit")
        return self._call(callee, arguments)

    def call_address(self, address: int, *arguments: int) -> int:
        """Call the function at `address`, as C does through a pointer; see `call`."""
        known = self._functions_at.get(address)
        if known is None:
            raise Trap("wild-call", f"call of {address:#x}, where no function is", address)
        return self._call(known[1], arguments)

    def _call(self, callee: Callee, arguments: tuple[int, ...]) -> int:
        parameters = callee.type.parameters if callee.type is not None else ()
        converted = [
            wrap(argument, scalar)
            if position < len(parameters) and (scalar := scalar_of(parameters[position][1]))
            else argument
            for position, argument in enumerate(arguments)
        ]
        function = cast("Callable[..., int | None]", self._globals[callee.code])
        stack = cast("list[int]", self._globals["SP"])
        level = stack[0]
        try:
            return int(function(*converted) or 0)
        except BaseException as error:
            self._fault_chain = tuple(self._frames_of(error.__traceback__))
            place = (self._fault_chain[0].file, self._fault_chain[0].line) if self._fault_chain else None
            if isinstance(error, UnboundLocalError) and place is not None:
                raise Unsupported(place, f"read of an uninitialised variable ({_variable_in(error)})") from error
            if isinstance(error, ZeroDivisionError) and place is not None:
                raise Trap("divide-error", f"division by zero at {place[0]}:{place[1]}") from error
            if isinstance(error, RecursionError):
                raise Trap("stack-overflow", "the calls nest too deeply") from error
            raise
        finally:
            stack[0] = level

    def call_chain(self) -> tuple[CallFrame, ...]:
        """The C functions in execution, innermost first; outside of any call, those of the last one stopped."""
        running = tuple(self._frames_from(sys._getframe(1)))
        return running or self._fault_chain

    def reset(self) -> None:
        """Back to initial data; translations stay."""
        self.memory.reset()
        cast("list[int]", self._globals["SP"])[0] = self._stack
        self._fault_chain = ()

    # Data

    def address_of(self, name: str) -> int:
        """The address of a variable or function. KpatchError `unknown-symbol`."""
        found = self.variable(name, None)
        if found is not None:
            return found.address.offset
        if name not in self.index.functions and name not in self.index.prototypes and name not in self._primitives:
            raise _unknown(name)
        return self.function_address(name, None)

    def read_global(self, name: str) -> int:
        """The value of a scalar variable, or of one that wraps a scalar."""
        address, kind = self._scalar_global(name)
        letter = "s" if isinstance(kind, Integer) and kind.signed else ""
        load = cast("Callable[[int], int]", self._globals[f"ld{letter}{kind.size}"])
        return load(address)

    def write_global(self, name: str, value: int) -> None:
        """Set a scalar variable; `value` is converted to its type."""
        address, kind = self._scalar_global(name)
        store = cast("Callable[[int, int], None]", self._globals[f"st{kind.size}"])
        store(address, wrap(value, kind))

    def string(self, address: int) -> str:
        """The NUL-terminated string at the address, as Latin-1."""
        load = cast("Callable[[int], int]", self._globals["ld1"])
        out = bytearray()
        while (byte := load(address + len(out))) != 0:
            out.append(byte)
        return out.decode("latin-1")

    def function_name(self, address: int) -> str | None:
        """The function at an address that `function_address` gave out."""
        known = self._functions_at.get(address)
        return None if known is None else known[0]

    # What translated code refers to

    def variable(self, name: str, file: RepoPath | None) -> Memory | None:
        definition = self.index.variable(name, file)
        if definition is None:
            return None
        known = self._objects.get(definition.declarator.id)
        return known or self._allocate_variable(definition)

    def callee(self, name: str, file: RepoPath | None) -> Callee | None:
        if name in self._primitives:
            return Callee(f"F_{name}", self.function_type(name, file), exact=False)
        definition = self.index.function(name, file)
        if definition is not None:
            return Callee(self._python_name(definition), self.function_type(name, file), exact=True)
        if name in self.index.prototypes:
            return Callee(f"missing({name!r})", self.function_type(name, file), exact=False)
        return None

    def function_type(self, name: str, file: RepoPath | None) -> Function | None:
        definition = self.index.function(name, file) or self.index.prototypes.get(name)
        if definition is None:
            return self._primitive_type(name)
        key = definition.declarator.id
        known = self._types.get(key)
        if known is None:
            base = self._declarations.base(definition.node, None)
            _, kind = self._declarations.declare(definition.declarator, base, None)
            if not isinstance(kind, Function):
                return None
            known = self._types[key] = kind
        return known

    def function_address(self, name: str, file: RepoPath | None) -> int:
        callee = self.callee(name, file)
        if callee is None:
            raise _unknown(name)
        key = callee.code
        address = self._addresses.get(key)
        if address is None:
            address = self._addresses[key] = _TEXT_BASE + _TEXT_STEP * (len(self._addresses) + 1)
            self._functions_at[address] = (name, callee)
        return address

    def string_address(self, content: bytes) -> int:
        address = self._strings.get(content)
        if address is None:
            address = self._strings[content] = self.memory.alloc_static(len(content) + 1, 1)
            self.memory.set_initial(address, content + b"\0")
        return address

    def static_object(self, kind: CType, initialiser: Node | None, file: RepoPath, scope: Scope | None) -> Memory:
        kind = self._complete(kind, initialiser, file, scope)
        place = Memory(kind, Address("", self.memory.alloc_static(max(kind.size, 1), max(kind.align, 8))))
        if initialiser is not None:
            self._initialise(place, initialiser, file, scope)
        return place

    # Inside

    def _allocate_variable(self, definition: Definition) -> Memory:
        initialiser = definition.initialiser
        base = self._declarations.base(definition.node, None)
        _, kind = self._declarations.declare(definition.declarator, base, None)
        kind = self._complete(kind, initialiser, definition.file, None)
        node = definition.node
        attributes = self.index.unit.attributes(node.start_byte, node.end_byte + 1)
        size = _size_or_zero(kind)
        align = max(kind.align if size else 8, self._declarations.alignment(attributes), 8)
        variable = GlobalVariable(definition.name, kind, size, align, not definition.extern, attributes)
        address = self._placement(variable) if self._placement is not None else None
        if definition.extern and definition.name not in self._undefined:
            self._undefined[definition.name] = None
        if address is None:
            address = self.memory.alloc_static(max(size, 1), align)
        place = self._objects[definition.declarator.id] = Memory(kind, Address("", address))
        if initialiser is not None:
            self._initialise(place, initialiser, definition.file, None)
        return place

    def _complete(self, kind: CType, initialiser: Node | None, file: RepoPath, scope: Scope | None) -> CType:
        if not isinstance(kind, Array) or kind.length is not None:
            return kind
        return self._translator(file, scope).initialisers.complete(kind, initialiser)

    def _initialise(self, place: Memory, initialiser: Node, file: RepoPath, scope: Scope | None) -> None:
        """Give a static object its initial bytes. Objects that it refers to follow, not nested: chains can be long."""
        self._pending.append((place, initialiser, file, scope))
        if self._initialising:
            return
        self._initialising = True
        try:
            while self._pending:
                target, node, where, inside = self._pending.pop()
                translator = self._translator(where, inside)
                content = translator.initialisers.content(target.type, node)
                if translator.context.emitter.lines:
                    raise self._declarations.unsupported(node, "an initialiser that needs code")
                self.memory.set_initial(target.address.offset, content)
        finally:
            self._initialising = False
            self._pending.clear()

    def _translator(self, file: RepoPath, scope: Scope | None) -> Translator:
        return Translator(FunctionContext(self, file, scope=Scope(scope)))

    def _constant(self, node: Node, scope: Scope | None) -> int:
        return self._translator(RepoPath(""), scope).expressions.constant(node)

    def _type_of(self, node: Node, scope: Scope | None) -> CType:
        return self._translator(RepoPath(""), scope).expressions.type_of(node)

    def _primitive_type(self, name: str) -> Function | None:
        primitive = self._primitives.get(name)
        if primitive is None:
            return None
        if name not in self._primitive_types:
            result: CType | None = None
            if primitive.result:
                node = parse_expression(f"sizeof ( {primitive.result} )")
                if node is not None:
                    result = self._declarations.specifier(child_of(node, "type"), None)
            self._primitive_types[name] = None if result is None else Function(result, (), variadic=True)
        return self._primitive_types[name]

    def _python_name(self, definition: Definition) -> str:
        key = definition.node.id
        name = self._python_names.get(key)
        if name is None:
            several = self.index.functions[definition.name]
            name = f"F_{definition.name}" if len(several) == 1 else f"F_{definition.name}__{several.index(definition)}"
            self._python_names[key] = name
            self._globals[name] = self._stub(definition, name)
        return name

    def _stub(self, definition: Definition, name: str) -> Callable[..., object]:
        def stub(*arguments: object) -> object:
            return self._compiled(definition, name)(*arguments)

        return stub

    def _compiled(self, definition: Definition, name: str) -> Callable[..., object]:
        translated = translate_function(definition, name, self)
        code = compile(translated.source, f"<c:{definition.name}>", "exec")
        exec(code, self._globals)
        function = cast("Callable[..., object]", self._globals[name])
        inner = next(constant for constant in code.co_consts if isinstance(constant, CodeType))
        self._translated[id(inner)] = translated
        return function

    def _function_at(self, address: int) -> Callable[..., object] | None:
        known = self._functions_at.get(address)
        if known is None:
            return None
        name, callee = known
        if callee.code.startswith("missing"):
            return lambda *arguments: self._missing(name)
        # The global is a stub until its first call: look it up each time.
        return lambda *arguments: cast("Callable[..., object]", self._globals[callee.code])(*arguments)

    def _missing(self, name: str) -> Callable[..., object]:
        chain = self.call_chain()
        place = (chain[0].file, chain[0].line) if chain else None
        raise Unsupported(place, f"call of '{name}', which the unit declares but does not define")

    def _scalar_global(self, name: str) -> tuple[int, Integer | Pointer]:
        found = self.variable(name, None)
        if found is None:
            raise _unknown(name)
        scalar = scalar_of(found.type)
        if scalar is None or scalar.size not in VIEWS:
            raise KpatchError("not-scalar", f"'{name}' is a {found.type}")
        return found.address.offset, scalar

    def _frames_from(self, frame: FrameType | None) -> Iterator[CallFrame]:
        while frame is not None:
            translated = self._translated.get(id(frame.f_code))
            if translated is not None:
                yield translated.frame(frame.f_lineno)
            frame = frame.f_back

    def _frames_of(self, traceback: TracebackType | None) -> Iterator[CallFrame]:
        frames: list[CallFrame] = []
        while traceback is not None:
            translated = self._translated.get(id(traceback.tb_frame.f_code))
            if translated is not None:
                frames.append(translated.frame(traceback.tb_lineno))
            traceback = traceback.tb_next
        yield from reversed(frames)


def _unknown(name: str) -> KpatchError:
    return KpatchError("unknown-symbol", f"the tree has no '{name}'")


def _variable_in(error: UnboundLocalError) -> str:
    name = error.name if isinstance(getattr(error, "name", None), str) and error.name else str(error).split("'")[1]
    return name.rsplit("_", 1)[0]


def _size_or_zero(kind: CType) -> int:
    if isinstance(kind, Array) and kind.length is None:
        return 0
    return kind.size
