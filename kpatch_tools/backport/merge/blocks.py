"""The named blocks of a source file by its layout alone: functions, structs, initialisers, macros, Kconfig entries.

A conflict is settled inside the block of the same name. The kernel's layout (a block begins with a line that is not
indented, and ends with a brace that is not) tells blocks even where #ifdefs and macros defeat a parser, in the fiftieth
part of the time; that a result still parses is a guard's business.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_letters

from kpatch_tools.core.ids import RepoPath


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `first`..`last` (0-based, both included) are one definition.

    `name` has its kind in it (`struct rq`, `f()`, `#define F`), so that only like is compared with like.
    """

    name: str
    first: int
    last: int


_CLOSING = frozenset({b"}", b")"})
_MARKS = _CLOSING.union(letter.encode() for letter in f"{ascii_letters}_#")
_CALLED = re.compile(rb"(\w+)\s*\(\s*([\w\"]*)")
_TYPE = re.compile(rb"^(?:typedef\s+)?(?:struct|union|enum)\s+(\w+)\s*(?:\{|$)")
_ASSIGNED = re.compile(rb"(\w+)\s*(?:\[[^\]]*\]\s*)*(?:__\w+\s*)*=\s*(?:\{|$)")
_DEFINE = re.compile(rb"#\s*define\s+(\w+)")
_ENTRY = re.compile(rb"(?:menuconfig|config|choice|menu|comment|source|if|endif|endmenu|endchoice)\b\s*(\w*)")
_ATTRIBUTES = (b"__attribute__", b"__printf", b"__aligned", b"__section", b"__declspec", b"if", b"while", b"for")
_LONGEST_HEAD = 24  # lines; K&R parameters and long prototypes stay below


def find_blocks(path: RepoPath, lines: Sequence[bytes]) -> tuple[Block, ...]:
    """The blocks of a file in order; none where the kind of file has none that are known."""
    name = path.rpartition("/")[2]
    if name.startswith("Kconfig"):
        return tuple(_entries(lines))
    if name.endswith((".c", ".h")):
        return tuple(_definitions(lines))
    return ()


def _entries(lines: Sequence[bytes]) -> Iterator[Block]:
    start, name = 0, ""
    for index, line in enumerate(lines):
        match = _ENTRY.match(line)
        if match is None:
            continue
        if name:
            yield Block(name, start, index - 1)
        word = match.group().split()[0].decode()
        start, name = index, f"{word} {match.group(1).decode()}" if word in ("config", "menuconfig") else ""
    if name:
        yield Block(name, start, len(lines) - 1)


def _definitions(lines: Sequence[bytes]) -> Iterator[Block]:
    # Most lines are indented: one look at their first bytes spares looking at them again.
    marked = [(index, first) for index, line in enumerate(lines) if (first := line[:1]) in _MARKS]
    closings = [index for index, first in marked if first in _CLOSING]
    following = 0  # lines before it are part of something
    for index, first in marked:
        if index < following or first in _CLOSING:
            continue
        if first == b"#":
            last = index
            while last + 1 < len(lines) and lines[last].rstrip().endswith(b"\\"):
                last += 1
            match = _DEFINE.match(lines[index])
            if match and last > index:
                yield Block("#define " + match.group(1).decode(), index, last)
            following = last + 1
            continue
        opening = _opening(lines, index)
        closing = bisect_right(closings, opening) if opening is not None else len(closings)
        if opening is None or closing == len(closings):
            continue
        last = closings[closing]
        head = b" ".join([line.strip() for line in lines[index : opening + 1]])
        name = _name(head, lines[last])
        if name:
            yield Block(name, index, last)
        following = last + 1


def _opening(lines: Sequence[bytes], start: int) -> int | None:
    """The line with the opening brace of a definition whose first line is `start`; None where it opens none."""
    for index in range(start, min(len(lines), start + _LONGEST_HEAD)):
        whole = lines[index]
        line = (whole.split(b"/*")[0] if b"/*" in whole else whole).rstrip()
        last = line[-1:]
        if index > start and line[:1] in (b"#", b"}", b""):
            return None
        if last == b"{":
            return index
        if last == b";" and (not whole[:1].isspace() or line.endswith((b"};", b");"))):
            return None
        if index == start and last in (b":", b"}"):
            return None
    return None


@lru_cache(maxsize=1 << 13)
def _name(head: bytes, last: bytes) -> str:
    """That of a definition with this head, in one line, and this last line; versions of a file share most of them."""
    match = _TYPE.match(head)
    if match:
        return head.split()[0].decode() + " " + match.group(1).decode()
    if head.startswith((b"typedef", b"struct {", b"union {", b"enum {")):
        closing = re.findall(rb"\w+", last)
        return "type " + closing[0].decode() if closing else ""
    match = _ASSIGNED.search(head) if b"=" in head else None
    if match:
        return match.group(1).decode() + " ="
    for match in _CALLED.finditer(head):
        called, first = match.groups()
        if called in _ATTRIBUTES:
            continue
        if called.isupper() and first:
            return f"{called.decode()}({first.decode()})"
        return called.decode() + "()"
    return ""
