"""Macros and their expansion."""

import re
from collections.abc import Callable, Iterable, Mapping

from kpatch_tools.core.ids import RepoPath

from .lexer import tokenize

_HEAD = re.compile(r"\s*([A-Za-z_$][\w$]*)(\()?")
_VARIADIC = "__VA_ARGS__"

Place = tuple[RepoPath, int]
"""File and 1-based line."""


class Macro:
    """A macro definition. `parameters` is None for an object-like macro; `variadic` names the variadic parameter."""

    __slots__ = ("_body", "_text", "name", "parameters", "variadic")

    def __init__(self, name: str, parameters: tuple[str, ...] | None, text: str, variadic: str | None = None) -> None:
        self.name = name
        self.parameters = parameters
        self.variadic = variadic
        self._text = text
        self._body: tuple[str, ...] | None = None

    @property
    def body(self) -> tuple[str, ...]:
        """The replacement's tokens. Taken apart on first use: most macros of a header are never used."""
        if self._body is None:
            self._body = tuple(token for token in tokenize(self._text) if token != "\n")
        return self._body


class MacroError(ValueError):
    """Not a macro definition."""


def parse_macro(text: str) -> Macro:
    """The macro that `#define` followed by `text` defines.

    >>> parse_macro("MAX(a, b) ((a) > (b))").parameters, parse_macro("E(f, a...) p(f, ##a)").variadic
    (('a', 'b'), 'a')
    """
    head = _HEAD.match(text)
    if head is None:
        raise MacroError(f"no macro name in '{text.strip()[:40]}'")
    name, opening = head.groups()
    rest = text[head.end() :]
    if not opening:
        return Macro(name, None, rest)
    inside, closing, rest = rest.partition(")")
    if not closing:
        raise MacroError(f"the parameter list of '{name}' does not end")
    parameters = [parameter.strip() for parameter in inside.split(",")] if inside.strip() else []
    variadic = None
    if parameters and parameters[-1].endswith("..."):
        variadic = parameters[-1][:-3].strip() or _VARIADIC
        parameters[-1] = variadic
    return Macro(name, tuple(parameters), rest, variadic)


class _End:
    """On the expansion stack: here the replacement of `name` ends, and it may be expanded again."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Painted(str):
    """A macro's name met inside its own replacement: never expanded again, wherever it ends up."""

    __slots__ = ()


_Stack = list["str | _End"]


class Expander:
    """Expands macros in token lists.

    `macros` is read at every step, so that it may change between calls.
    """

    def __init__(self, macros: Mapping[str, Macro]) -> None:
        self._macros = macros
        self._counter = 0
        self._outer: list[list[str]] = []
        self._place: Place = (RepoPath("?"), 0)

    def expand(
        self, tokens: Iterable[str], *, place: Place, more: Callable[[], list[str] | None] | None = None
    ) -> list[str]:
        """`tokens` with every macro replaced.

        `place` is where the first token stands. `more` supplies the tokens of the next line (a leading newline
        token included), None at the end; it is asked when a call's arguments continue on the next line.
        """
        self._place = place
        return self._expand(list(tokens), more, condition=False)

    def expand_condition(self, tokens: Iterable[str], *, place: Place) -> list[str]:
        """As `expand`, for a `#if`: `defined X` and `defined(X)` become 1 or 0 first."""
        self._place = place
        return self._expand(list(tokens), None, condition=True)

    def _expand(self, tokens: list[str], more: Callable[[], list[str] | None] | None, *, condition: bool) -> list[str]:
        macros = self._macros
        out: list[str] = []
        stack: _Stack = [*reversed(tokens)]
        hidden: dict[str, int] = {}
        while stack:
            token = stack.pop()
            if isinstance(token, _End):
                hidden[token.name] -= 1
                continue
            macro = macros.get(token)
            if macro is None or token.__class__ is _Painted:
                if token[0] == "_" and token in BUILTIN:
                    token = self._builtin(token, out)
                elif condition and token == "defined":
                    token = self._defined(stack)
                out.append(token)
                continue
            if hidden.get(token):
                out.append(_Painted(token))
                continue
            if macro.parameters is None:
                replacement = _pasted(macro.body) if "##" in macro.body else list(macro.body)
                newlines = 0
            else:
                if not _call_follows(stack, more):
                    out.append(token)
                    continue
                arguments, newlines = _arguments(macro, stack, hidden, more, macros)
                if arguments is None:
                    out.append(token)
                    continue
                self._outer.append(out)
                replacement = self._substituted(macro, arguments)
                self._outer.pop()
            stack.extend(["\n"] * newlines)
            stack.append(_End(token))
            hidden[token] = hidden.get(token, 0) + 1
            stack.extend(reversed(replacement))
        return out

    def _builtin(self, token: str, out: list[str]) -> str:
        if token == "__COUNTER__":
            self._counter += 1
            return str(self._counter - 1)
        file, line = self._place
        if token == "__FILE__":
            return f'"{file}"'
        return str(line + sum(tokens.count("\n") for tokens in (*self._outer, out)))

    def _defined(self, stack: _Stack) -> str:
        name = _pop_token(stack)
        if name == "(":
            name = _pop_token(stack)
            _pop_token(stack)
        return "1" if name in self._macros else "0"

    def _substituted(self, macro: Macro, arguments: dict[str, list[str]]) -> list[str]:
        """The replacement of a function-like macro's call, before it is scanned again."""
        body = macro.body
        expanded: dict[str, list[str]] = {}
        result: list[str] = []
        at = 0
        while at < len(body):
            token = body[at]
            following = body[at + 1] if at + 1 < len(body) else ""
            if token == "#" and following in arguments:
                result.append(_stringified(arguments[following]))
                at += 2
            elif following == "##" and at + 2 < len(body):
                at = self._paste_chain(macro, arguments, at, result)
            elif token in arguments:
                if token not in expanded:
                    expanded[token] = self._expand(arguments[token], None, condition=False)
                result.extend(expanded[token])
                at += 1
            else:
                result.append(token)
                at += 1
        return result

    def _paste_chain(self, macro: Macro, arguments: dict[str, list[str]], at: int, result: list[str]) -> int:
        """Append `a ## b ## ...`, which starts at body index `at`; returns the index after it."""
        body = macro.body
        if body[at] == "," and body[at + 2] == macro.variadic:
            # GNU: the comma goes with an empty variadic argument, and stays unpasted before any other.
            if arguments[macro.variadic]:
                result.append(",")
                result.extend(self._expand(arguments[macro.variadic], None, condition=False))
            return at + 3
        left = list(arguments.get(body[at], (body[at],)))
        at += 1
        while at + 1 < len(body) and body[at] == "##":
            operand = body[at + 1]
            if operand == "#" and at + 2 < len(body) and body[at + 2] in arguments:
                right = [_stringified(arguments[body[at + 2]])]
                at += 1
            else:
                right = list(arguments.get(operand, (operand,)))
            left = [*left[:-1], *tokenize(left[-1] + right[0]), *right[1:]] if left and right else left + right
            at += 2
        result.extend(left)
        return at


BUILTIN = frozenset({"__LINE__", "__FILE__", "__COUNTER__"})
"""Names that the preprocessor itself replaces."""


def _pop_token(stack: _Stack) -> str:
    while stack:
        token = stack.pop()
        if isinstance(token, str):
            return token
    return ""


def _call_follows(stack: _Stack, more: Callable[[], list[str] | None] | None) -> bool:
    """Whether the next token is an opening parenthesis; reads further lines when the stack is exhausted."""
    while True:
        for token in reversed(stack):
            if isinstance(token, str) and token != "\n":
                return token == "("
        line = more() if more is not None else None
        if line is None:
            return False
        stack[:0] = reversed(line)


def _arguments(
    macro: Macro,
    stack: _Stack,
    hidden: dict[str, int],
    more: Callable[[], list[str] | None] | None,
    macros: Mapping[str, Macro],
) -> tuple[dict[str, list[str]] | None, int]:
    """The arguments of a call whose `(` follows, by parameter, and how many newlines stood between.

    None, with nothing consumed, when the call never ends.
    """
    parameters = macro.parameters or ()
    consumed: _Stack = []
    found: list[list[str]] = []
    current: list[str] = []
    depth = -1
    newlines = 0
    while True:
        if not stack:
            line = more() if more is not None else None
            if line is None:
                for item in consumed:
                    if isinstance(item, _End):
                        hidden[item.name] += 1
                stack.extend(reversed(consumed))
                return None, 0
            stack.extend(reversed(line))
            continue
        token = stack.pop()
        consumed.append(token)
        if isinstance(token, _End):
            hidden[token.name] -= 1
            continue
        if token == "\n":
            newlines += 1
            continue
        if token == "(":
            depth += 1
            if depth == 0:
                continue
        elif token == ")":
            if depth == 0:
                found.append(current)
                break
            depth -= 1
        elif token == "," and depth == 0 and not (macro.variadic and len(found) >= len(parameters) - 1):
            found.append(current)
            current = []
            continue
        if hidden.get(token) and token in macros:
            token = _Painted(token)
        current.append(token)
    found.extend([] for _ in range(len(parameters) - len(found)))
    return dict(zip(parameters, found, strict=False)), newlines


def _pasted(body: tuple[str, ...]) -> list[str]:
    """`body` of an object-like macro with `##` applied."""
    result: list[str] = []
    at = 0
    while at < len(body):
        if body[at] == "##" and result and at + 1 < len(body):
            result[-1:] = tokenize(result[-1] + body[at + 1])
            at += 2
        else:
            result.append(body[at])
            at += 1
    return result


def _stringified(argument: list[str]) -> str:
    """`#argument`, with one space between any two tokens: the original spacing is not kept."""
    parts = (
        token.replace("\\", "\\\\").replace('"', '\\"') if token.endswith(('"', "'")) else token for token in argument
    )
    return '"' + " ".join(parts) + '"'
