"""Where a hunk's lines stand in a file, byte for byte."""

from collections.abc import Iterator, Sequence
from io import BytesIO

from kpatch_tools.patch import Hunk


def split_lines(data: bytes) -> list[bytes]:
    r"""Lines with their newlines; joining them gives `data` again.

    >>> split_lines(b"a\nb")
    [b'a\n', b'b']
    """
    return BytesIO(data).readlines()


def find_places(block: Sequence[bytes], lines: list[bytes], low: int = 0, high: int | None = None) -> list[int]:
    """Every 0-based index at which all of `block` stands in `lines[low:high]`; none for an empty block.

    >>> find_places([b"b"], [b"a", b"b", b"b"]), find_places([b"b", b"b"], [b"a", b"b", b"b"], high=2)
    ([1, 2], [])
    """
    return list(_places(list(block), lines, low, len(lines) if high is None else high)) if block else []


def _places(block: list[bytes], lines: list[bytes], low: int, high: int) -> Iterator[int]:
    length = len(block)
    while low <= high - length:
        try:
            low = lines.index(block[0], low, high - length + 1)
        except ValueError:
            return
        if lines[low : low + length] == block:
            yield low
        low += 1


def apply_at(lines: list[bytes], index: int, hunk: Hunk) -> list[bytes]:
    """`lines` with the hunk's old lines at `index` replaced by its new ones."""
    return lines[:index] + list(hunk.new_lines) + lines[index + len(hunk.old_lines) :]


def old_index(hunk: Hunk) -> int:
    """The 0-based line at which a hunk's old lines begin; after the given line where it has none."""
    return hunk.old_start - 1 if hunk.old_count else hunk.old_start
