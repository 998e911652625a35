"""Where a hunk's lines stand in a file, byte for byte."""

from kpatch_tools.patch import Hunk


def split_lines(data: bytes) -> list[bytes]:
    r"""Lines with their newlines; joining them gives `data` again.

    >>> split_lines(b"a\nb")
    [b'a\n', b'b']
    """
    pieces = data.split(b"\n")
    return [piece + b"\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])


def find_places(block: list[bytes], lines: list[bytes]) -> list[int]:
    """Every 0-based index at which `block` stands in `lines`; none for an empty block."""
    if not block:
        return []
    first, length = block[0], len(block)
    return [
        index
        for index in range(len(lines) - length + 1)
        if lines[index] == first and lines[index : index + length] == block
    ]


def apply_at(lines: list[bytes], index: int, hunk: Hunk) -> list[bytes]:
    """`lines` with the hunk's old lines at `index` replaced by its new ones."""
    return lines[:index] + list(hunk.new_lines) + lines[index + len(hunk.old_lines) :]


def old_index(hunk: Hunk) -> int:
    """The 0-based line at which a hunk's old lines begin; after the given line where it has none."""
    return hunk.old_start - 1 if hunk.old_count else hunk.old_start
