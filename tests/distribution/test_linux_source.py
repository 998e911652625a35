"""Real kernel source as a distribution ships it: arch/x86, include/ and mm/ of one tarball, imported at test time."""

import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.tree import KernelTree, Signature

PARTS = ("arch/x86/", "include/", "mm/")
SOMEBODY = Signature("Nobody", "nobody@example.org", 1_700_000_000, 0)


def members(tarball: Path) -> Iterator[tuple[RepoPath, bytes]]:
    with tarfile.open(tarball) as archive:
        for member in archive:
            path = member.name.partition("/")[2]
            if member.isfile() and (path.startswith(PARTS) or path == "Makefile"):
                file = archive.extractfile(member)
                assert file is not None
                yield RepoPath(path), file.read()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spelled = os.environ.get("KPT_LINUX_SOURCE")
    if not spelled:
        pytest.skip("KPT_LINUX_SOURCE is not set: no distribution's kernel source tarball at hand")
    path = tmp_path_factory.mktemp("linux") / "linux.git"
    tree = KernelTree.create(path, branch="main")
    tree.write(
        base=tree.empty_tree(),
        changes=dict(members(Path(spelled))),
        message=b"Import\n",
        author=SOMEBODY,
        committer=SOMEBODY,
        ref="refs/heads/main",
    )
    return path


def kpt(repository: Path, *arguments: str) -> tuple[int, dict[str, object]]:
    command = [sys.executable, "-c", "from kpatch_tools.cli.main import main; main()", *arguments]
    done = subprocess.run(
        [*command, "--repo", str(repository), "--json"], capture_output=True, check=False, env={**os.environ}
    )
    return done.returncode, json.loads(done.stdout)


def test_hook_tables_agree_with_a_plain_text_scan(repository: Path) -> None:
    """The scan is crude, and right on this tree: no mention of the table is under `#if 0` or split over lines.

    It cannot know what a copy through a pointer (hypervisor.c) puts into which slot: lines that do not name the table
    are left out.
    """
    code, report = kpt(repository, "hooks")
    assert code == 0
    found: set[tuple[str, str, str, int]] = set()
    for slot in report["tables"][0]["slots"]:  # type: ignore[index]
        for kind in ("overrides", "call_sites"):
            found |= {(kind, slot["path"], one["file"], one["line"]) for one in slot[kind]}
    scanned: set[tuple[str, str, str, int]] = set()
    naming: set[tuple[str, int]] = set()
    tree = KernelTree.open(repository)
    source = tree.at(tree.resolve("HEAD"))
    for path in source.paths("arch/x86"):
        data = source.read(path) if path.endswith((".c", ".h")) else None
        if data is None or b"x86_init." not in data:
            continue
        code_only = re.sub(rb"/\*.*?\*/", lambda m: b"\n" * m.group().count(b"\n"), data, flags=re.DOTALL)
        for number, line in enumerate(code_only.split(b"\n"), start=1):
            for match in re.finditer(rb"\bx86_init\.([\w.]+)\s*(=(?!=)|\()", line):
                kind = "call_sites" if match.group(2) == b"(" else "overrides"
                scanned.add((kind, match.group(1).decode(), path, number))
            if b"x86_init." in line:
                naming.add((path, number))
    assert {one for one in found if one[2:] in naming} == scanned
    assert len(found) > 40


def test_the_main_job_says_that_nothing_is_to_be_done(repository: Path) -> None:
    code, report = kpt(repository, "backport", "--to", "HEAD")
    assert (code, report["outcome"]) == (0, "superseded")


def test_a_hook_without_a_place_is_refused_with_reasons(repository: Path) -> None:
    code, report = kpt(repository, "generate", "pagetable_reserve", "--for", "HEAD")
    assert code == 2
    assert report["error"]["code"] == "cannot-generate"  # type: ignore[index]
