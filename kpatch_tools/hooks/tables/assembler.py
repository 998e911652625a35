"""Where assembler names a table: it is not read, and an answer has to say so."""

import re
from collections.abc import Iterator, Mapping

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.syntax import Directive, ParsedFile

from .search import search_source, word_pattern

_FOR_ASSEMBLER = re.compile(rb"\b__ASSEMBL(?:Y|ER)__\b")


def in_assembler_files(source: BlobSource, table: str, scope: tuple[str, ...]) -> tuple[Location, ...]:
    """The lines of `.S` files below `scope` that name `table`."""
    return tuple(
        Location(path, line)
        for path, data in search_source(source, table, scope, suffixes=(".S",)).hits
        for line, text in enumerate(data.split(b"\n"), start=1)
        if word_pattern(table).search(text)
    )


def in_assembler_parts(files: Mapping[RepoPath, ParsedFile], table: str) -> tuple[Location, ...]:
    """The lines of headers that name `table` where no C compilation looks, but assembler does."""
    return tuple(
        Location(path, parsed.source.count(b"\n", 0, match.start()) + 1)
        for path, parsed in files.items()
        if path.endswith(".h") and parsed.disabled
        for match in word_pattern(table).finditer(parsed.source)
        if parsed.is_disabled(match.start()) and _for_assembler(parsed.directives, match.start())
    )


def _for_assembler(directives: tuple[Directive, ...], offset: int) -> bool:
    return any(_FOR_ASSEMBLER.search(directive.argument) for directive in _open_at(directives, offset))


def _open_at(directives: tuple[Directive, ...], offset: int) -> Iterator[Directive]:
    """The conditionals that `offset` is inside of."""
    stack: list[Directive] = []
    for directive in directives:
        if directive.span.start >= offset:
            break
        if directive.name in ("if", "ifdef", "ifndef"):
            stack.append(directive)
        elif directive.name == "endif" and stack:
            stack.pop()
    yield from stack
