"""The identifiers of a file, kept so small that all of a kernel's files can be asked for many at once.

Of each identifier two bytes of a checksum are kept. A file of n identifiers answers yes to another one with a
probability of n / 65536: 0.5 % for the average kernel file.
"""

import re
from array import array
from collections.abc import Iterable, Set
from zlib import crc32

_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


def fingerprints(words: Iterable[bytes]) -> bytes:
    """What `may_hold` looks at: two bytes for each word, most significant first."""
    prints = array("H", {checksum & 0xFFFF for checksum in map(crc32, words)})
    prints.byteswap()
    return prints.tobytes()


def fingerprint(word: str) -> int:
    """That of one word."""
    return crc32(word.encode("utf-8", "surrogateescape")) & 0xFFFF


def may_hold(prints: bytes, wanted: Set[int]) -> set[int]:
    """Which fingerprints of `wanted` are among `prints`: their words may be those that `prints` were made of.

    >>> prints = fingerprints({b"int", b"pte_val", b"a", b"page"})
    >>> may_hold(prints, {fingerprint("pte_val"), fingerprint("pte_va")}) == {fingerprint("pte_val")}
    True
    """
    every = array("H", prints)
    every.byteswap()
    return {one for one in every if one in wanted}


def names_in(value: str) -> tuple[str, ...]:
    """The identifiers of a value that may be functions, each once: not those all in capitals.

    >>> names_in("PV_SAVE(f)"), names_in("f"), names_in("NULL")
    (('f',), ('f',), ())
    """
    if value.isidentifier():
        return () if value.isupper() else (value,)
    return tuple(name for name in dict.fromkeys(_IDENTIFIER.findall(value)) if not name.isupper())
