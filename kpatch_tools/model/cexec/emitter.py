"""The lines of a translated function, each with the row of the C it came from."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """`row` is the 0-based row in the translation unit's text."""

    indent: int
    text: str
    row: int

    def __str__(self) -> str:
        return "    " * self.indent + self.text


class Emitter:
    """Collects lines at the current indentation.

    An expression that needs statements (a statement expression, say) emits them before the statement it is part of:
    that one is emitted only when its translation is complete.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.indent = 1
        self.row = 0
        self._temporaries = 0

    def emit(self, text: str) -> None:
        self.lines.append(Line(self.indent, text, self.row))

    def temporary(self, prefix: str = "_t") -> str:
        """A fresh name for a Python local."""
        self._temporaries += 1
        return f"{prefix}{self._temporaries}"

    @contextmanager
    def capture(self) -> Iterator[list[Line]]:
        """Lines emitted inside go to the list yielded, not to the function."""
        saved = self.lines
        self.lines = []
        try:
            yield self.lines
        finally:
            self.lines = saved

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Emit `head`, then what is emitted inside one level deeper; `pass` if that is nothing."""
        self.emit(head)
        self.indent += 1
        before = len(self.lines)
        try:
            yield
        finally:
            if len(self.lines) == before:
                self.emit("pass")
            self.indent -= 1

    @contextmanager
    def loop(self) -> Iterator[None]:
        """A Python loop that goes round until something breaks out of it, or the program's limit is reached."""
        with self.block("for _ in rounds():"):
            yield
        with self.block("else:"):
            self.emit("endless()")

    def extend(self, lines: Sequence[Line], *, shift: int = 0) -> None:
        """Append captured lines, `shift` levels deeper than they were captured."""
        self.lines.extend(Line(line.indent + shift, line.text, line.row) for line in lines)
