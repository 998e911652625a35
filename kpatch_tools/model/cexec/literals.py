"""Constants and strings as C spells them."""

import re

from kpatch_tools.syntax.preprocessor_conditions import ConditionError, character, number

from .types import INT, LLONG, LONG, UINT, ULLONG, ULONG, Integer

_STRING = re.compile(r'"((?:\\.|[^"\\])*)"')
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]+|[0-7]{1,3}|.)", re.DOTALL)
_SIMPLE = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11, "e": 27}


def integer_constant(spelled: str) -> tuple[int, Integer]:
    """Value and type of an integer constant. ConditionError for a floating one.

    >>> [str(integer_constant(text)[1]) for text in ("1", "0x80000000", "2147483648", "1UL", "0xffffffffffffffff")]
    ['int', 'unsigned int', 'long', 'unsigned long', 'unsigned long']
    """
    value, suffix = number(spelled)
    decimal = not spelled.startswith("0") or len(spelled) == 1
    unsigned_only, longs = "u" in suffix, suffix.count("l")
    candidates = {0: (INT, UINT, LONG, ULONG), 1: (LONG, ULONG), 2: (LLONG, ULLONG)}[min(longs, 2)]
    for kind in candidates:
        if kind.signed and unsigned_only:
            continue
        if not kind.signed and decimal and not unsigned_only and kind is not candidates[-1]:
            continue
        if value <= kind.high:
            return value, kind
    raise ConditionError(f"'{spelled}' is too large")


def character_constant(spelled: str) -> int:
    """The value of a character constant, as an int."""
    return character(spelled)


def string_bytes(spelled: str) -> bytes:
    """The bytes of one or more adjacent string literals, without the terminating NUL.

    >>> string_bytes('"a\\\\n" "\\\\x41\\\\0"')
    b'a\\nA\\x00'
    """
    return b"".join(_unescaped(body) for body in _STRING.findall(spelled))


def _unescaped(body: str) -> bytes:
    out = bytearray()
    at = 0
    for match in _ESCAPE.finditer(body):
        out += body[at : match.start()].encode("latin-1")
        code = match[1]
        if code[0] == "x":
            out.append(int(code[1:], base=16) & 255)
        elif code[0] in "01234567":
            out.append(int(code, 8) & 255)
        else:
            out.append(_SIMPLE.get(code, ord(code[0]) & 255))
        at = match.end()
    return bytes(out + body[at:].encode("latin-1"))
