"""The value of a `#if` expression, in the widths of the preprocessor: intmax_t and uintmax_t, 64 bits."""

import re
from collections.abc import Callable, Sequence

_PRECEDENCE = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uUlL]*)\Z")
_ESCAPES = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27}
_IDENTIFIER = re.compile(r"[A-Za-z_$]")
_MASK = (1 << 64) - 1


class ConditionError(ValueError):
    """The expression is no valid `#if` expression."""


_Typed = tuple[int, bool]
"""A value and whether its type is unsigned."""


def evaluate(tokens: Sequence[str]) -> int:
    """The value of a macro-expanded `#if` expression, `defined` already replaced; other identifiers count as 0.

    >>> evaluate(["(", "2", "+", "3", ")", "*", "4", ">", "19", "&&", "!", "X"]), evaluate(["-", "1", ">", "0u"])
    (1, 1)
    """
    parser = _Parser(tokens)
    value, _ = parser.conditional()
    if parser.at < len(tokens):
        raise ConditionError(f"unexpected '{tokens[parser.at]}'")
    return value


def number(token: str) -> tuple[int, str]:
    """Value and suffix (lower case) of an integer constant; ConditionError when it is none."""
    match = _NUMBER.match(token)
    if match is None:
        raise ConditionError(f"'{token}' is no integer")
    digits, suffix = match.groups()
    octal = digits[0] == "0" and digits.isdigit()
    try:
        return int(digits, 8 if octal else 0), suffix.lower()
    except ValueError:
        raise ConditionError(f"'{token}' is no integer") from None


def character(token: str) -> int:
    """The value of a character constant, `'x'` or `L'x'`, as the signed char that it is on x86.

    >>> character("'a'"), character("'%sn'" % chr(92)), character("'%s377'" % chr(92)), character("L'z'")
    (97, 10, -1, 122)
    """
    body = token[2:-1] if token[0] == "L" else token[1:-1]
    if not body:
        raise ConditionError("empty character constant")
    if body[0] != "\\":
        value = ord(body[0])
    elif body[1] == "x":
        value = int(body[1:].replace("x", "0x"), 0)
    elif body[1] in "01234567":
        value = int(body[1:], 8)
    else:
        value = _ESCAPES.get(body[1], ord(body[1]))
    return value - 256 if value > 127 and token[0] != "L" else value


class _Parser:
    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        if self.at >= len(self.tokens):
            raise ConditionError("the expression ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, token: str) -> None:
        if self.next() != token:
            raise ConditionError(f"'{token}' expected")

    def conditional(self) -> _Typed:
        condition = self.binary(1)
        if self.peek() != "?":
            return condition
        self.next()
        yes = self.conditional()
        self.expect(":")
        no = self.conditional()
        chosen = yes if condition[0] else no
        return _as(chosen[0], yes[1] or no[1])

    def binary(self, lowest: int) -> _Typed:
        left = self.unary()
        while (precedence := _PRECEDENCE.get(self.peek(), 0)) >= lowest:
            operator = self.next()
            right = self.binary(precedence + 1)
            left = _apply(operator, left, right)
        return left

    def unary(self) -> _Typed:
        token = self.next()
        if token == "(":
            inside = self.conditional()
            self.expect(")")
            return inside
        if token == "!":
            return int(not self.unary()[0]), False
        if token in ("-", "+", "~"):
            operand, unsigned = self.unary()
            return _as({"-": -operand, "+": operand, "~": ~operand}[token], unsigned)
        if token[0].isdigit():
            value, suffix = number(token)
            return _as(value, "u" in suffix or value >> 63 != 0)
        if token.endswith("'"):
            return character(token), False
        if _IDENTIFIER.match(token):
            return 0, False
        raise ConditionError(f"unexpected '{token}'")


def _as(value: int, unsigned: bool) -> _Typed:
    value &= _MASK
    return (value, True) if unsigned else (value - (value >> 63 << 64), False)


def _quotient(left: int, right: int) -> int:
    if right == 0:
        # Only an evaluated division is an error; `0 && 1/0` occurs, and there any value will do.
        return 0
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


_LOGIC: dict[str, Callable[[int, int], bool]] = {
    "||": lambda a, b: bool(a or b), "&&": lambda a, b: bool(a and b), "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b, "<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "|": lambda a, b: a | b, "^": lambda a, b: a ^ b, "&": lambda a, b: a & b, "+": lambda a, b: a + b,
    "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": _quotient, "%": lambda a, b: a - _quotient(a, b) * b,
}  # fmt: skip


def _apply(operator: str, left: _Typed, right: _Typed) -> _Typed:
    if operator in ("<<", ">>"):
        count = right[0] & 63
        shifted = left[0] << count if operator == "<<" else left[0] >> count
        return _as(shifted, left[1])
    unsigned = left[1] or right[1]
    a, b = _as(left[0], unsigned)[0], _as(right[0], unsigned)[0]
    if operator in ("||", "&&"):
        return int(_LOGIC[operator](left[0], right[0])), False
    if operator in _LOGIC:
        return int(_LOGIC[operator](a, b)), False
    return _as(_ARITHMETIC[operator](a, b), unsigned)
