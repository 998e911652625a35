"""Uses through macros: expands those macros that name a table, and keeps every line where it is.

A macro's body is no code of its own; what counts is where the macro is used. Only macros whose body names the table
(or another such macro) are expanded, so that the file stays what people read.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax import ParsedFile

_DEFINITION = re.compile(rb"(\w+)(\(([^()]*)\))?\s*(.*)", re.DOTALL)
_SKIPPED = rb"""/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|^[ \t]*\#(?:[^\n\\]|\\.)*"""
_ROUNDS = 8
"""Macros that use macros, at most this deep."""


@dataclass(frozen=True, slots=True)
class TableMacro:
    """`parameters` is None for an object-like macro. `line` is 1-based."""

    name: str
    parameters: tuple[str, ...] | None
    body: bytes
    file: RepoPath
    line: int

    @property
    def expandable(self) -> bool:
        """Whether plain substitution gives what the preprocessor gives."""
        return b"#" not in self.body and "..." not in "".join(self.parameters or ())


def table_macros(files: Mapping[RepoPath, ParsedFile], table: str) -> dict[str, TableMacro]:
    """The macros defined in `files` through which `table` can be reached, by name; the first definition of each."""
    every = [macro for path, parsed in files.items() for macro in definitions(parsed, path)]
    found: dict[str, TableMacro] = {}
    names = {table}
    for _ in range(_ROUNDS):
        more = [macro for macro in every if macro.name not in found and _uses_any(macro, names)]
        for macro in more:
            found.setdefault(macro.name, macro)
        if not more:
            break
        names |= {macro.name for macro in more}
    return found


def definitions(parsed: ParsedFile, path: RepoPath) -> Iterable[TableMacro]:
    """Every macro that a file defines, those under `#if 0` left out."""
    for directive in parsed.directives:
        match = _DEFINITION.fullmatch(directive.argument) if directive.name == "define" else None
        if match is None or parsed.is_disabled(directive.span.start):
            continue
        name, brackets, inside, body = match.groups()
        parameters = None
        if brackets is not None:
            parameters = tuple(part.strip().decode("utf-8", "surrogateescape") for part in inside.split(b","))
        line = parsed.source.count(b"\n", 0, directive.span.start) + 1
        yield TableMacro(name.decode("utf-8", "surrogateescape"), parameters, body, path, line)


def _uses_any(macro: TableMacro, names: Iterable[str]) -> bool:
    return any(
        name not in (macro.parameters or ()) and any(match.group(1) for match in _word(name).finditer(macro.body))
        for name in names
    )


def _word(name: str) -> re.Pattern[bytes]:
    """Group 1 is the name as a word of its own; what has no group 1 is to be passed over."""
    return re.compile(
        _SKIPPED + rb"|(?<![\w$])(" + re.escape(name.encode("utf-8", "surrogateescape")) + rb")(?![\w$])",
        re.DOTALL | re.MULTILINE,
    )


def expand(data: bytes, macros: Iterable[TableMacro]) -> bytes:
    """`data` with every use of `macros` replaced; each line keeps its number."""
    usable = [macro for macro in macros if macro.expandable]
    for _ in range(_ROUNDS):
        before = data
        for macro in usable:
            if macro.name.encode("utf-8", "surrogateescape") in data:
                data = _expand_one(data, macro)
        if data == before:
            break
    return data


def _expand_one(data: bytes, macro: TableMacro) -> bytes:
    out = bytearray()
    position = 0
    for match in _word(macro.name).finditer(data):
        if match.group(1) is None or match.start() < position:
            continue
        end = match.end()
        body = macro.body
        if macro.parameters is not None:
            called = _arguments(data, end)
            if called is None:
                continue
            arguments, end = called
            body = _substitute(macro, arguments)
        out += (
            data[position : match.start()] + body.replace(b"\n", b" ") + b"\n" * data.count(b"\n", match.start(), end)
        )
        position = end
    return bytes(out + data[position:])


def _arguments(data: bytes, start: int) -> tuple[tuple[bytes, ...], int] | None:
    """The arguments of a call that begins at or after `start`, and where it ends; None if there is no call."""
    opening = re.compile(rb"\s*\(").match(data, start)
    if opening is None:
        return None
    arguments: list[bytes] = []
    depth = 0
    begin = opening.end()
    for match in re.compile(_SKIPPED + rb"|([(),])", re.DOTALL | re.MULTILINE).finditer(data, opening.end() - 1):
        mark = match.group(1)
        if mark == b"(":
            depth += 1
        elif mark == b")":
            depth -= 1
        if (mark == b"," and depth == 1) or (mark == b")" and depth == 0):
            arguments.append(data[begin : match.start()].strip())
            begin = match.end()
            if depth == 0:
                return tuple(arguments), match.end()
    return None


def _substitute(macro: TableMacro, arguments: tuple[bytes, ...]) -> bytes:
    values = dict(zip(macro.parameters or (), arguments, strict=False))
    if not values:
        return macro.body
    return re.sub(
        rb"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\b[A-Za-z_]\w*""",
        lambda match: match.group() if match.group(1) else values.get(match.group().decode(), match.group()),
        macro.body,
    )
