"""A C preprocessor that reads from a `BlobSource`.

Enough of C99 and GNU C for the kernel: conditionals, includes, object-like and function-like macros with `#`, `##`
and variadic parameters (named too), `__LINE__`, `__FILE__`, `__COUNTER__`. Left out: `#include_next`, `#line`,
trigraphs, `__DATE__`, `__TIME__`; pragmas are dropped. Compared with GNU cpp, only the spacing inside stringified
arguments differs.
"""

import posixpath
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource

from .lexer import tokenize
from .preprocessor_conditions import ConditionError, evaluate
from .preprocessor_lines import Directive, LineCache, SourceLines, TextLines
from .preprocessor_macros import BUILTIN, Expander, Macro, MacroError, Place, parse_macro

_MODEL = RepoPath("<model>")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that the preprocessor met and could not honour: it says so instead of guessing.

    `kind` is "missing-include" (`text` is the name asked for), "error-directive" (its message),
    "condition" (a `#if` that is no valid expression, taken as false) or "malformed" (a directive).
    """

    kind: str
    file: RepoPath
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Preprocessed:
    """Expanded text, one item per line: `lines[i]` came from `places[i]` (file, 1-based line)."""

    lines: tuple[str, ...]
    places: tuple[Place, ...]


class Preprocessor:
    """Preprocesses files of `source` one after the other: macros and include guards carry over.

    `include_dirs` are searched in order, after the including file's folder for `#include "..."`; `asm/x.h` found
    nowhere falls back to include/asm-generic/x.h, for which kbuild generates wrappers. `defines` are as on a compiler's
    command line (name -> replacement; the name may carry parameters). `overrides` are `#define` arguments that no
    later `#define` or `#undef` changes; a name in `undefinable` can never become a macro. `virtual_files` exist
    besides those of `source`, and win.
    """

    def __init__(
        self,
        source: BlobSource,
        *,
        include_dirs: Sequence[str] = (),
        defines: Mapping[str, str] | None = None,
        overrides: Sequence[str] = (),
        undefinable: Collection[str] = (),
        virtual_files: Mapping[RepoPath, bytes] | None = None,
        cache: LineCache | None = None,
    ) -> None:
        self._source = source
        self._include_dirs = tuple(include_dirs)
        self._virtual = dict(virtual_files or {})
        self._cache = cache or LineCache()
        self._macros: dict[str, Macro] = {}
        self._expander = Expander(self._macros)
        self._sticky: set[str] = set()
        self._lines: list[str] = []
        self._places: list[Place] = []
        self._troubles: list[Trouble] = []
        self._files: dict[RepoPath, None] = {}
        self._read: dict[RepoPath, SourceLines | None] = {}
        self._found: dict[tuple[str, str], RepoPath | None] = {}
        for name, value in (defines or {}).items():
            self._define(f"{name} {value}", _MODEL, 0)
        for text in overrides:
            macro = parse_macro(text)
            self._macros[macro.name] = macro
            self._sticky.add(macro.name)
        self._sticky.update(undefinable)

    @property
    def macros(self) -> Mapping[str, Macro]:
        """The macros defined at this point."""
        return self._macros

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        return tuple(self._troubles)

    @property
    def files(self) -> tuple[RepoPath, ...]:
        """Every file read, in order of its first inclusion."""
        return tuple(self._files)

    def include(self, path: RepoPath) -> None:
        """Preprocess the file at `path`. KpatchError `file-not-found`."""
        lines = self._lines_of(path)
        if lines is None:
            raise KpatchError("file-not-found", f"no file {path} in this tree")
        self._file(path, lines)

    def output(self) -> Preprocessed:
        """What all files included so far expand to."""
        return Preprocessed(tuple(self._lines), tuple(self._places))

    def _lines_of(self, path: RepoPath) -> SourceLines | None:
        if path not in self._read:
            data = self._virtual.get(path)
            if data is None:
                data = self._source.read(path)
            self._read[path] = None if data is None else self._cache.lines(data)
        return self._read[path]

    def _file(self, path: RepoPath, items: SourceLines) -> None:
        self._files[path] = None
        # One entry per open conditional: whether it is inside active text, and whether a branch was taken.
        stack: list[tuple[bool, bool]] = []
        active = True
        for item in items:
            if isinstance(item, TextLines):
                if active:
                    self._text(item, path)
                continue
            name = item.name
            if name in ("if", "ifdef", "ifndef"):
                taken = active and self._holds(item, path)
                stack.append((active, taken))
                active = taken
            elif name in ("elif", "else", "endif"):
                if not stack:
                    self._trouble("malformed", path, item.line, f"#{name} without #if")
                    continue
                outer, taken = stack[-1]
                if name == "endif":
                    stack.pop()
                    active = outer
                else:
                    active = outer and not taken and (name == "else" or self._holds(item, path))
                    stack[-1] = (outer, taken or active)
            elif active:
                self._directive(item, path)
        if stack:
            self._trouble("malformed", path, 0, "#if without #endif")

    def _holds(self, item: Directive, path: RepoPath) -> bool:
        if item.name in ("ifdef", "ifndef"):
            words = tokenize(item.argument)
            if not words:
                self._trouble("malformed", path, item.line, f"#{item.name} without a name")
                return False
            return (words[0] in self._macros) == (item.name == "ifdef")
        if item.argument in ("0", "1"):
            return item.argument == "1"
        tokens = self._expander.expand_condition(tokenize(item.argument), place=(path, item.line))
        try:
            return evaluate(tokens) != 0
        except ConditionError as error:
            self._trouble("condition", path, item.line, f"{item.argument}: {error}")
            return False

    def _directive(self, item: Directive, path: RepoPath) -> None:
        if item.name == "define":
            self._define(item.argument, path, item.line)
        elif item.name == "undef":
            name = item.argument.split(None, 1)[0] if item.argument else ""
            if name not in self._sticky:
                self._macros.pop(name, None)
        elif item.name == "include":
            self._include(item, path)
        elif item.name == "error":
            self._trouble("error-directive", path, item.line, item.argument)
        elif item.name not in ("pragma", "warning", "ident", "line"):
            self._trouble("malformed", path, item.line, f"#{item.name}")

    def _define(self, text: str, path: RepoPath, line: int) -> None:
        try:
            macro = parse_macro(text)
        except MacroError as error:
            self._trouble("malformed", path, line, str(error))
            return
        if macro.name not in self._sticky:
            self._macros[macro.name] = macro

    def _include(self, item: Directive, path: RepoPath) -> None:
        argument = item.argument
        if argument[:1] not in ('"', "<"):
            # The name may come out of `#`, which separates its tokens by spaces.
            argument = "".join(self._expander.expand(tokenize(argument), place=(path, item.line))).replace(" ", "")
        closing = argument.find(">" if argument[:1] == "<" else '"', 1)
        if argument[:1] not in ('"', "<") or closing < 0:
            self._trouble("malformed", path, item.line, f"#include {item.argument}")
            return
        name = argument[1:closing]
        found = self._find(name, posixpath.dirname(path) if argument[0] == '"' else None)
        lines = None if found is None else self._lines_of(found)
        if found is None or lines is None:
            self._trouble("missing-include", path, item.line, name)
            return
        self._file(found, lines)

    def _find(self, name: str, folder: str | None) -> RepoPath | None:
        key = (name, folder if folder is not None else "<>")
        if key not in self._found:
            candidates = [] if folder is None else [posixpath.join(folder, name)]
            candidates += [posixpath.join(directory, name) for directory in self._include_dirs]
            if name.startswith("asm/"):
                candidates.append("include/asm-generic/" + name[4:])
            paths = (RepoPath(posixpath.normpath(candidate)) for candidate in candidates)
            self._found[key] = next((path for path in paths if self._lines_of(path) is not None), None)
        return self._found[key]

    def _text(self, text: TextLines, path: RepoPath) -> None:
        """Append the expansion of `text`. Lines that mention no macro are passed on as they are."""
        lines = text.lines
        no_macro = self._macros.keys().isdisjoint
        count = len(lines)
        at = 0
        while at < count:
            line = lines[at]
            number = text.line + at
            at += 1
            if not line:
                continue
            tokens = tokenize(line)
            if no_macro(tokens) and BUILTIN.isdisjoint(tokens):
                self._lines.append(line)
                self._places.append((path, number))
                continue
            last = at

            def more() -> list[str] | None:
                nonlocal last
                if last >= count:
                    return None
                last += 1
                return ["\n", *tokenize(lines[last - 1])]

            self._append(self._expander.expand(tokens, place=(path, number), more=more), path, number)
            at = last

    def _append(self, tokens: list[str], path: RepoPath, number: int) -> None:
        while "\n" in tokens:
            end = tokens.index("\n")
            self._append_line(tokens[:end], path, number)
            tokens = tokens[end + 1 :]
            number += 1
        self._append_line(tokens, path, number)

    def _append_line(self, tokens: list[str], path: RepoPath, number: int) -> None:
        if tokens:
            self._lines.append(" ".join(tokens))
            self._places.append((path, number))

    def _trouble(self, kind: str, path: RepoPath, line: int, text: str) -> None:
        self._troubles.append(Trouble(kind, path, line, text))
