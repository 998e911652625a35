"""Words that a backslash at the end of a line takes apart: C puts them together before it reads them."""

import re

_GOES_ON = re.compile(rb"\\\r?\n(?=[\w$])")


def joined(data: bytes | memoryview) -> bytes | None:
    """`data` with every such word in one piece; None where no line goes on with a word.

    Comments and literals count as well, so that this is for finding what may matter.

    >>> joined(b"x86_\\\\\\ninit.a")
    b'x86_init.a'
    """
    return _GOES_ON.sub(b"", data) if _GOES_ON.search(data) else None


def holds(data: bytes, needle: bytes) -> bool:
    """Whether `needle` is in `data`, in one piece or taken apart."""
    if needle in data:
        return True
    whole = joined(data)
    return whole is not None and needle in whole
