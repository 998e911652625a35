"""Which annotation each function and variable of a tree carries."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from kpatch_tools.checks.section_rules import (
    WORD,
    Definitions,
    Section,
    Vocabulary,
    annotation_definitions,
    read_vocabulary,
)
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.syntax.memo import BlobMemo, entries

PLAIN = frozenset({Section.PLAIN})

_ANY = re.compile(WORD + rb"\b")
_BETWEEN = rb"(?:[ \t\n*]|\w+[ \t\n]+){1,12}?"
_THEN_NAME = re.compile(_BETWEEN + rb"([A-Za-z_]\w*)[ \t]*(?:\(|(?:\[[^\]]*\][ \t]*)*[=;])")
# `DECLARE_COMPLETION(name)` and its like: what is annotated is what the macro is handed.
_MACRO_USE = re.compile(rb"[A-Z][A-Z0-9_]+[ \t]*\([ \t\n]*(?!void\b)([A-Za-z_]\w*)[ \t\n]*[,)]")
_THEN_END = re.compile(rb"[ \t\n]*[=;,]")
_NAME_BEFORE = re.compile(rb"([A-Za-z_]\w*)[ \t]*(?:\([^(){};]*\)|(?:\[[^\]]*\][ \t]*)*)[ \t\n]*\Z")
_NAME = re.compile(rb"\w+")
_HEAD = re.compile(rb"(?:^|[;}/>\"])[^;}/>\"]*\Z")
_SPECIFIERS = frozenset(
    {b"static", b"extern", b"inline", b"const", b"volatile", b"struct", b"void", b"int", b"__attribute__"}
)
# `#define __debuginit(type) static type __init`: an annotation with more around it.
_ALIAS = re.compile(
    rb"^[ \t]*\#[ \t]*define[ \t]+(\w+)(?:\([\w, \t]*\))?[ \t]+(?:\w+[ \t]+)*?(" + WORD + rb")[ \t]*$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Annotated:
    """`word` is the annotation as written; `static` whether the name is one file's own."""

    word: str
    static: bool


@dataclass(frozen=True, slots=True)
class FileSections:
    """What one file says: names with their annotations, and annotation macros it defines."""

    names: Mapping[str, tuple[Annotated, ...]]
    definitions: Definitions = ()


_NOTHING = FileSections({})


def read_sections(data: bytes) -> FileSections:
    """Every annotated definition or declaration in a C file."""
    if b"__" not in data:
        return _NOTHING
    names: dict[str, tuple[Annotated, ...]] = {}
    in_macros = False
    for match in _ANY.finditer(data):
        if _is_directive(data, match.start()):
            in_macros = True
        elif (found := _annotated_name(data, match.start(), match.end())) is not None:
            _record(names, data, *found, match.group())
    if not in_macros:
        return FileSections(names) if names else _NOTHING
    for alias, word in _ALIAS.findall(data):
        for match in re.finditer(rb"\b" + alias + rb"\b(?:\([^()]*\))?", data):
            named = _THEN_NAME.match(data, match.end())
            if named is not None and not _is_directive(data, match.start()):
                _record(names, data, named.group(1), match.start(), word)
    return FileSections(names, annotation_definitions(data))


def _is_directive(data: bytes, offset: int) -> bool:
    line = data.rfind(b"\n", 0, offset) + 1
    return data[line:offset].lstrip().startswith(b"#")


def _annotated_name(data: bytes, start: int, end: int) -> tuple[bytes, int] | None:
    """What the annotation at `start` belongs to, and where its declaration has begun by then."""
    if _THEN_END.match(data, end) is not None:
        low = max(0, start - 300)
        before = _NAME_BEFORE.search(data[low:start])
        return None if before is None else (_handed_name(data, low + before.start()), low + before.start())
    after = _THEN_NAME.match(data, end)
    return None if after is None else (_handed_name(data, after.start(1)), start)


def _handed_name(data: bytes, start: int) -> bytes:
    """The name at `start`, or what the macro of that name is handed."""
    macro = _MACRO_USE.match(data, start)
    if macro is not None:
        return macro.group(1)
    name = _NAME.match(data, start)
    return b"" if name is None else name.group()


def _record(names: dict[str, tuple[Annotated, ...]], data: bytes, name: bytes, start: int, word: bytes) -> None:
    if name in _SPECIFIERS or name.startswith(b"__section"):
        return
    head = _HEAD.search(data[max(0, start - 200) : start])
    static = head is not None and b"static" in head.group().split()
    # A declaration that begins with the annotation goes on behind it: `__init static int f(void)`.
    static = static or b"static" in data[start : start + 80].partition(name)[0].split()
    one = Annotated(word.decode("ascii"), static)
    known = names.get(name.decode("ascii"), ())
    if one not in known:
        names[name.decode("ascii")] = (*known, one)


SECTIONS = BlobMemo(read_sections)


@dataclass(frozen=True)
class SectionIndex:
    """The annotated names of a tree, file by file, and what the annotations mean there."""

    files: Mapping[RepoPath, FileSections]
    vocabulary: Vocabulary

    @cached_property
    def _shared(self) -> dict[str, set[str]]:
        """Annotations of the names that more than one file can see."""
        shared: dict[str, set[str]] = {}
        for path, file in self.files.items():
            for name, found in file.names.items():
                for one in found:
                    if not one.static or path.endswith(".h"):
                        shared.setdefault(name, set()).add(one.word)
        return shared

    def words(self, path: RepoPath, name: str) -> tuple[str, ...]:
        """The annotations of what `path` calls `name`: those of its own static one, else all there are."""
        own = self.files.get(path, _NOTHING).names.get(name, ())
        if any(one.static for one in own):
            return tuple(one.word for one in own)
        return tuple(sorted(self._shared.get(name, ())))

    def sections(self, path: RepoPath, name: str) -> frozenset[Section]:
        """Where that can live: PLAIN without annotation, several where it depends on the configuration."""
        found = [self.meaning(word) for word in self.words(path, name)]
        # Attributes of all declarations add up: one that is annotated decides over one that is plain.
        known = [meaning for meaning in found if meaning != PLAIN]
        return frozenset[Section]().union(*known) or PLAIN

    def meaning(self, word: str) -> frozenset[Section]:
        return self.vocabulary.get(word, PLAIN)

    def spelling(self, path: RepoPath, name: str) -> str:
        """As a message names it."""
        words = [word for word in self.words(path, name) if self.meaning(word) != PLAIN]
        return " or ".join(words) or "no annotation"

    def is_static(self, path: RepoPath, name: str) -> bool:
        return any(one.static for one in self.files.get(path, _NOTHING).names.get(name, ()))

    def names_in(self, path: RepoPath) -> tuple[str, ...]:
        return tuple(self.files.get(path, _NOTHING).names)

    def with_files(self, contents: Mapping[RepoPath, bytes]) -> "SectionIndex":
        """The index of the tree with some files replaced."""
        files = {**self.files, **{path: read_sections(data) for path, data in contents.items()}}
        if any(files[path].definitions != self.files.get(path, _NOTHING).definitions for path in contents):
            return SectionIndex(files, _vocabulary(files))
        return replace(self, files=files)


def index_sections(source: BlobSource, scope: tuple[str, ...]) -> SectionIndex:
    """Every annotated function and variable of the C files in `scope`."""
    files: dict[RepoPath, FileSections] = {}
    for path, blob in entries(source, *scope):
        found = SECTIONS.of_blob(source, path, blob) if path.endswith((".c", ".h")) else None
        if found is not None and found != _NOTHING:
            files[path] = found
    return SectionIndex(files, _vocabulary(files))


def _vocabulary(files: Mapping[RepoPath, FileSections]) -> Vocabulary:
    return read_vocabulary((path, file.definitions) for path, file in files.items() if file.definitions)


def scope_of(path: RepoPath) -> tuple[str, ...]:
    """The folders whose functions code in `path` may call: its own, and the core of the kernel."""
    parts = path.split("/")
    own = "/".join(parts[:2]) if len(parts) > 2 else parts[0]
    core = ("arch/x86", "include", "init", "kernel", "lib", "mm")
    if parts[0] == "arch":
        return (own, *core[1:])
    return core if parts[0] in core else (own, *core)


def defined_plainly(source: BlobSource, scope: tuple[str, ...], index: SectionIndex, name: str) -> bool:
    """Whether some global definition of `name` has no annotation: then which one is called depends on the build."""
    needle = name.encode()
    definition = re.compile(rb"^([A-Za-z_][^;{}()#/]*?)\b" + needle + rb"\s*\([^;{}]*\)\s*\{", re.MULTILINE)
    for path in source.paths(*scope):
        if not path.endswith(".c") or name in index.names_in(path):
            continue
        data = source.read(path)
        if data is None or needle not in data:
            continue
        if any(b"static" not in match.group(1).split() for match in definition.finditer(data)):
            return True
    return False
