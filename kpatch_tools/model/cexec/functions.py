"""The functions of a program: which one a name means, their addresses, and their translation on demand."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import cast

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax.translation_unit import parse_expression

from .arithmetic import TypeMismatch
from .context import Callee, Symbols
from .declarations import Declarations
from .encoding import Plain, decode_callee, encode_callee
from .errors import CallFrame, Place, Unsupported
from .function import translate_function
from .index import Ambiguous, Definition, Index, child_of
from .runtime import table_name
from .types import BOOL, CHAR, INT, LONG, SHORT, VOID, CType, Function, IncompleteType, Integer, unsigned_of, wrap

_TEXT_BASE = 0xFFFFFFFF81000000
_TEXT_STEP = 16

_TABLE_TYPES: Mapping[str, Integer] = {
    table_name(kind): kind for signed in (CHAR, SHORT, INT, LONG) for kind in (signed, unsigned_of(signed))
} | {table_name(BOOL): BOOL}

Code = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Primitive:
    """A Python function in the place of a C function of the same name.

    It gets one int per argument (bytes for a struct by value) and returns an int, or None from a void function.
    `result` is the C return type where no declaration in the tree says it, as C spells it.
    """

    function: Code
    result: str = ""


@dataclass(frozen=True, slots=True)
class _Addressed:
    """A function whose address was taken. `translated` is false for a primitive and for one that nothing defines."""

    name: str
    callee: Callee
    translated: bool


@dataclass(frozen=True, slots=True)
class Lines:
    """Where a translated function's Python lines come from: line i (1-based) from `places[i - 1]`."""

    name: str
    places: tuple[Place, ...]

    def frame(self, line: int) -> CallFrame:
        """The C call frame for a line of the Python source."""
        file, number = self.places[min(line, len(self.places)) - 1]
        return CallFrame(self.name, file, number)


class Functions:
    """Functions of the unit behind `symbols`. Their Python names live in `scope`, the globals of translated code.

    `primitives` win over the unit's definitions; `fallbacks` are those of the names that the unit does not define.
    """

    def __init__(
        self,
        symbols: Symbols,
        scope: dict[str, object],
        *,
        primitives: Mapping[str, Primitive],
        fallbacks: Mapping[str, Primitive],
    ) -> None:
        self._symbols = symbols
        self._scope = scope
        self._primitives = {**fallbacks, **primitives}
        self._types: dict[int, Function] = {}
        self._primitive_types: dict[str, Function | None] = {}
        self._addresses: dict[str, int] = {}
        self._addressed: dict[int, _Addressed] = {}
        self._python_names: dict[int, str] = {}
        self._origins: dict[str, tuple[str, int]] = {}
        """Python names in use, and the definition that each stands for: its name, and which of those of that name."""
        self._compiled: dict[str, FunctionType] = {}
        self._translated: dict[int, Lines] = {}
        for name, primitive in self._primitives.items():
            scope[f"F_{name}"] = primitive.function

    @property
    def _index(self) -> Index:
        return self._declarations.index

    @property
    def _declarations(self) -> Declarations:
        return self._symbols.declarations

    @property
    def translated(self) -> tuple[str, ...]:
        """The names of what has been translated so far, in that order."""
        return tuple(lines.name for lines in self._translated.values())

    @property
    def extents(self) -> tuple[tuple[str, RepoPath, int, int], ...]:
        """Name, file, first and last line of what has been translated so far."""
        found = []
        for lines in self._translated.values():
            file = lines.places[0][0]
            numbers = [line for path, line in lines.places if path == file]
            found.append((lines.name, file, min(numbers), max(numbers)))
        return tuple(found)

    @property
    def count(self) -> int:
        """Of functions translated, named or addressed."""
        return len(self._compiled) + len(self._origins) + len(self._addressed)

    def state(self) -> Plain:
        """What is translated, named and addressed so far: plain values, for `restore` in a program like this one."""
        compiled = tuple(
            (name, function.__code__, _packed(self._translated[id(function.__code__)].places))
            for name, function in self._compiled.items()
        )
        addressed = tuple(
            (address, known.name, known.translated, _encoded(known.callee))
            for address, known in self._addressed.items()
        )
        return compiled, dict(self._origins), addressed

    def restore(self, state: Plain) -> None:
        compiled, origins, addressed = state
        for name, origin in origins.items():
            self._stub(name, origin)
        for name, code, places in compiled:
            self._keep(name, FunctionType(code, self._scope, name), Lines(origins[name][0], _unpacked(places)))
        for address, name, translated, callee in addressed:
            known = self._addressed[address] = _Addressed(name, decode_callee(callee), translated)
            self._addresses[known.callee.code] = address

    def callee(self, name: str, file: RepoPath | None) -> Callee | None:
        """The function that `name` calls in `file`; None for a name that is no function."""
        if name in self._primitives:
            return Callee(f"F_{name}", self.type_of(name, file), exact=False)
        definition = self._index.function(name, file)
        if definition is not None:
            return Callee(self._python_name(definition), self.type_of(name, file), exact=True)
        if name in self._index.prototypes:
            return Callee(f"missing({name!r})", self.type_of(name, file), exact=False, defined=False)
        return None

    def type_of(self, name: str, file: RepoPath | None) -> Function | None:
        """The function's type; None where nothing declares it."""
        definition = self._index.function(name, file) or self._index.prototypes.get(name)
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

    def address(self, name: str, file: RepoPath | None) -> int:
        """The function's address; the same for all who ask. KpatchError `unknown-symbol`."""
        callee = self.callee(name, file)
        if callee is None:
            raise KpatchError("unknown-symbol", f"the tree has no function '{name}'")
        address = self._addresses.get(callee.code)
        if address is None:
            address = self._addresses[callee.code] = _TEXT_BASE + _TEXT_STEP * (len(self._addresses) + 1)
            translated = name not in self._primitives and self._index.function(name, file) is not None
            self._addressed[address] = _Addressed(name, callee, translated)
        return address

    def at(self, address: int) -> tuple[str, Callee] | None:
        """Name and callee of the function at an address that was given out."""
        known = self._addressed.get(address)
        return None if known is None else (known.name, known.callee)

    def code_at(self, address: int, table: str) -> Code | None:
        """What a call through a pointer of the kind of `table` runs; translates it if need be."""
        known = self._addressed.get(address)
        if known is None:
            return None
        if not known.callee.defined:
            missing = cast("Callable[[str], Code]", self._scope["missing"])
            return lambda *arguments: missing(known.name)
        code = self.code(known.callee)
        kind = known.callee.type.result if known.callee.type is not None else VOID
        if known.translated:
            code = self._code(known.callee.code)
            if table_name(kind) == table:
                return code
        wanted = _TABLE_TYPES.get(table)
        if wanted is None:
            return code
        return lambda *arguments: wrap(cast("int", code(*arguments)), wanted)

    def code(self, callee: Callee) -> Code:
        """The Python function of a defined callee."""
        return cast("Code", self._scope[callee.code])

    def frames_from(self, frame: FrameType | None) -> Iterator[CallFrame]:
        """The C functions among the Python frames, innermost first."""
        while frame is not None:
            translated = self._translated.get(id(frame.f_code))
            if translated is not None:
                yield translated.frame(frame.f_lineno)
            frame = frame.f_back

    def frames_of(self, traceback: TracebackType | None) -> tuple[CallFrame, ...]:
        """The C functions that a traceback passes through, innermost first."""
        frames: list[CallFrame] = []
        while traceback is not None:
            translated = self._translated.get(id(traceback.tb_frame.f_code))
            if translated is not None:
                frames.append(translated.frame(traceback.tb_lineno))
            traceback = traceback.tb_next
        return tuple(reversed(frames))

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
            several = self._index.functions[definition.name]
            position = several.index(definition)
            name = f"F_{definition.name}" if len(several) == 1 else f"F_{definition.name}__{position}"
            self._python_names[key] = name
            if name not in self._origins:
                self._stub(name, (definition.name, position))
        return name

    def _stub(self, name: str, origin: tuple[str, int]) -> None:
        """The first call translates, and takes this stub's place among the globals."""
        self._origins[name] = origin
        self._scope[name] = lambda *arguments: self._code(name)(*arguments)

    def _code(self, name: str) -> Code:
        """The function of that Python name, translated if it is not yet."""
        known = self._compiled.get(name)
        if known is not None:
            return known
        function, position = self._origins[name]
        definition = self._index.functions[function][position]
        try:
            translated = translate_function(definition, name, self._symbols)
            module = compile(translated.source, f"<c:{function}>", "exec")
        except (RecursionError, SyntaxError, MemoryError) as error:
            # Python's own limits on nesting: nothing is wrong with the guest.
            raise Unsupported(
                self._index.place(definition.declarator), f"'{function}' is nested too deeply: {error}"
            ) from error
        code = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
        return self._keep(name, FunctionType(code, self._scope, name), Lines(function, translated.places))

    def _keep(self, name: str, function: FunctionType, lines: Lines) -> Code:
        # Code objects are kept alive by their functions, so that their ids stay theirs.
        self._scope[name] = self._compiled[name] = function
        self._translated[id(function.__code__)] = lines
        return function


def _encoded(callee: Callee) -> Plain:
    """The callee; without its type where a record that it passes is incomplete, and no call of it can work."""
    try:
        return encode_callee(callee)
    except (Ambiguous, IncompleteType, TypeMismatch, Unsupported):
        return encode_callee(replace(callee, type=None))


def _packed(places: tuple[Place, ...]) -> Plain:
    """The places with each file said once: (files, for each place the file's number and the line)."""
    files = tuple(dict.fromkeys(file for file, _ in places))
    numbers = {file: number for number, file in enumerate(files)}
    return files, tuple((numbers[file], line) for file, line in places)


def _unpacked(packed: Plain) -> tuple[Place, ...]:
    files, places = packed
    names = [RepoPath(file) for file in files]
    return tuple((names[number], line) for number, line in places)
