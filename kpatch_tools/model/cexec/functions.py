"""The functions of a program: which one a name means, their addresses, and their translation on demand."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType, TracebackType
from typing import cast

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax.translation_unit import parse_expression

from .context import Callee, Symbols
from .declarations import Declarations
from .errors import CallFrame, Unsupported
from .function import Translated, translate_function
from .index import Definition, Index, child_of
from .runtime import table_name
from .types import BOOL, CHAR, INT, LONG, SHORT, VOID, CType, Function, Integer, unsigned_of, wrap

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
    """A function whose address was taken. `definition` is None for a primitive and for one that nothing defines."""

    name: str
    callee: Callee
    definition: Definition | None


class Functions:
    """Functions of the unit behind `symbols`. Their Python names live in `scope`, the globals of translated code.

    `primitives` win over the unit's definitions, `fallbacks` do not.
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
        unused = {name for name in fallbacks if name in self._index.functions}
        self._primitives = {
            **{name: primitive for name, primitive in fallbacks.items() if name not in unused},
            **primitives,
        }
        self._types: dict[int, Function] = {}
        self._primitive_types: dict[str, Function | None] = {}
        self._addresses: dict[str, int] = {}
        self._addressed: dict[int, _Addressed] = {}
        self._python_names: dict[int, str] = {}
        self._compiled: dict[str, Code] = {}
        self._translated: dict[int, Translated] = {}
        for name, primitive in self._primitives.items():
            scope[f"F_{name}"] = primitive.function

    @property
    def _index(self) -> Index:
        return self._declarations.index

    @property
    def _declarations(self) -> Declarations:
        return self._symbols.declarations

    @property
    def translated(self) -> tuple[Translated, ...]:
        """What has been translated so far, in that order."""
        return tuple(self._translated.values())

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
            definition = None if name in self._primitives else self._index.function(name, file)
            self._addressed[address] = _Addressed(name, callee, definition)
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
        if known.definition is not None:
            code = self._code(known.definition, known.callee.code)
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
            name = f"F_{definition.name}" if len(several) == 1 else f"F_{definition.name}__{several.index(definition)}"
            self._python_names[key] = name

            # The first call translates, and takes this stub's place among the globals.
            self._scope[name] = lambda *arguments: self._code(definition, name)(*arguments)
        return name

    def _code(self, definition: Definition, name: str) -> Code:
        known = self._compiled.get(name)
        if known is not None:
            return known
        try:
            translated = translate_function(definition, name, self._symbols)
            module = compile(translated.source, f"<c:{definition.name}>", "exec")
        except (RecursionError, SyntaxError, MemoryError) as error:
            # Python's own limits on nesting: nothing is wrong with the guest.
            raise Unsupported(
                self._index.place(definition.declarator), f"'{definition.name}' is nested too deeply: {error}"
            ) from error
        exec(module, self._scope)
        function = self._compiled[name] = cast("Code", self._scope[name])
        inner = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
        # Code objects are kept alive by `function`, so that their ids stay theirs.
        self._translated[id(inner)] = translated
        return function
