"""A unit's C as something that can be called."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import repeat
from typing import NoReturn, cast

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import Node
from kpatch_tools.syntax.translation_unit import parse_expression

from .access import VIEWS
from .arithmetic import TypeMismatch
from .context import Callee
from .declarations import Declarations
from .encoding import Answer, Plain, decode_answer, encode_answer
from .errors import CallFrame, Trap, Unsupported
from .function import translate_function
from .functions import Functions, Primitive
from .index import Ambiguous, Index
from .memory import DataMemory
from .objects import Objects, Placement
from .runtime import globals_for, table_name
from .scope import Scope
from .structs import Struct
from .types import CType, Function, IncompleteType, Integer, Pointer, Record, scalar_of, wrap
from .unit import Unit
from .values import Memory

_STACK_SIZE = 1 << 19
_LOCAL = re.compile(r"'\w+_\d+'")
_MAX_ROUNDS = 1 << 24

Primitives = Mapping[str, Primitive | Callable[..., object]]


class Program:
    """Executes functions of `unit` in `memory`; each is translated when it is first called.

    `unit` may be a function that loads it: it is called when something is asked that `kept`, the `state` of an earlier
    program over the same unit, memory, primitives and placement, does not know.

    `primitives` replace the functions of these names, or supply ones that the unit only declares; `fallbacks` are used
    only where the unit defines none. `placement` may put a variable outside the data area: a linker symbol, or a page
    table that must be a frame of its own.

    A read of an uninitialised local scalar is Unsupported. Arrays, structs and locals whose address is taken hold what
    earlier calls left on the stack; a run that depends on it gives another result with another `frame_fill`, the byte
    that every frame is filled with.
    """

    def __init__(
        self,
        unit: Unit | Callable[[], Unit],
        memory: DataMemory,
        primitives: Primitives | None = None,
        *,
        fallbacks: Primitives | None = None,
        placement: Placement | None = None,
        frame_fill: int | None = None,
        kept: Plain = None,
    ) -> None:
        self._unit = unit
        self.max_rounds = _MAX_ROUNDS
        """How often a loop may go round before it is called endless."""
        self.frame_fill = frame_fill
        self.memory = memory
        self._cold: Declarations | None = None
        """What the unit declares; None as long as the unit was not needed."""
        self._answers: dict[tuple[str, ...], Answer] = {}
        self._structs: dict[str, Struct] = {}
        self._objects = Objects(self, memory, placement)
        self._stack = memory.alloc_static(_STACK_SIZE, 4096)
        self._globals = globals_for(
            memory,
            stack=self._stack,
            stack_end=self._stack + _STACK_SIZE - 4096,
            resolve=lambda address, table: self._functions.code_at(address, table),
            rounds=lambda: repeat(None, self.max_rounds),
        )
        self._globals["missing"] = self._missing
        if kept is not None:
            self._answers = {key: decode_answer(answer) for key, answer in kept["answers"]}
        self._functions = Functions(
            self,
            self._globals,
            primitives=_primitives(primitives),
            fallbacks=_primitives(
                {name: item for name, item in (fallbacks or {}).items() if not self.has_function(name)}
            ),
        )
        if kept is not None:
            memory.restore(kept["memory"])
            self._objects.restore(kept["objects"])
            self._functions.restore(kept["functions"])
        self._fault_chain: tuple[CallFrame, ...] = ()

    # What the unit has

    @property
    def unit(self) -> Unit:
        if not isinstance(self._unit, Unit):
            self._unit = self._unit()
        return self._unit

    @property
    def declarations(self) -> Declarations:
        if self._cold is None:
            self._cold = Declarations(Index(self.unit.translation))
            self._cold.constant = self._constant
            self._cold.type_of = self._type_of
        return self._cold

    @property
    def index(self) -> Index:
        return self.declarations.index

    @property
    def is_loaded(self) -> bool:
        """Whether the unit was needed so far."""
        return isinstance(self._unit, Unit)

    @property
    def profile_name(self) -> str:
        """The name of the configuration that the unit was preprocessed for."""
        return str(self._answer(("profile",), lambda: self.unit.profile.name))

    def state(self) -> Plain:
        """Everything translated, allocated and answered so far, as plain values: `kept` for a program like this."""
        answers = []
        for key, answer in self._answers.items():
            with suppress(Ambiguous, IncompleteType, TypeMismatch, Unsupported):
                answers.append((key, encode_answer(answer)))
        return {
            "answers": tuple(answers),
            "memory": self.memory.state(),
            "objects": self._objects.state(),
            "functions": self._functions.state(),
        }

    @property
    def extent(self) -> tuple[int, ...]:
        """Grows with every step that `state` would keep."""
        return (len(self._answers), self._objects.count, self._functions.count)

    @property
    def data_start(self) -> int:
        return self.memory.data_base

    @property
    def data_end(self) -> int:
        return self.memory.data_base + len(self.memory.data)

    @property
    def compiled(self) -> tuple[str, ...]:
        """The names of the functions translated so far, in that order."""
        return self._functions.translated

    @property
    def executed(self) -> tuple[tuple[str, RepoPath, int, int], ...]:
        """The functions translated so far, each with its file and the first and last line that its code came from."""
        return self._functions.extents

    @property
    def undefined_globals(self) -> tuple[str, ...]:
        """Variables in use that the unit only declares: they start as zero, or where `placement` put them."""
        return tuple(self._objects.undefined)

    def has_function(self, name: str) -> bool:
        """Whether the unit defines a function of that name; a primitive alone does not count."""
        return bool(self._answer(("function", name), lambda: name in self.index.functions))

    def mentions(self, function: str, name: str) -> bool:
        """Whether the unit defines `function` and its body names `name`."""
        return bool(self._answer(("mentions", function, name), lambda: self._mentions(function, name)))

    def first_match(self, function: str, pattern: str) -> str:
        """What the regular expression first matches in the preprocessed text of `function`; "" for nothing."""
        return str(self._answer(("match", function, pattern), lambda: self._first_match(function, pattern)))

    def has_global(self, name: str) -> bool:
        """Whether the unit declares a variable of that name."""
        return bool(self._answer(("global", name), lambda: name in self.index.variables))

    def has_member(self, tag: str, path: str) -> bool:
        """Whether `struct tag` is defined and has the member."""
        return self._has_struct(tag) and self.struct(tag).has(path)

    def struct(self, tag: str) -> Struct:
        """The layout of `struct tag`. KpatchError `unknown-struct`."""
        known = self._structs.get(tag)
        if known is None:
            if not self._has_struct(tag):
                raise KpatchError("unknown-struct", f"the tree does not define struct {tag}")
            record = self._answer(("struct", tag), lambda: self.declarations.record(tag))
            known = self._structs[tag] = Struct(cast("Record", record))
        return known

    def type_of(self, name: str) -> CType:
        """The type of a variable or function. KpatchError `unknown-symbol`."""
        found = self._variable(name)
        kind = found[1] if found is not None else self._answer(("type", name), lambda: self.function_type(name, None))
        if kind is None:
            raise _unknown(name)
        return cast("CType", kind)

    def enumerator(self, name: str) -> int | None:
        """The value of an enumeration constant; None where the unit has none of that name."""
        known = self._answer(
            ("enumerator", name), lambda: self.constant(name) if name in self.index.enumerators else None
        )
        return cast("int | None", known)

    def constant(self, expression: str) -> int:
        """The value of a constant expression in the unit's terms: an enumeration constant, `sizeof(struct x)`."""
        return cast("int", self._answer(("constant", expression), lambda: self._evaluated(expression)))

    def source_of(self, name: str) -> str:
        """The Python source that the function is translated to, for people."""
        definition = self.index.function(name)
        if definition is None:
            raise _unknown(name)
        return translate_function(definition, f"F_{name}", self).source

    # Execution

    def call(self, name: str, *arguments: int) -> int:
        """Call a function; a void one gives 0. Arguments are converted to the parameters' types.

        What stops it: Unsupported, Trap, and whatever the memory or a primitive raises.
        """
        callee = cast("Callee | None", self._answer(("callee", name), lambda: self.callee(name, None)))
        if callee is None:
            raise _unknown(name)
        if not callee.defined:
            raise Unsupported(None, f"function '{name}' is not defined in the unit")
        return self._call(self._functions.code(callee), callee.type, arguments)

    def call_address(self, address: int, *arguments: int) -> int:
        """Call the function at `address`, as C does through a pointer; see `call`. Trap where no function is."""
        known = self._functions.at(address)
        kind = known[1].type if known is not None else None
        code = self._functions.code_at(address, "FN" if kind is None else table_name(kind.result))
        if code is None:
            raise Trap("wild-call", f"call of {address:#x}, where no function is", address)
        return self._call(code, kind, arguments)

    def call_chain(self) -> tuple[CallFrame, ...]:
        """The C functions in execution, innermost first; outside of any call, those of the last one stopped."""
        running = tuple(self._functions.frames_from(sys._getframe(1)))
        return running or self._fault_chain

    def reset(self) -> None:
        """Back to initial data; translations stay."""
        self.memory.reset()
        self._stack_pointer[0] = self._stack
        self._fault_chain = ()

    def forget_fault(self) -> None:
        """`call_chain` knows no stopped call any more."""
        self._fault_chain = ()

    # Data

    def address_of(self, name: str) -> int:
        """The address of a variable or function. KpatchError `unknown-symbol`."""
        found = self._variable(name)
        if found is not None:
            return found[0]
        return cast("int", self._answer(("address", name), lambda: self.function_address(name, None)))

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
        """The function at an address that `address_of` or the program's data gave."""
        known = self._functions.at(address)
        return None if known is None else known[0]

    # What translated code refers to (Symbols)

    def variable(self, name: str, file: RepoPath | None) -> Memory | None:
        return self._objects.variable(name, file)

    def callee(self, name: str, file: RepoPath | None) -> Callee | None:
        return self._functions.callee(name, file)

    def function_type(self, name: str, file: RepoPath | None) -> Function | None:
        return self._functions.type_of(name, file)

    def function_address(self, name: str, file: RepoPath | None) -> int:
        return self._functions.address(name, file)

    def string_address(self, content: bytes) -> int:
        return self._objects.string(content)

    def static_object(self, kind: CType, initialiser: Node | None, file: RepoPath, scope: Scope | None) -> Memory:
        return self._objects.static(kind, initialiser, file, scope)

    # Inside

    @property
    def _stack_pointer(self) -> list[int]:
        return cast("list[int]", self._globals["SP"])

    def _call(self, code: Callable[..., object], kind: Function | None, arguments: tuple[int, ...]) -> int:
        converted = list(arguments)
        for position, (_, parameter) in enumerate((kind.parameters if kind is not None else ())[: len(arguments)]):
            scalar = scalar_of(parameter)
            if scalar is not None:
                converted[position] = wrap(arguments[position], scalar)
        stack = self._stack_pointer
        level = stack[0]
        try:
            result = cast("int | None", code(*converted))
        except BaseException as error:
            self._fault_chain = self._functions.frames_of(error.__traceback__)
            self._explain(error)
            raise
        finally:
            stack[0] = level
        return int(result or 0)

    def _explain(self, error: BaseException) -> None:
        """Raise what a Python exception of translated code means in C; return for all others."""
        place = (self._fault_chain[0].file, self._fault_chain[0].line) if self._fault_chain else None
        if isinstance(error, NameError) and _LOCAL.search(str(error)) and place is not None:
            # A local that is assigned nowhere is a NameError, one that is assigned too late the narrower kind.
            raise Unsupported(place, f"read of the uninitialised variable '{_variable_in(error)}'") from error
        if isinstance(error, ZeroDivisionError) and place is not None:
            raise Trap("divide-error", f"division by zero at {place[0]}:{place[1]}") from error
        if isinstance(error, TypeError) and "NoneType" in str(error) and place is not None:
            raise Unsupported(place, "use of the result of a function that returned none") from error
        if isinstance(error, RecursionError):
            raise Trap("stack-overflow", "the calls nest too deeply") from error

    def _missing(self, name: str) -> NoReturn:
        chain = self.call_chain()
        place = (chain[0].file, chain[0].line) if chain else None
        raise Unsupported(place, f"call of '{name}', which the unit declares but does not define")

    def _constant(self, node: Node, scope: Scope | None) -> int:
        return self._objects.translator(RepoPath(""), scope).expressions.constant(node)

    def _type_of(self, node: Node, scope: Scope | None) -> CType:
        return self._objects.translator(RepoPath(""), scope).expressions.type_of(node)

    def _scalar_global(self, name: str) -> tuple[int, Integer | Pointer]:
        found = self._variable(name)
        if found is None:
            raise _unknown(name)
        address, kind = found
        scalar = scalar_of(kind)
        if scalar is None or scalar.size not in VIEWS:
            raise KpatchError("not-scalar", f"'{name}' is a {kind}")
        return address, scalar

    def _answer(self, key: tuple[str, ...], find: Callable[[], Answer]) -> Answer:
        """The answer to a question from outside: what was found when it was first asked, in this or an earlier run."""
        try:
            return self._answers[key]
        except KeyError:
            with _answered(key[-1]):
                answer = self._answers[key] = find()
            return answer

    def _variable(self, name: str) -> tuple[int, CType] | None:
        """Address and type."""

        def find() -> tuple[int, CType] | None:
            found = self.variable(name, None)
            return None if found is None else (found.address.offset, found.type)

        return cast("tuple[int, CType] | None", self._answer(("variable", name), find))

    def _has_struct(self, tag: str) -> bool:
        return bool(self._answer(("tag", tag), lambda: (False, tag) in self.index.tags))

    def _first_match(self, function: str, pattern: str) -> str:
        definition = self.index.function(function) if function in self.index.functions else None
        found = re.search(pattern.encode(), definition.node.text or b"") if definition is not None else None
        return "" if found is None else found[0].decode("latin-1")

    def _mentions(self, function: str, name: str) -> bool:
        definition = self.index.function(function) if self.has_function(function) else None
        if definition is None:
            return False
        return re.search(rb"\b" + name.encode() + rb"\b", definition.node.text or b"") is not None

    def _evaluated(self, expression: str) -> int:
        node = parse_expression(expression)
        if node is None:
            raise KpatchError("bad-expression", f"'{expression}' is no C expression")
        return self._constant(node, None)


@contextmanager
def _answered(name: str) -> Iterator[None]:
    """What is asked about `name` may have no answer in this unit: that is a statement about us, not about the guest."""
    try:
        yield
    except (Ambiguous, IncompleteType, TypeMismatch) as error:
        raise Unsupported(None, f"'{name}': {error}") from error


def _primitives(given: Primitives | None) -> dict[str, Primitive]:
    return {name: item if isinstance(item, Primitive) else Primitive(item) for name, item in (given or {}).items()}


def _unknown(name: str) -> KpatchError:
    return KpatchError("unknown-symbol", f"the tree has no '{name}'")


def _variable_in(error: NameError) -> str:
    """The C variable: Python locals are called `name_N`, parameters `p_name`."""
    python = str(error).split("'")[1]
    return python.rsplit("_", 1)[0]
