"""The hook table of x86, found a second time by plain text search, and by Universal Ctags where that is installed.

The reader here shares no code with what it judges. It knows comments, string literals, braces and the kernel's habit
of beginning and ending a function's body in the first column, and nothing else:

- it does not know conditionals, so text under `#if 0` counts; none of the trees has the table there;
- it does not follow macros or pointers to the table: a mention that is no declaration, initialiser or access to a slot
  is kept in `others`, and `EXPLAINED` has a reason for each and for the rows that only the reader of tables has.
"""

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.core.span import Location
from kpatch_tools.hooks import HookAtlas, Slot, find_hook_tables
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real

TABLE = "x86_init"
SCOPE = ("arch/x86", "drivers")
REVISIONS = (
    "v2.6.32",
    "v2.6.33",
    "v2.6.34-rc5",
    "v2.6.35",
    "v2.6.36",
    "v2.6.37",
    "v2.6.38-rc4",
    "v2.6.39-rc3",
    "v2.6.39",
    "v3.0",
    "v3.1-rc5",
    "v3.1",
    "tree-3.3.6",
    "tree-3.6.0",
    "tree-3.8.13",
    "tree-3.9.6",
)
DEBIAN = "Debian 6.1"

TARBALL = Path("/usr/src/linux-source-6.1.tar.xz")
"""Where Debian's package puts its source; KPT_LINUX_SOURCE names another place."""

Site = tuple[str, str, int, str | None]
"""(slot, file, line, function)"""

_HIDDEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
_ACCESS = r"(?<![\w.>$])" + TABLE + r"\b((?:\s*\.\s*\w+)*)\s*"


@dataclass(frozen=True)
class Text:
    """A file's text with blanks for its comments and literals; `bodies` are its functions: lines, and name."""

    file: str
    plain: str
    bodies: tuple[tuple[int, int, str], ...]

    def line(self, offset: int) -> int:
        return self.plain.count("\n", 0, offset) + 1

    def function(self, line: int) -> str | None:
        return next((name for first, last, name in self.bodies if first <= line <= last), None)


@dataclass(frozen=True)
class Found:
    slots: frozenset[tuple[str, str, int]]
    defaults: frozenset[Site]
    overrides: frozenset[Site]
    calls: frozenset[Site]
    guards: frozenset[Site]
    others: frozenset[tuple[str, int, str]]
    """What is none of these: (file, line, text)."""


Judged = tuple[Found, Found, HookAtlas]
"""What the text has, what the reader of tables has, and all that it said."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A sub-table that a function fills through a pointer: text has its address only, and the reader all its slots.

    `taken` is where the address is taken: (file, line, members); `filler` is the function that the rows are in.
    """

    taken: tuple[str, int, str]
    filler: str

    def rows(self, slots: frozenset[tuple[str, str, int]], line: int) -> frozenset[Site]:
        file, _, member = self.taken
        return frozenset((path, file, line, self.filler) for path, _, _ in slots if path.startswith(member + "."))


EXPLAINED: Mapping[str, tuple[Copied, ...]] = {
    # The array of pointers that a hypervisor brings is copied over the table's, member by member where it has one.
    DEBIAN: (Copied(("arch/x86/kernel/cpu/hypervisor.c", 104, "hyper"), "copy_array"),),
}


def read_text(file: str, data: bytes) -> Text:
    plain = _HIDDEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), data.decode("latin-1"))
    return Text(file, plain, tuple(function_bodies(plain)))


def function_bodies(plain: str) -> Iterator[tuple[int, int, str]]:
    """From the `{` in the first column (or behind a head in the first column) to the `}` in the first column."""
    lines = plain.split("\n")
    number = 0
    while number < len(lines):
        one_line = re.match(r"(?:static|[a-z_]\w*\s)[^=;{}#]*\)[^=;{}#]*\{", lines[number])
        if one_line is None and not lines[number].startswith("{"):
            number += 1
            continue
        head = ""
        above = number if one_line is not None else number - 1
        while above >= 0 and lines[above].strip() and not re.search(r"[;}\\]\s*$|^\s*#", lines[above]):
            head = lines[above] + "\n" + head
            above -= 1
        last = number
        if lines[number].count("{") != lines[number].count("}"):
            last = next((line for line in range(number + 1, len(lines)) if lines[line].startswith("}")), number)
        names = [name for name in re.findall(r"(\w+)\s*\(", head) if not name.startswith("__attribute")]
        if names:
            yield number + 1, last + 1, names[0]
        number = last + 1


def matching(plain: str, opening: int) -> int:
    depth = 0
    for match in re.compile(r"[{}]").finditer(plain, opening):
        depth += 1 if match.group() == "{" else -1
        if not depth:
            return match.start()
    raise AssertionError("braces do not match")


def struct_bodies(texts: list[Text], tag: str) -> Iterator[tuple[Text, int, int]]:
    for text in texts:
        for match in re.finditer(r"\bstruct\s+" + tag + r"\s*\{", text.plain):
            yield text, match.end(), matching(text.plain, match.end() - 1)


def read_slots(texts: list[Text], tag: str, prefix: str = "") -> Iterator[tuple[str, str, int]]:
    text, start, end = next(struct_bodies(texts, tag))
    for member in re.finditer(r"[^;]+;", text.plain[start:end]):
        pointer = re.search(r"\(\s*\*\s*(\w+)\s*\)\s*\(", member.group())
        nested = re.fullmatch(r"\s*struct\s+(\w+)\s+(\w+)\s*;", member.group())
        if pointer is not None:
            yield prefix + pointer.group(1), text.file, text.line(start + member.start() + pointer.start(1))
        elif nested is not None:
            yield from read_slots(texts, nested.group(1), prefix + nested.group(2) + ".")


def read_defaults(text: Text, start: int, end: int, prefix: str = "") -> Iterator[tuple[str, int]]:
    """`.member = value` and `.member = { ... }` between two braces."""
    position = start
    while match := re.compile(r"\.\s*(\w+(?:\s*\.\s*\w+)*)\s*=\s*").search(text.plain, position, end):
        path = prefix + re.sub(r"\s", "", match.group(1))
        if text.plain[match.end()] == "{":
            position = matching(text.plain, match.end())
            yield from read_defaults(text, match.end() + 1, position, path + ".")
        else:
            position = match.end()
            yield path, text.line(match.start())


def search(source: BlobSource) -> Found:
    texts = []
    for file in source.paths(*SCOPE):
        data = source.read(file) if file.endswith((".c", ".h")) else None
        if data is not None and TABLE.encode() in data:
            texts.append(read_text(file, data))
    tags = {tag for text in texts for tag in re.findall(r"\bstruct\s+(\w+)\s+" + TABLE + r"\b", text.plain)}
    (tag,) = tags
    slots = frozenset(read_slots(texts, tag))
    paths = {path for path, _, _ in slots}
    sites: dict[str, set[Site]] = {"defaults": set(), "overrides": set(), "calls": set(), "guards": set()}
    others: set[tuple[str, int, str]] = set()
    for text in texts:
        for match in re.finditer(_ACCESS, text.plain):
            begin = text.plain.rfind("\n", 0, match.start()) + 1
            line = text.line(match.start())
            path = re.sub(r"\s", "", match.group(1)).removeprefix(".")
            before = re.split(r"[;{}]", text.plain[: match.start()])[-1]
            after = text.plain[match.end() :]
            if re.search(r"#\s*include\s[^\n]*\Z", text.plain[begin : match.start()]):
                continue
            if not path and re.search(r"\bextern\s+struct\s+" + tag + r"\s*\Z", before):
                continue
            if not path and re.search(r"\bstruct\s+" + tag + r"\s*\Z", before):
                equals = re.match(r"(?:\w+\s*)*=\s*\{", after)
                assert equals is not None
                opening = match.end() + equals.end() - 1
                found = read_defaults(text, opening + 1, matching(text.plain, opening))
                sites["defaults"] |= {(name, text.file, at, None) for name, at in found if name in paths}
            elif path in paths:
                kind = "calls" if after.startswith("(") else "overrides" if re.match(r"=[^=]", after) else "guards"
                sites[kind].add((path, text.file, line, text.function(line)))
            else:
                others.add((text.file, line, path))
    return Found(slots, **{kind: frozenset(rows) for kind, rows in sites.items()}, others=frozenset(others))


def judged(atlas: HookAtlas) -> Found:
    (table,) = atlas.tables

    def rows(places: Callable[[Slot], Iterable[Location]]) -> frozenset[Site]:
        found = ((slot.path, place) for slot in table.slots for place in places(slot))
        return frozenset((path, place.file, place.line, place.function) for path, place in found)

    return Found(
        slots=frozenset((slot.path, slot.location.file, slot.location.line) for slot in table.slots),
        defaults=rows(lambda slot: (one.location for one in slot.defaults)),
        overrides=rows(lambda slot: (one.location for one in slot.overrides)),
        calls=rows(lambda slot: slot.call_sites),
        guards=rows(lambda slot: slot.guards),
        others=frozenset(),
    )


@dataclass(frozen=True)
class Unpacked:
    """The files of a tarball that can have to do with the table: all of x86 and include/, and drivers that name it."""

    files: Mapping[RepoPath, bytes]

    def read(self, path: RepoPath) -> bytes | None:
        return self.files.get(path)

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        return (path for path in self.files if path.startswith(tuple(f"{prefix}/" for prefix in prefixes)))


def unpack(tarball: Path) -> Iterator[tuple[RepoPath, bytes]]:
    with tarfile.open(tarball) as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            if not member.isfile() or not path.startswith(("arch/x86/", "drivers/", "include/")):
                continue
            file = archive.extractfile(member) if path.endswith((".c", ".h")) else None
            data = file.read() if file is not None else b""
            if TABLE.encode() in data or (data and not path.startswith("drivers/")):
                yield RepoPath(path), data


@pytest.fixture(scope="module")
def sides(linux_git: Path) -> Callable[[str], tuple[BlobSource, Judged]]:
    tree = KernelTree.open(linux_git)

    @cache
    def read(name: str) -> tuple[BlobSource, Judged]:
        if name == DEBIAN:
            tarball = Path(os.environ.get("KPT_LINUX_SOURCE", TARBALL))
            if not tarball.exists():
                pytest.skip(f"no {tarball}: it is in Debian's package linux-source-6.1")
            source: BlobSource = Unpacked(dict(unpack(tarball)))
        else:
            source = tree.at(name)
        atlas = find_hook_tables(source, table=TABLE, scope=SCOPE)
        return source, (search(source), judged(atlas), atlas)

    return read


Sides = Callable[[str], tuple[BlobSource, Judged]]
everywhere = pytest.mark.parametrize("name", [*REVISIONS, DEBIAN])


@everywhere
def test_no_row_is_false_or_missing(sides: Sides, name: str) -> None:
    _, (text, read, atlas) = sides(name)
    explained = EXPLAINED.get(name, ())
    assert text.others == {one.taken for one in explained}
    assert atlas.coverage.not_understood == ()
    assert read.slots == text.slots
    assert read.defaults == text.defaults
    assert read.calls == text.calls
    assert read.guards == text.guards
    assert text.overrides <= read.overrides
    more = read.overrides - text.overrides
    copied = [(one, line) for one in explained for line in {row[2] for row in more if row[3] == one.filler}]
    assert len(copied) == len(explained)
    assert more == {row for one, line in copied for row in one.rows(text.slots, line)}


@everywhere
def test_there_is_something_to_agree_on(sides: Sides, name: str) -> None:
    _, (text, _, _) = sides(name)
    assert len(text.slots) > 20
    assert min(len(text.defaults), len(text.overrides), len(text.calls)) > 15
    assert text.guards


def ctags(folder: Path, files: Mapping[str, bytes]) -> list[dict[str, object]]:
    """The members and functions of `files`, as Universal Ctags has them."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    command = ["ctags", "--output-format=json", "--fields=+ne", "--kinds-C=fm", "--langmap=C:+.h", "-f", "-", *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def slots_of_tags(tags: list[dict[str, object]], tag: str, prefix: str = "") -> Iterator[tuple[str, str, int]]:
    for one in tags:
        if one["kind"] != "member" or one.get("scope") != tag:
            continue
        path, typeref = f"{prefix}{one['name']}", str(one.get("typeref", ""))
        if "(*)" in typeref:
            yield path, str(one["path"]), int(str(one["line"]))
        elif typeref.startswith("struct:") and not typeref.endswith("*"):
            yield from slots_of_tags(tags, typeref.removeprefix("struct:"), path + ".")


@everywhere
def test_slots_and_functions_are_those_of_ctags(sides: Sides, name: str, tmp_path: Path) -> None:
    if shutil.which("ctags") is None or b"Universal" not in subprocess.check_output(["ctags", "--version"]):
        pytest.skip("no Universal Ctags (Debian's package universal-ctags)")
    source, (_, read, atlas) = sides(name)
    rows = {row[1:] for row in (*read.overrides, *read.calls, *read.guards)}
    files = {file for file, _, _ in rows} | {file for _, file, _ in read.slots}
    tags = ctags(tmp_path, {file: source.read(RepoPath(file)) or b"" for file in sorted(files)})
    assert set(slots_of_tags(tags, atlas.tables[0].type.removeprefix("struct "))) == read.slots
    bodies = [
        (str(one["path"]), int(str(one["line"])), int(str(one["end"])), str(one["name"]))
        for one in tags
        if one["kind"] == "function"
    ]
    found = {
        (file, line, next((name for path, first, last, name in bodies if path == file and first <= line <= last), None))
        for file, line, _ in rows
    }
    assert found == rows
