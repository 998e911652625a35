"""A file as lines to compare: white space collapsed, blank lines left out, and which function each stands in."""

from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource

from .functions import FunctionRange, find_functions
from .place import find_places


def normal_line(text: bytes) -> bytes:
    r"""
    >>> normal_line(b"\tint  a;\r")
    b'int a;'
    """
    return b" ".join(text.split())


@dataclass(frozen=True, slots=True)
class FileLines:
    """`texts` without blank lines; `numbers[i]` is the 1-based line of `texts[i]` in the file."""

    texts: list[bytes]
    numbers: list[int]
    functions: tuple[FunctionRange, ...]

    def function_at(self, number: int) -> str | None:
        """The function that holds a line (1-based), None outside of any."""
        for function in self.functions:
            if function.first <= number <= function.last:
                return function.name
        return None

    def number_at(self, index: int) -> int:
        """The 1-based line of an index; behind the last one, the last line (1 in an empty file)."""
        return self.numbers[min(index, len(self.numbers) - 1)] if self.numbers else 1

    def region(self, function: str | None) -> tuple[int, int]:
        """The half-open range of indices of a function's lines; the whole file if there is none of that name."""
        found = [one for one in self.functions if function is not None and one.name == function]
        if not found:
            return 0, len(self.texts)
        inside = [index for index, number in enumerate(self.numbers) if found[0].first <= number <= found[-1].last]
        return (inside[0], inside[-1] + 1) if inside else (0, len(self.texts))

    def find(self, block: tuple[bytes, ...], low: int, high: int) -> Iterator[int]:
        """Every index in low..high at which `block` stands as a whole."""
        yield from find_places(block, self.texts, low, high)


def read_lines(source: BlobSource, path: RepoPath) -> FileLines | None:
    """The lines of a file of `source`, None if it has no such file."""
    data = source.read(path)
    if data is None:
        return None
    texts, numbers = [], []
    for number, line in enumerate(data.split(b"\n"), start=1):
        normal = normal_line(line)
        if normal:
            texts.append(normal)
            numbers.append(number)
    return FileLines(texts, numbers, find_functions(path, data))
