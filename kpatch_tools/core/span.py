"""Places in source text."""

from dataclasses import dataclass

from .ids import RepoPath


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open byte range of one file, `start <= end`, 0-based."""

    start: int
    end: int

    def __contains__(self, offset: int) -> bool:
        return self.start <= offset < self.end

    def overlaps(self, other: "Span") -> bool:
        """Whether at least one byte is in both."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place a person can open: 1-based line; `function` is None outside of any function."""

    file: RepoPath
    line: int
    function: str | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
