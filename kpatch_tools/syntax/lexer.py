"""C source text as preprocessing tokens.

Text is `str` decoded as Latin-1, so that every byte is one character and offsets agree with the bytes.
"""

import re

TOKEN = re.compile(
    r"""
      [A-Za-z_$][A-Za-z0-9_$]*+(?!["'])                       # identifier
    | L?"(?:\\.|[^"\\\n])*" | L?'(?:\\.|[^'\\\n])*'           # string, character
    | [A-Za-z_$][A-Za-z0-9_$]*                                # identifier before a string
    | \.?[0-9](?:[eEpP][+-]|[A-Za-z0-9_.])*                   # preprocessing number
    | \n | \.\.\. | <<= | >>= | -> | \+\+ | -- | << | >> | <= | >= | == | != | && | \|\| | [-+*/%&|^]= | \#\#
    | [^\s]
    """,
    re.VERBOSE,
)
"""One preprocessing token; a newline is a token too. Other white space separates and is lost."""

_COMMENT_OR_LITERAL = re.compile(
    r"""/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|/\*.*\Z|//[^\n]*|"(?:\\.|[^"\\\n])*+"|'(?:\\.|[^'\\\n])*+'""", re.DOTALL
)
_SWALLOWED = "\x01"
_SWALLOWING_LINE = re.compile(r"^[^\n\x01]*\x01[^\n]*", re.MULTILINE)


def tokenize(text: str) -> list[str]:
    """The preprocessing tokens of `text`, newlines included.

    >>> tokenize("a+=L'x' ## 0x1e+2 ...")
    ['a', '+=', "L'x'", '##', '0x1e+2', '...']
    """
    return TOKEN.findall(text)


def logical_text(source: str) -> str:
    """`source` with continued lines joined and comments replaced by a space; the number of newlines stays.

    The newlines that a continuation or a comment swallowed follow at the end of the logical line, so that the next
    line keeps its number.

    >>> logical_text('a\\\\\\nb /* x\\ny */ "/*"\\nc')
    'ab   "/*"\\n\\n\\nc'
    """
    source = source.replace("\\\n", _SWALLOWED)
    if "/*" in source or "//" in source:
        source = _COMMENT_OR_LITERAL.sub(_blank_comment, source)
    if _SWALLOWED in source:
        source = _SWALLOWING_LINE.sub(_newlines_last, source)
    return source


def _blank_comment(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] != "/":
        return found
    return " " + _SWALLOWED * (found.count("\n") + found.count(_SWALLOWED))


def _newlines_last(match: re.Match[str]) -> str:
    line = match.group()
    return line.replace(_SWALLOWED, "") + "\n" * line.count(_SWALLOWED)
