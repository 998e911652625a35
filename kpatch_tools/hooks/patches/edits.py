"""Insertions and replacements in files, gathered first and made at once."""

from collections.abc import Iterable
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Span
from kpatch_tools.syntax import Node, ParsedFile

from .lacks import Lack
from .parts import HookPart


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `span` of `file`'s old bytes by `text`; an empty span inserts. `part`: what of the hook this is."""

    part: HookPart
    file: RepoPath
    span: Span
    text: bytes


Placed = tuple[Edit, ...] | Lack
"""What a search for a place comes to."""


def insert(part: HookPart, path: RepoPath, at: int, text: str) -> Edit:
    """`text` before the byte at offset `at`."""
    return Edit(part, path, Span(at, at), text.encode("utf-8", "surrogateescape"))


def behind(part: HookPart, path: RepoPath, parsed: ParsedFile, node: Node, text: str) -> Edit:
    """After `node`, with a blank line on either side."""
    apart = parsed.source[node.end_byte : node.end_byte + 2] in (b"\n\n", b"\n", b"")
    return insert(part, path, node.end_byte, "\n\n" + text.rstrip("\n") + ("" if apart else "\n"))


def apply_edits(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The file after its edits, which must not overlap; insertions at one place keep their order."""
    pieces: list[bytes] = []
    done = 0
    for edit in sorted(edits, key=lambda one: one.span):
        pieces += (data[done : edit.span.start], edit.text)
        done = edit.span.end
    return b"".join((*pieces, data[done:]))


def line_start(data: bytes, offset: int) -> int:
    """Offset of the first byte of the line that `offset` is in."""
    return data.rfind(b"\n", 0, offset) + 1


def line_end(data: bytes, offset: int) -> int:
    """Offset after the newline of the line that `offset` is in."""
    newline = data.find(b"\n", offset)
    return len(data) if newline < 0 else newline + 1


def indent_of(data: bytes, offset: int) -> str:
    """The blanks that the line of `offset` begins with."""
    line = data[line_start(data, offset) : offset]
    return line[: len(line) - len(line.lstrip(b" \t"))].decode()


def start_with_comment(parsed: ParsedFile, node: Node) -> int:
    """Offset of the first line of `node`, or of the comment that stands directly above it."""
    start = line_start(parsed.source, node.start_byte)
    above = node.prev_sibling
    while above is not None and above.type == "comment":
        gap = parsed.source[above.end_byte : start]
        begins_line = not parsed.source[line_start(parsed.source, above.start_byte) : above.start_byte].strip()
        if gap.count(b"\n") != 1 or gap.strip() or not begins_line:
            break
        start = line_start(parsed.source, above.start_byte)
        above = above.prev_sibling
    return start
