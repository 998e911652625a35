"""Macros that call or assign what is passed to them, in C or from inline assembly, and macros for a struct's value.

Nothing is known by name: a macro is expanded with the definitions that the tree has for everything in it, and the
result is looked at as text. That is enough for the question which of its arguments, or which member of one, is called.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import ParsedFile

from .expansion import TableMacro, definitions

FindHeaders = Callable[[str], Iterable[tuple[RepoPath, ParsedFile]]]
"""The headers that may define a macro of this name."""

_STRING = rb'"(?:[^"\\]|\\.)*"' + rb"|'(?:[^'\\]|\\.)*'"
_WORDS = re.compile(_STRING + rb"|(?P<word>[A-Za-z_]\w*)", re.DOTALL)
_MARKS = re.compile(_STRING + rb"|/\*.*?\*/|(?P<mark>[(),:;\[\]{}])", re.DOTALL)
_PASTE = re.compile(rb"\s*##\s*")
_ASM = re.compile(rb"\b(?:asm|__asm__|__asm)\b[\s\w]*\(")
_CALLS = re.compile(rb"\b(?:l?call|l?jmp)[lqw]?\s+\*?\s*%[A-Za-z]?(?:\[(\w+)\]|(\d+))")
_OPERAND = re.compile(rb"\s*(?:\[\s*(\w+)\s*\])?\s*\"[^\"]*\"\s*\((.*)\)\s*", re.DOTALL)
_MEASURES = (b"offsetof", b"__builtin_offsetof", b"sizeof", b"typeof", b"__typeof__", b"__typeof", b"alignof")
_LITERAL = re.compile(rb"\(\s*struct\s+(\w+)\s*\)\s*\{\s*(?:\.\s*\w+\s*=\s*)?\(*\s*&?\s*(\w+)\s*\)*\s*,?\s*\}")
_ENCLOSES = re.compile(rb"(?:^|[^\w\s)]|\b(?:return|else|do))\s*\(\s*\*?\s*$")
_EQUALS = re.compile(rb"\s*=(?!=)\s*")
_CAST = re.compile(r"^(?:\(\s*(?:const\s+|struct\s+|unsigned\s+)*\w+\s*\**\s*\)\s*(?=[\w&(]))+")
_LARGEST = 65_536  # bytes of an expansion; what grows beyond is no macro that calls its argument


@dataclass(frozen=True, slots=True)
class MacroReading:
    """What a macro does with one argument.

    `calls`: the members of it that are called, "" where it is called itself. `stores`: the members that are assigned,
    and the value as text, casts left out. `evaluated`: whether it is an expression at all, and not only pasted, quoted,
    measured, or the name of a tag or member.
    """

    calls: tuple[str, ...]
    stores: tuple[tuple[str, str], ...]
    evaluated: bool


class MacroReader:
    """Reads macros as the files of `near` define them; `find` is asked, once a name, for those that `near` lacks."""

    def __init__(self, near: Mapping[RepoPath, ParsedFile], find: FindHeaders) -> None:
        self._near = near
        self._find = find
        self._shared: dict[str, list[TableMacro]] | None = None
        self._own: dict[RepoPath, Mapping[str, list[TableMacro]]] = {}
        self._asked: set[str] = set()
        self._expansions: dict[tuple[RepoPath, str], tuple[bytes, ...]] = {}

    def reading(self, file: RepoPath, name: str, index: int, arguments: tuple[str, ...]) -> MacroReading | None:
        """What `name` does in `file` with its argument `index` (from 0); None where it is no macro with parameters."""
        expansions = self._expanded(file, name)
        if not expansions:
            return None
        calls: dict[str, None] = {}
        stores: dict[tuple[str, str], None] = {}
        evaluated = False
        for text in expansions:
            for chain in (*_called_in_c(text, index), *_called_in_assembly(text, index)):
                calls[_with_arguments(chain, arguments)] = None
            for chain, value in _assigned(text, index):
                stores[_with_arguments(chain, arguments), _with_arguments(value, arguments)] = None
            evaluated = evaluated or _is_evaluated(text, index)
        return MacroReading(tuple(calls), tuple(stores), evaluated or bool(calls))

    def calls_member(self, member: str) -> bool:
        """Whether some macro of a header calls the `member` of an argument."""
        pattern = re.compile(rb"(\w+)\s*\)?\s*\.\s*" + re.escape(member.encode()) + rb"(?!\w)")
        for name, macros in tuple(self._headers().items()):
            for macro in macros:
                parameters = macro.parameters or ()
                used = {match.group(1).decode("utf-8", "surrogateescape") for match in pattern.finditer(macro.body)}
                for index in (parameters.index(word) for word in used if word in parameters):
                    reading = self.reading(macro.file, name, index, ())
                    if reading is not None and member in reading.calls:
                        return True
        return False

    def wrapped(self, file: RepoPath, value: str) -> tuple[str, ...]:
        """The functions that `value` puts into a struct, where it is a macro for a struct of one; else nothing.

        More than one where conditionals choose the macro's definition. A macro that pastes a prefix before its
        argument names the argument: what the prefix stands for is a thunk made for it.
        """
        match = re.fullmatch(r"(\w+)\s*(?:\((.*)\))?", value, re.DOTALL)
        if match is None:
            return ()
        found: dict[str, None] = {}
        for macro in self._definitions(file, match.group(1)):
            text = macro.body
            argument = (match.group(2) or "").strip()
            if macro.parameters is not None:
                text = _substitute(macro, (argument.encode("utf-8", "surrogateescape"),))
            literal = _LITERAL.search(self._expand(text, file, frozenset({macro.name})))
            if literal is not None:
                inner = literal.group(2).decode("utf-8", "surrogateescape")
                found[argument if argument and inner.endswith(argument) else inner] = None
        return tuple(found)

    def _expanded(self, file: RepoPath, name: str) -> tuple[bytes, ...]:
        """One expansion for each definition; parameters become `_placeholder`s."""
        key = (file, name)
        known = self._expansions.get(key)
        if known is None:
            known = tuple(
                self._expand(_substitute(macro, _placeholders(macro)), file, frozenset({name}))
                for macro in self._definitions(file, name)
                if macro.parameters is not None
            )
            self._expansions[key] = known
        return known

    def _definitions(self, file: RepoPath, name: str, *, search: bool = True) -> list[TableMacro]:
        own = self._own.get(file)
        if own is None:
            parsed = self._near.get(file)
            own = self._own[file] = _by_name(definitions(parsed, file)) if parsed is not None else {}
        if name in own:
            return own[name]
        shared = self._headers()
        if search and name not in shared and name not in self._asked:
            self._asked.add(name)
            for path, parsed in self._find(name):
                for macro in definitions(parsed, path):
                    if macro.name == name:
                        shared.setdefault(name, []).append(macro)
        return shared.get(name, [])

    def _headers(self) -> dict[str, list[TableMacro]]:
        if self._shared is None:
            headers = (item for item in self._near.items() if item[0].endswith(".h"))
            self._shared = _by_name(macro for path, parsed in headers for macro in definitions(parsed, path))
        return self._shared

    def _expand(self, text: bytes, file: RepoPath, hidden: frozenset[str]) -> bytes:
        out = bytearray()
        position = 0
        while (match := _WORDS.search(text, position)) is not None:
            out += text[position : match.start()]
            position = match.end()
            word = match.group().decode("utf-8", "surrogateescape")
            macros = [] if match["word"] is None or word in hidden else self._definitions(file, word, search=False)
            body = match.group()
            if macros and len(out) + len(text) < _LARGEST:
                macro = macros[0]
                called = _arguments(text, position) if macro.parameters is not None else ((), position)
                if called is not None:
                    arguments, position = called
                    body = _substitute(macro, tuple(self._expand(item, file, hidden) for item in arguments))
                    body = b" " + self._expand(body, file, hidden | {word}) + b" "
            out += body
        return bytes(out + text[position:])


def argument_at(data: bytes, start: int, offset: int) -> tuple[int, tuple[str, ...]] | None:
    """Which argument of the call that opens at or after `start` has the byte at `offset`, and all arguments."""
    spans = _argument_spans(data, start)
    if spans is None:
        return None
    arguments = tuple(data[low:high].decode("utf-8", "surrogateescape").strip() for low, high in spans)
    return next(((index, arguments) for index, (low, high) in enumerate(spans) if low <= offset < high), None)


def _by_name(macros: Iterable[TableMacro]) -> dict[str, list[TableMacro]]:
    found: dict[str, list[TableMacro]] = defaultdict(list)
    for macro in macros:
        found[macro.name].append(macro)
    return dict(found)


def _placeholder(index: int) -> bytes:
    return b"__argument_%d__" % index


def _placeholders(macro: TableMacro) -> tuple[bytes, ...]:
    return tuple(_placeholder(index) for index in range(len(macro.parameters or ())))


def _substitute(macro: TableMacro, arguments: tuple[bytes, ...]) -> bytes:
    """The macro's body with its arguments put in, quoted and pasted as the preprocessor does."""
    names = list(macro.parameters or ())
    values: dict[bytes, bytes] = {}
    for index, name in enumerate(names):
        variadic = name.endswith("...")
        key = name.removesuffix("...").strip() or "__VA_ARGS__"
        value = b", ".join(arguments[index:]) if variadic else (arguments[index] if index < len(arguments) else b"")
        values[key.encode("utf-8", "surrogateescape")] = value
        if variadic and not value:
            body_comma = re.compile(rb",\s*##\s*" + re.escape(key.encode()) + rb"(?!\w)")
            macro = TableMacro(macro.name, macro.parameters, body_comma.sub(b"", macro.body), macro.file, macro.line)
    body = re.sub(
        rb"(?<!#)#\s*([A-Za-z_]\w*)",
        lambda match: b'"' + values[match[1]].replace(b'"', b"'") + b'"' if match[1] in values else match[0],
        macro.body,
    )
    body = _WORDS.sub(
        lambda match: values.get(match.group(), match.group()) if match["word"] is not None else match.group(), body
    )
    return _PASTE.sub(b"", body)


def _argument_spans(data: bytes, start: int) -> list[tuple[int, int]] | None:
    opening = re.compile(rb"\s*\(").match(data, start)
    if opening is None:
        return None
    return _split(data, opening.end(), b",")


def _arguments(data: bytes, start: int) -> tuple[tuple[bytes, ...], int] | None:
    spans = _argument_spans(data, start)
    if spans is None:
        return None
    return tuple(data[low:high].strip() for low, high in spans), spans[-1][1] + 1


def _split(data: bytes, start: int, separator: bytes) -> list[tuple[int, int]] | None:
    """The parts between `separator`s from `start` to the bracket that closes around it; None if none does."""
    spans: list[tuple[int, int]] = []
    depth = 0
    begin = start
    for match in _MARKS.finditer(data, start):
        mark = match["mark"]
        if mark is None:
            continue
        if mark in b"([{":
            depth += 1
        elif mark in b")]}":
            if depth == 0:
                return [*spans, (begin, match.start())]
            depth -= 1
        elif mark == separator and depth == 0:
            spans.append((begin, match.start()))
            begin = match.end()
    return None


def _chains(text: bytes, index: int) -> Iterator[tuple[re.Match[bytes], str]]:
    """Where argument `index` stands, and the members that follow it."""
    pattern = re.compile(rb"(?<!\w)" + _placeholder(index) + rb"(?!\w)(?:\s*\))*((?:\s*(?:\.|->)\s*\w+)*)")
    for match in pattern.finditer(text):
        members = re.findall(rb"\w+", match[1])
        yield match, ".".join(member.decode("utf-8", "surrogateescape") for member in members)


def _called_in_c(text: bytes, index: int) -> Iterator[str]:
    plain = _blank_strings(text)
    for match, chain in _chains(plain, index):
        before = plain[: match.start()].rstrip()
        if before.endswith((b".", b"->")) or re.search(rb"\b(?:struct|union|enum|goto)$", before):
            continue
        after = plain[match.end() :].lstrip()
        # `(slot)(x)` and `(*slot)(x)` are calls, `cast(slot)(x)` and `if (slot) (x)` are none.
        opening = plain[: match.start()]
        enclosed = _ENCLOSES.search(opening) is not None
        closed = b")" in match.group()
        direct = after.startswith(b"(") and (not closed or enclosed)
        if direct or (enclosed and re.match(rb"\)\s*\(", after)):
            yield chain


def _assigned(text: bytes, index: int) -> Iterator[tuple[str, str]]:
    for match, chain in _chains(_blank_strings(text), index):
        before = text[: match.start()].rstrip()
        equals = _EQUALS.match(text, match.end())
        spans = _split(text + b")", equals.end(), b";") if equals is not None else None
        if not spans or before.endswith((b".", b"->", b"*", b"&")):
            continue
        value = text[spans[0][0] : spans[0][1]].decode("utf-8", "surrogateescape")
        value = " ".join(_CAST.sub("", value.strip()).split()).removeprefix("&")
        yield chain, "NULL" if value in ("NULL", "0") else value


def _called_in_assembly(text: bytes, index: int) -> Iterator[str]:
    for statement in _ASM.finditer(text):
        sections = _split(text, statement.end(), b":")
        if sections is None or len(sections) < 2:
            continue
        low, high = sections[0]
        template = b"".join(part[1:-1] for part in re.findall(rb'"(?:[^"\\]|\\.)*"', text[low:high]))
        template = re.sub(rb"\\[nt]", b"  ", template)
        operands = [operand for span in sections[1:3] for operand in _operands(text[span[0] : span[1]])]
        for call in _CALLS.finditer(template):
            for position, (name, expression) in enumerate(operands):
                if name == call[1] if call[1] is not None else position == int(call[2]):
                    yield from (chain for _, chain in _chains(expression, index))


def _operands(section: bytes) -> Iterator[tuple[bytes | None, bytes]]:
    """The operands of one section of an asm statement: their symbolic name, if they have one, and the expression."""
    spans = _split(section + b")", 0, b",") or []
    for low, high in spans:
        operand = _OPERAND.fullmatch(section[low:high])
        if operand is not None:
            yield operand[1], operand[2]


def _is_evaluated(text: bytes, index: int) -> bool:
    plain = _blank_strings(text)
    for match, _ in _chains(plain, index):
        before = plain[: match.start()].rstrip()
        if before.endswith((b".", b"->", b"#")) or re.search(rb"\b(?:struct|union|enum|goto)$", before):
            continue
        if not any(name in _MEASURES for name in _around(plain, match.start())):
            return True
    return False


def _around(text: bytes, offset: int) -> Iterator[bytes]:
    """The names before the brackets that are open at `offset`."""
    depth = 0
    for position in range(offset - 1, -1, -1):
        mark = text[position : position + 1]
        if mark == b")":
            depth += 1
        elif mark == b"(" and depth:
            depth -= 1
        elif mark == b"(":
            name = re.search(rb"(\w+)\s*$", text[:position])
            if name is not None:
                yield name[1]


def _blank_strings(text: bytes) -> bytes:
    return re.sub(_STRING, lambda match: b" " * len(match.group()), text, flags=re.DOTALL)


def _with_arguments(chain: str, arguments: tuple[str, ...]) -> str:
    """Members that are themselves arguments, by what is passed: `#define call(ops, what) ops->what()`."""
    return re.sub(
        r"__argument_(\d+)__",
        lambda match: arguments[int(match[1])] if int(match[1]) < len(arguments) else match[0],
        chain,
    )
