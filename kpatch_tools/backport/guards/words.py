"""The identifiers in some lines of C, comments and literals left out."""

import re
from collections.abc import Iterable

from kpatch_tools.syntax import words_in

_SKIPPED = re.compile(
    rb'/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^[ \t]*\*(?![\w(=]).*?$|^[ \t]*\#[ \t]*'
    rb"(?:include|error|warning|pragma|if|ifdef|ifndef|elif|else|endif|undef)\b[^\n]*|^(?:(?!/\*)[^\n])*\*/",
    re.DOTALL | re.MULTILINE,
)
_NAME = re.compile(rb"(?<![\w$])[A-Za-z_]\w*")
_KEYWORDS = frozenset(
    b"auto break case char const continue default do double else enum extern float for goto if inline int long "
    b"register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while "
    b"define defined typeof asm bool NULL true false __func__ __FUNCTION__ __LINE__ __FILE__ __VA_ARGS__ "
    b"args fmt".split()
)
_WORD_BYTES = frozenset(bytes((byte,)) for byte in range(256) if re.match(rb"\w", bytes((byte,))))
BY_THE_BUILD = re.compile(rb"CONFIG_|KBUILD_|__NR_|_+$")


def code_of(lines: Iterable[bytes]) -> bytes:
    """The lines as one text with comments, literals and directives blanked; a comment may begin or end outside."""
    return _SKIPPED.sub(b" ", b"".join(line if line.endswith(b"\n") else line + b"\n" for line in lines))


def names_in(lines: Iterable[bytes]) -> set[bytes]:
    """
    >>> sorted(names_in([b'x->len = foo(a, 0x1f); /* bar */', b' * text of a comment', b'"lit"']))
    [b'a', b'foo', b'len', b'x']
    """
    return set(_NAME.findall(code_of(lines))) - _KEYWORDS


def words_of(data: bytes) -> frozenset[bytes]:
    """Every word of a text, comments included: what a file mentions at all. Numbers may be among them."""
    # Where there is a `$`, as in assembly, it is no part of a name here.
    return frozenset(_NAME.findall(data)) if b"$" in data else words_in(data)


def is_mentioned(name: bytes, data: bytes) -> bool:
    """
    >>> is_mentioned(b"of", b"off of"), is_mentioned(b"of", b"off")
    (True, False)
    """
    start = data.find(name)
    while start >= 0:
        end = start + len(name)
        if data[end : end + 1] not in _WORD_BYTES and (not start or data[start - 1 : start] not in _WORD_BYTES):
            return True
        start = data.find(name, end)
    return False
