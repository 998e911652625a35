"""How much of real kernels is not understood, counted apart from the code that reports it.

A file counts as soon as any byte of it is in an ERROR of the grammar, or any token had to be imagined (MISSING), after
the masking passes. Bytes are those of the outermost ERRORs. Two kinds of text are in no tree at all and are not
counted: what the preprocessor certainly drops (`#if 0`, parts for the assembler), and a branch of a conditional that
cuts through a statement, if the second reading of the file shows it; where neither does, or the second has an error in
it, it counts as not understood.

Facts are read of less than that: what says nothing about function pointers is not parsed. Where a
file has errors, they have to know every call of a member, or to say that its lines were not understood.
"""

import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.index.extract import extract_facts
from kpatch_tools.hooks.index.store import Index, open_index
from kpatch_tools.syntax import Node, ParsedFile, mask, parse_c
from kpatch_tools.syntax.splices import split_identifiers
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real

MOST_OF_X86 = {"v2.6.39": 0.005}
"""Of all bytes below arch/x86; elsewhere 0.007: assembly of later kernels has templates made of macros."""
REVISIONS = ("v2.6.32", "v2.6.39", "v3.1", "tree-3.9.6")
DEBIAN = "Debian 6.1"
TARBALL = Path("/usr/src/linux-source-6.1.tar.xz")
"""Where Debian's package puts its source; KPT_LINUX_SOURCE names another place."""


def errors(root: Node) -> Iterator[tuple[int, int]]:
    """The outermost nodes that are no C, found by looking at every node."""
    cursor = root.walk()
    while True:
        node = cursor.node
        assert node is not None
        wrong = node.type == "ERROR" or node.is_missing
        if wrong:
            yield node.start_byte, node.end_byte
        if not wrong and cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def in_no_tree(parsed: ParsedFile, data: bytes) -> list[tuple[int, int]]:
    """The branches that neither reading shows, and what is wrong in those that only the second shows."""
    if not parsed.hidden:
        return []
    other = parse_c(data, last_branch=True)
    wrong = list(errors(other.root))
    found = []
    for one in parsed.hidden:
        if any(one.overlaps(two) for two in other.hidden):
            found.append((one.start, one.end))
        else:
            found += [(max(one.start, a), min(one.end, b)) for a, b in wrong if a < one.end and one.start <= b]
    return found


def x86_of(linux_git: Path, name: str) -> Iterator[bytes]:
    """The C files of arch/x86."""
    if name != DEBIAN:
        source = KernelTree.open(linux_git).at(name)
        yield from (source.read(path) or b"" for path in source.paths("arch/x86") if path.endswith((".c", ".h")))
        return
    tarball = Path(os.environ.get("KPT_LINUX_SOURCE", TARBALL))
    if not tarball.exists():
        pytest.skip(f"no {tarball}: it is in Debian's package linux-source-6.1")
    with tarfile.open(tarball) as archive:
        for member in archive:
            path = RepoPath(member.name.partition("/")[2])
            if member.isfile() and path.startswith("arch/x86/") and path.endswith((".c", ".h")):
                file = archive.extractfile(member)
                assert file is not None
                yield file.read()


@pytest.mark.parametrize("name", [*REVISIONS, DEBIAN])
def test_x86_is_understood(linux_git: Path, name: str) -> None:
    """In at least three quarters of the files."""
    files = size = wrong_files = wrong_bytes = unread_bytes = 0
    for data in x86_of(linux_git, name):
        parsed = parse_c(data)
        wrong = [*errors(parsed.root), *in_no_tree(parsed, data)]
        facts = extract_facts(data)
        assert bool(facts.unread) or not split_identifiers(parsed)
        files += 1
        size += len(data)
        wrong_files += bool(wrong)
        wrong_bytes += sum(end - start for start, end in wrong)
        unread_bytes += facts.unread_bytes
    assert files > 700
    assert wrong_files <= 0.25 * files
    assert wrong_bytes <= MOST_OF_X86.get(name, 0.007) * size
    assert unread_bytes <= MOST_OF_X86.get(name, 0.007) * size


def test_no_call_is_passed_over_where_a_file_has_errors(linux_git: Path) -> None:
    """Each is among the facts, or in a part that they say was not understood."""
    source = KernelTree.open(linux_git).at("v2.6.39")
    files = calls = 0
    for path in source.paths("drivers/staging", "drivers/scsi", "fs", "sound"):
        data = source.read(path) if path.endswith((".c", ".h")) else None
        if data is None or not any(errors(parse_c(data).root)):
            continue
        facts = extract_facts(data)
        known = {line for call in facts.calls for line in (call.line, call.line + 1)}  # an expression may be in two
        owned = {line for part in facts.unread for line in range(part.first, part.last + 1)}
        called = calls_in(data)
        assert called <= known | owned, f"{path}: {sorted(called - known - owned)}"
        files += 1
        calls += len(called)
    assert files > 300
    assert calls > 500


def calls_in(data: bytes) -> set[int]:
    """The lines in which members are called, by the text alone: no comments, nothing that is never compiled."""
    masked = mask(data)
    return {
        data.count(b"\n", 0, match.start()) + 1
        for match in re.finditer(rb"->[ \t]*\w+[ \t]*\(", masked.code)
        if masked.data[match.start() : match.start() + 2] == b"->"
    }


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return open_index(tmp_path_factory.mktemp("index"))


@pytest.mark.slow
@pytest.mark.parametrize("revision", REVISIONS)
def test_a_whole_kernel_is_understood(linux_git: Path, index: Index, revision: str) -> None:
    extent = index.at(KernelTree.open(linux_git).at(revision)).extent()
    assert extent.files > 24_000
    assert extent.unread_files <= 0.35 * extent.files
    assert extent.unread_bytes <= 0.005 * extent.bytes
