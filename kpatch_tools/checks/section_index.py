"""In which section each annotated function of a tree lives."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource


class Section(Enum):
    """How long a function's code lives. The value is the usual spelling.

    MAYBE is `__init_memblock` and its like: a section in one configuration, plain text in another.
    """

    TEXT = "no annotation"
    MAYBE = "__init_memblock"
    HOTPLUG = "__meminit"
    INIT = "__init"
    EXIT = "__exit"
    REF = "__ref"

    @property
    def spelling(self) -> str:
        return self.value

    def may_call(self, callee: "Section") -> bool:
        """Whether modpost would stay silent (scripts/mod/modpost.c#sectioncheck)."""
        if self is Section.REF or callee in (Section.TEXT, Section.MAYBE, Section.REF, self):
            return True
        match callee:
            case Section.HOTPLUG:
                return self in (Section.INIT, Section.MAYBE)
            case _:
                return False


_SPELLINGS: Mapping[bytes, Section] = {
    b"__init": Section.INIT,
    b"__meminit": Section.HOTPLUG,
    b"__cpuinit": Section.HOTPLUG,
    b"__devinit": Section.HOTPLUG,
    b"__exit": Section.EXIT,
    b"__memexit": Section.EXIT,
    b"__cpuexit": Section.EXIT,
    b"__devexit": Section.EXIT,
    b"__ref": Section.REF,
    b"__init_refok": Section.REF,
    b"__init_memblock": Section.MAYBE,
    b"__init_or_module": Section.MAYBE,
    b"__net_init": Section.MAYBE,
    b"__net_exit": Section.MAYBE,
}
_LONGEST_FIRST: list[bytes] = sorted((word.removeprefix(b"__") for word in _SPELLINGS), key=len, reverse=True)
_WORDS = b"|".join(_LONGEST_FIRST)
_BEFORE_NAME = re.compile(rb"__(?:" + _WORDS + rb")\b(?=((?:[ \t\n*]|\w+[ \t\n]+){1,12}?)([A-Za-z_]\w*)[ \t]*\()")
_AFTER_PARAMETERS = re.compile(rb"\)[ \t\n]*(__(?:" + _WORDS + rb"))\b[ \t\n]*;")
_PROTOTYPE = re.compile(rb"([A-Za-z_]\w*)[ \t]*\([^(){};]*\Z")
_HEAD = re.compile(rb"(?:^|[;}/>\"])[^;}/>\"]*\Z")


@dataclass(frozen=True, slots=True)
class _Entry:
    section: Section
    static: bool


@dataclass(frozen=True, slots=True)
class SectionIndex:
    """Annotated functions, file by file and those visible everywhere."""

    files: Mapping[RepoPath, Mapping[str, _Entry]]
    shared: Mapping[str, Section]

    def section_of(self, path: RepoPath, name: str) -> Section:
        """Where the function that `path` calls `name` lives: its own static one first, else the global one."""
        own = self.files.get(path, {}).get(name)
        if own is not None:
            return own.section
        return self.shared.get(name, Section.TEXT)

    def is_static(self, path: RepoPath, name: str) -> bool:
        entry = self.files.get(path, {}).get(name)
        return entry is not None and entry.static

    def names_in(self, path: RepoPath) -> tuple[str, ...]:
        return tuple(self.files.get(path, {}))

    def with_files(self, contents: Mapping[RepoPath, bytes]) -> "SectionIndex":
        """The index of the tree with some files replaced."""
        files = {**self.files, **{path: _annotated(data) for path, data in contents.items()}}
        return replace(self, files=files, shared=_shared(files))


def index_sections(source: BlobSource, scope: tuple[str, ...]) -> SectionIndex:
    """Every annotated function definition or prototype of the C files in `scope`."""
    files: dict[RepoPath, Mapping[str, _Entry]] = {}
    for path in source.paths(*scope):
        data = source.read(path) if path.endswith((".c", ".h")) else None
        if data is not None and (found := _annotated(data)):
            files[path] = found
    return SectionIndex(files, _shared(files))


def scope_of(path: RepoPath) -> tuple[str, ...]:
    """The folders whose functions code in `path` may call: its own, and the core of the kernel."""
    parts = path.split("/")
    own = "/".join(parts[:2]) if len(parts) > 2 else parts[0]
    core = ("arch/x86", "include", "init", "kernel", "lib", "mm")
    if parts[0] == "arch":
        return (own, *core[1:])
    return core if own in core else (own, *core)


def defined_plainly(source: BlobSource, scope: tuple[str, ...], name: str) -> bool:
    """Whether some global definition of `name` has no annotation: then which one is called depends on the build."""
    definition = re.compile(rb"^([A-Za-z_][^;{}()#/]*?)\b" + name.encode() + rb"\s*\([^;{}]*\)\s*\{", re.MULTILINE)
    for path in source.paths(*scope):
        data = source.read(path) if path.endswith(".c") else None
        if data is None or name.encode() not in data:
            continue
        annotated = _annotated(data)
        for match in definition.finditer(data):
            if name not in annotated and b"static" not in match.group(1).split():
                return True
    return False


def _annotated(data: bytes) -> dict[str, _Entry]:
    if b"__" not in data:
        return {}
    found: dict[str, _Entry] = {}
    for match in _BEFORE_NAME.finditer(data):
        _record(data, match.start(), match.group(2), match.group(), found)
    for match in _AFTER_PARAMETERS.finditer(data):
        prototype = _PROTOTYPE.search(data, max(0, match.start() - 300), match.start())
        if prototype is not None:
            _record(data, prototype.start(), prototype.group(1), match.group(1), found)
    return found


def _record(data: bytes, start: int, name: bytes, spelling: bytes, found: dict[str, _Entry]) -> None:
    line = data.rfind(b"\n", 0, start) + 1
    if data[line : line + 1] == b"#" or name.startswith(b"__section") or name == b"__attribute__":
        return
    head = _HEAD.search(data[max(0, start - 200) : start])
    static = head is not None and b"static" in head.group().split()
    section = _SPELLINGS[spelling]
    key = name.decode("ascii")
    if key not in found or found[key].section in (Section.TEXT, Section.MAYBE):
        found[key] = _Entry(section, static)


def _shared(files: Mapping[RepoPath, Mapping[str, _Entry]]) -> dict[str, Section]:
    shared: dict[str, Section] = {}
    for path, names in files.items():
        for name, entry in names.items():
            if not entry.static or path.endswith(".h"):
                shared.setdefault(name, entry.section)
    return shared
