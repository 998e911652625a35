"""The files of one source, each read and parsed once."""

from collections.abc import Callable, Iterator, Sequence

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.tables.conditions import Conditions
from kpatch_tools.syntax import Directive, Node, ParsedFile, enclosing_function, line_of, mask, parse_c
from kpatch_tools.syntax.includes import Includes

INCLUDE_FOLDERS = ("arch/x86/include/", "include/")
"""Where `#include <...>` looks, as far as code for x86 is concerned."""


class ReadOnce:
    """A source whose files are fetched once. `listed`: False for one that answers to names only."""

    def __init__(self, source: BlobSource, *, listed: bool = True) -> None:
        self._source = source
        self._listed = listed
        self._read: dict[RepoPath, bytes | None] = {}
        self._paths: dict[tuple[str, ...], tuple[RepoPath, ...]] = {}

    def read(self, path: RepoPath) -> bytes | None:
        if path not in self._read:
            self._read[path] = self._source.read(path)
        return self._read[path]

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        if not self._listed:
            return iter(())
        if prefixes not in self._paths:
            self._paths[prefixes] = tuple(self._source.paths(*prefixes))
        return iter(self._paths[prefixes])


class Files:
    """A source with what was read of it so far."""

    def __init__(self, source: BlobSource) -> None:
        self.source = ReadOnce(source)
        # An included name that no usual folder has would be looked for in the whole tree, which costs more than all
        # the rest and finds nothing that the hook's files need.
        self._includes = Includes(ReadOnce(self.source, listed=False))
        self._parsed: dict[RepoPath, ParsedFile | None] = {}
        self._conditions: dict[RepoPath, Conditions] = {}
        self._seen: dict[RepoPath, tuple[RepoPath, ...]] = {}

    def parsed(self, path: RepoPath) -> ParsedFile | None:
        """None where the source has no such file."""
        if path not in self._parsed:
            data = self.source.read(path)
            self._parsed[path] = parse_c(data) if data is not None else None
        return self._parsed[path]

    def known(self, path: RepoPath) -> ParsedFile:
        """A file that a search found; LookupError for one that is not there: our mistake."""
        parsed = self.parsed(path)
        if parsed is None:
            raise LookupError(path)
        return parsed

    def conditions(self, path: RepoPath) -> Conditions:
        """The conditionals of a file; none for a file that is not there."""
        if path not in self._conditions:
            parsed = self.parsed(path)
            self._conditions[path] = Conditions(parsed.directives if parsed is not None else ())
        return self._conditions[path]

    def compiled(self, path: RepoPath, node: Node) -> bool:
        """False for a node that an x86-64 build certainly leaves out."""
        return self.conditions(path).compiled(node.start_byte)

    def settled(self, path: RepoPath, offset: int) -> bool:
        """True for a place that an x86-64 build certainly compiles; a header's include guard is no condition here."""
        parsed = self.parsed(path)
        guard = _include_guard(parsed.directives) if parsed is not None else None
        return all(branch.state is True or branch.opened_at == guard for branch in self.conditions(path).at(offset))

    def seen_from(self, path: RepoPath) -> tuple[RepoPath, ...]:
        """The headers that `path` includes, directly or not, under any configuration."""
        if path not in self._seen:
            self._seen[path] = self._includes.closure(path).headers
        return self._seen[path]

    def surely_sees(self, path: RepoPath, header: RepoPath) -> bool:
        """Whether `path` includes `header`, directly or not, in every x86-64 configuration."""
        seen = frozenset(self.seen_from(path))
        if header not in seen:
            return False
        done, queue = {path}, [path]
        for one in queue:
            if header in (found := tuple(self._certain_includes(one, seen))):
                return True
            queue.extend(new for new in found if new not in done)
            done.update(found)
        return False

    def _certain_includes(self, path: RepoPath, seen: frozenset[RepoPath]) -> Iterator[RepoPath]:
        """What one file includes unconditionally, its guard against being included twice aside; of `seen` only."""
        directives = mask(self.source.read(path) or b"").directives
        guard, conditions = _include_guard(directives), Conditions(directives)
        for one in directives:
            if one.name != "include" or len(one.argument) < 3:
                continue
            if all(branch.state is True or branch.opened_at == guard for branch in conditions.at(one.span.start)):
                name = one.argument[1:-1].decode("utf-8", "surrogateescape")
                folders = [*INCLUDE_FOLDERS]
                if one.argument.startswith(b'"'):
                    folders.insert(0, path.rpartition("/")[0] + "/")
                yield from (found for folder in folders if (found := RepoPath(folder + name)) in seen)

    def location(self, path: RepoPath, node: Node) -> Location:
        return Location(path, line_of(node), enclosing_function(node))

    def find(
        self,
        wanted: Callable[[ParsedFile], Node | None],
        needle: bytes,
        *,
        first: RepoPath | None,
        scope: tuple[str, ...],
        suffix: str = ".c",
    ) -> tuple[RepoPath, Node] | None:
        """The file that holds a shape: `first` is asked first, then what in `scope` contains the bytes `needle`."""
        for path in self._candidates(needle, first, scope, suffix):
            parsed = self.parsed(path)
            node = wanted(parsed) if parsed is not None else None
            if node is not None:
                return path, node
        return None

    def _candidates(
        self, needle: bytes, first: RepoPath | None, scope: tuple[str, ...], suffix: str
    ) -> Iterator[RepoPath]:
        if first is not None:
            yield first
        for path in self.source.paths(*scope):
            if path != first and path.endswith(suffix) and needle in (self.source.read(path) or b""):
                yield path


def _include_guard(directives: Sequence[Directive]) -> int | None:
    """Where a file's guard opens: its first directive is `#ifndef X`, its second `#define X`."""
    if len(directives) < 2 or (directives[0].name, directives[1].name) != ("ifndef", "define"):
        return None
    return directives[0].span.start if directives[1].argument.split()[:1] == [directives[0].argument] else None
