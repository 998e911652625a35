"""names-known: a change uses no name that neither the target nor the change itself has.

Why: a hunk that goes on cleanly may call what the target does not have, or has under another name; of git's clean but
wrong results half are that. Only names count that the change's own lines bring in and that the file did not mention.
A name is known if the change declares it, if a file that the change touches mentions it, or a header: one that the file
includes, any of its own folder, or any below the include folders. What cannot be found by these rules upstream
either (names that macros paste together) proves nothing and is excused.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.patch import FileDiff
from kpatch_tools.tree import TreeAt

from .functions import find_headers
from .values import Carriage, Objection
from .words import BY_THE_BUILD, is_mentioned, names_in, words_of

ID = "names-known"
_CODE = (".c", ".h", ".S")


@dataclass
class Names:
    """What names one version of the tree has, as far as it was asked."""

    source: BlobSource
    _words: dict[RepoPath, frozenset[bytes]] = field(default_factory=dict)

    def words(self, path: RepoPath) -> frozenset[bytes]:
        """What the file at `path` mentions; nothing if it is not there."""
        if path not in self._words:
            data = self.source.read(path)
            self._words[path] = frozenset() if data is None else words_of(data)
        return self._words[path]

    def unknown(self, names: Iterable[bytes], path: RepoPath) -> set[bytes]:
        """Those of `names` that are not known at `path`."""
        missing = set(names) - self.words(path)
        for near in find_headers(self.source, path) if missing else ():
            missing -= self._mentioned(missing, near)
        if missing:
            missing -= self._in_headers(missing, path)
        return missing

    def _mentioned(self, names: set[bytes], path: RepoPath) -> set[bytes]:
        """Those of a few names that a file has; its other words are not looked at."""
        data = self.source.read(path) or b""
        return {name for name in names if is_mentioned(name, data)}

    def _in_headers(self, names: set[bytes], path: RepoPath) -> set[bytes]:
        folder = posixpath.dirname(path)
        found = self._search(names, folder)
        if names - found:
            arch = path.split("/")[1] if path.startswith("arch/") else None
            folders = ("include", f"arch/{arch}/include") if arch else ("include", "arch")
            found |= self._search(names - found, *folders)
        return found

    def _search(self, names: set[bytes], *prefixes: str) -> set[bytes]:
        base = self.source
        found: set[bytes] = set()
        while isinstance(base, Overlay):
            for path, data in base.changes.items():
                if data is not None and path.endswith(".h"):
                    found |= names & words_of(data)
            base = base.base
        if isinstance(base, TreeAt):
            return found | base.words_in(names - found, *prefixes, suffixes=(".h",))
        for path in base.paths(*prefixes):
            if path.endswith(".h"):
                found |= names & self.words(path)
        return found


@dataclass(frozen=True, slots=True)
class UnknownNames:
    """The names that one file's own lines use and nothing knows, and the hunks (1-based) that use them."""

    file: FileDiff
    path: RepoPath
    names: frozenset[bytes]
    hunks: Mapping[int, frozenset[bytes]]


def find_unknown(
    files: Iterable[tuple[FileDiff, RepoPath]], target: Names, upstream: Names | None
) -> tuple[UnknownNames, ...]:
    """For each file of a change, at its path in the target, what it uses and the target does not have.

    `upstream` is its version before the change: what is not known there is the change's own, or cannot be known.
    """
    listed = list(files)
    brought = {name for file, _ in listed for name in declared_by(file)}
    result = []
    for file, path in listed:
        if not path.endswith(_CODE) or file.new_path is None:
            continue
        used = {number: _added_names(hunk.lines) for number, hunk in enumerate(file.hunks, start=1)}
        names = {name for each in used.values() for name in each if not BY_THE_BUILD.match(name)} - brought
        if not names - target.words(path):
            continue
        missing = target.unknown(names, path)
        for other, there in listed:
            missing -= target.words(there) if other is not file else frozenset()
        if missing and upstream is not None:
            missing -= upstream.unknown(missing, file.old_path or file.new_path)
        if missing:
            hunks = {number: frozenset(names & missing) for number, names in used.items() if names & missing}
            result.append(UnknownNames(file, path, frozenset(missing), hunks))
    return tuple(result)


def object_to_unknown(carriage: Carriage) -> Iterator[Objection]:
    """Each carried hunk that uses such a name."""
    files = [(one.diff, one.path) for one in carriage.files]
    upstream = Names(carriage.before) if carriage.before is not None else None
    done = {(one.path, number) for one in carriage.files for number in one.done()}
    for found in find_unknown(files, Names(carriage.target), upstream):
        for number, names in found.hunks.items():
            if (found.path, number) in done:
                listed = ", ".join(sorted(name.decode() for name in names))
                yield Objection(ID, found.path, number, f"it uses {listed}, which the target does not have")


def _added_names(lines: Iterable[object]) -> set[bytes]:
    return names_in(line.text for line in lines if line.kind == "+")  # type: ignore[attr-defined]


_DECLARED = re.compile(
    rb"#[ \t]*define[ \t]+(\w+(?:\([\w, .]*\))?)|\b(?:struct|union|enum)[ \t]+(\w+)[ \t]*(?=\{|;|$)"
    rb"|^[ \t]*(\w+)[ \t]*:(?!:)|^(?:[\w*][\w \t*]*?[ \t*])?(\w+)[ \t]*\((?=[^;]*$)"
    rb"|\b\w+[ \t*]+\**(\w+)[ \t]*(?=[;,=\[)]|$|:[ \t]*\d)"
    rb"|,[ \t]*\**(\w+)[ \t]*(?=[;,=\[]|$)|\(\*(\w+)\)[ \t]*\(|^[ \t]*(\w+)[ \t]*(?:=[^=;]*)?,",
    re.MULTILINE,
)
_MACRO_LIKE = re.compile(rb"\b[A-Z][A-Z0-9_]+\([ \t]*\"?(\w+)")


def declared_by(file: FileDiff) -> Iterator[bytes]:
    """What the added lines declare, generously: a name counts wherever it could be declared."""
    code = b"\n".join(line.text for hunk in file.hunks for line in hunk.lines if line.kind == "+")
    # Keywords before a name would pass for its type: `return name;` declares nothing.
    code = re.sub(rb"\b(?:return|goto|else|case|sizeof)\b", b"(", code)
    for match in _DECLARED.finditer(code):
        yield from re.findall(rb"\w+", b" ".join(group for group in match.groups() if group))
    for match in _MACRO_LIKE.finditer(code):
        yield match.group(1)
