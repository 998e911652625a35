"""What functions some files define or declare: their parameters by type, and the names that their bodies use."""

import posixpath
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from kpatch_tools.backport.merge.text import Text
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource

from .words import code_of, names_in

_INCLUDE = re.compile(rb'#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]')
_HEAD = rb"^(?:[A-Za-z_][\w \t*]*[ \t*\n])?%s[ \t]*\(([^;{}()]*(?:\([^;{}()]*\)[^;{}()]*)*)\)[^;{}=]*[;{]"
_INDENTED = frozenset({b" ", b"\t", b"#", b"/"})
_NEAR = 80  # bytes behind a name in which its parenthesis is looked for
_NO_TYPE = frozenset(b"const volatile register __user __iomem __force __maybe_unused struct union enum".split())


@dataclass(frozen=True, slots=True)
class Function:
    """`takes` are the types of the parameters in order, as words; `body` is empty for a mere declaration."""

    takes: tuple[bytes, ...]
    body: frozenset[bytes]

    def takes_as(self, other: "Function") -> bool:
        """Whether it takes as many parameters, and not the same ones in another order."""
        if len(self.takes) != len(other.takes):
            return False
        return self.takes == other.takes or sorted(self.takes) != sorted(other.takes)


def find_functions(
    names: Iterable[bytes], source: BlobSource, paths: Collection[RepoPath]
) -> dict[bytes, set[Function]]:
    """Those of `names` that these files define, or else declare; a file that is not there has none."""
    found: dict[bytes, set[Function]] = {}
    wanted = set(names)
    for path in paths if wanted else ():
        data = source.read(path) or b""
        here = {name for name in wanted if _may_head(name, data)}
        if not here:
            continue
        text = Text.of(path, data)
        for name in here:
            for match in re.finditer(_HEAD % re.escape(name), data, re.MULTILINE):
                body = _body(text, name, data.count(b"\n", 0, match.start())) if match.group().endswith(b"{") else ()
                found.setdefault(name, set()).add(Function(types_of(match.group(1)), frozenset(body)))
    return found


def _may_head(name: bytes, data: bytes) -> bool:
    """Whether the name stands in a line that is not indented, and a parenthesis behind it: calls are indented."""
    start = data.find(name)
    while start >= 0:
        end = start + len(name)
        if data[end : end + _NEAR].lstrip(b" \t").startswith(b"("):
            line = data.rfind(b"\n", 0, start) + 1
            if data[line : line + 1] not in _INDENTED:
                return True
        start = data.find(name, end)
    return False


def _body(text: Text, name: bytes, line: int) -> set[bytes]:
    block = text.block_at(line, line)
    if block is None or block.name != f"{name.decode()}()":
        return set()
    return names_in(text.lines[block.first : block.last + 1])


def types_of(parameters: bytes) -> tuple[bytes, ...]:
    """
    >>> types_of(b"struct page *page, const char *name, int")
    (b'page *', b'char *', b'int')
    >>> types_of(b"void"), types_of(b"const char *fmt, ...")
    ((), (b'char *', b'...'))
    """
    listed = [one.split() for one in re.split(rb",(?![^()]*\))", code_of([parameters.replace(b"*", b" * ")]))]
    words = [[word for word in one if word not in _NO_TYPE] for one in listed]
    if words in ([[]], [[b"void"]]):
        return ()
    return tuple(b" ".join(one[:-1] if _has_name(one) else one) for one in words)


def _has_name(words: list[bytes]) -> bool:
    return len(words) > 1 and re.fullmatch(rb"\w+", words[-1]) is not None


def find_headers(source: BlobSource, path: RepoPath) -> tuple[RepoPath, ...]:
    """Where the headers may be that the file at `path` includes itself; not all of these are there."""
    folders = ["include"]
    if path.startswith("arch/"):
        folders.append("/".join(path.split("/")[:2]) + "/include")
    found: dict[RepoPath, None] = {}
    data = source.read(path) or b""
    for match in _INCLUDE.finditer(data):
        if data[data.rfind(b"\n", 0, match.start()) + 1 : match.start()].strip(b" \t"):
            continue
        quote, spelled = match.groups()
        name = spelled.decode("utf-8", "surrogateescape").strip()
        for folder in (posixpath.dirname(path), *folders) if quote == b'"' else folders:
            found[RepoPath(posixpath.normpath(posixpath.join(folder, name)))] = None
    return tuple(found)
