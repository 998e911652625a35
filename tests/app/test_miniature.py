"""The miniature kernel as a repository: built from files, the same everywhere, and accepted by a compiler."""

import os
import re
import shutil
import subprocess
import tomllib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from kpatch_tools.app import miniature
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.resources import data_dir
from kpatch_tools.tree import KernelTree

FIXTURE = data_dir("fixtures") / "miniature"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_miniature(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def tree(repository: Path) -> KernelTree:
    return KernelTree.open(repository)


def copied_fixture(tmp_path: Path) -> Path:
    fixture = tmp_path / "fixture"
    shutil.copytree(FIXTURE, fixture)
    return fixture


def test_every_patch_is_one_commit_and_the_tags_are_the_manifests(tree: KernelTree) -> None:
    manifest = tomllib.loads((FIXTURE / "manifest.toml").read_text())
    commits = list(tree.walk(include=[tree.resolve("main").oid], reverse=True))
    assert len(commits) == 1 + len(manifest["patch"])
    wanted = dict.fromkeys(manifest["base"]["tags"], commits[0].oid)
    for entry, commit in zip(manifest["patch"], commits[1:], strict=True):
        wanted |= dict.fromkeys(entry.get("tags", ()), commit.oid)
    assert dict(tree.tags()) == wanted
    assert {"v2.6.38", "v2.6.39-rc5", "v2.6.39", "v3.1", "v3.9"} <= wanted.keys()


def test_every_file_of_the_series_is_in_the_manifest() -> None:
    manifest = tomllib.loads((FIXTURE / "manifest.toml").read_text())
    assert [entry["file"] for entry in manifest["patch"]] == sorted(os.listdir(FIXTURE / "series"))


def test_two_builds_have_the_same_commits(tree: KernelTree, tmp_path: Path) -> None:
    other = KernelTree.open(build_miniature(tmp_path))
    assert other.tags() == tree.tags()
    assert other.resolve("HEAD").oid == tree.resolve("main").oid


def test_git_am_makes_the_same_commits(tree: KernelTree, tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("no git to compare with")
    first = tree.commit(tree.resolve("v2.6.38").oid)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_COMMITTER_NAME": first.committer.name,
        "GIT_COMMITTER_EMAIL": first.committer.email,
        "GIT_AUTHOR_NAME": first.author.name,
        "GIT_AUTHOR_EMAIL": first.author.email,
        "GIT_COMMITTER_DATE": f"@{first.committer.when} +0000",
        "GIT_AUTHOR_DATE": f"@{first.author.when} +0000",
    }
    work = tmp_path / "work"
    shutil.copytree(FIXTURE / "base", work)

    def git(*arguments: str, data: bytes | None = None) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=work, env=env, input=data, check=True, capture_output=True
        ).stdout.decode()

    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-F", "-", data=first.message)
    assert git("rev-parse", "HEAD").strip() == first.oid
    del env["GIT_COMMITTER_DATE"], env["GIT_AUTHOR_DATE"], env["GIT_AUTHOR_NAME"], env["GIT_AUTHOR_EMAIL"]
    series = sorted(str(path) for path in (FIXTURE / "series").iterdir())
    git("am", "-q", "--committer-date-is-author-date", *series)
    assert git("rev-parse", "HEAD").strip() == tree.resolve("main").oid


def test_a_second_call_finds_the_first_ones_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build_miniature(tmp_path)

    def refuse(*_: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(miniature, "_build", refuse)
    assert build_miniature(tmp_path) == first


def test_other_files_are_another_repository(tmp_path: Path) -> None:
    fixture = copied_fixture(tmp_path)
    same = build_miniature(tmp_path / "cache", fixture=fixture)
    (fixture / "README.md").write_text("documentation may change\n")
    assert build_miniature(tmp_path / "cache", fixture=fixture) == same
    tip = KernelTree.open(same).resolve("main").oid
    with (fixture / "base" / "README").open("a") as file:
        file.write("One more line.\n")
    other = build_miniature(tmp_path / "cache", fixture=fixture)
    assert other != same
    assert KernelTree.open(other).resolve("main").oid != tip


def test_processes_that_build_at_once_agree(tmp_path: Path) -> None:
    with ProcessPoolExecutor(max_workers=4) as pool:
        paths = set(pool.map(build_miniature, [tmp_path / "cache"] * 4))
    assert len(paths) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [paths.pop().name]


def test_the_slower_of_two_uses_the_faster_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = build_miniature(tmp_path / "other")
    build = miniature._build

    def overtaken(fixture: Path, target: Path) -> None:
        build(fixture, target)
        shutil.copytree(theirs, tmp_path / "cache" / theirs.name)

    monkeypatch.setattr(miniature, "_build", overtaken)
    mine = build_miniature(tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [mine.name]
    assert KernelTree.open(mine).tags() == KernelTree.open(theirs).tags()


def test_a_patch_that_does_not_apply_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    fixture = copied_fixture(tmp_path)
    memblock = fixture / "base" / "arch/x86/mm/init.c"
    memblock.write_text(memblock.read_text().replace("good", "bad").replace("max_pfn_mapped", "max_pfn"))
    with pytest.raises(KpatchError, match=r"01-tables-high\.patch") as raised:
        build_miniature(tmp_path / "cache", fixture=fixture)
    assert raised.value.code == "broken-fixture"
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_made_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(KpatchError, match="cannot be built") as raised:
        build_miniature(tmp_path / "file" / "cache")
    assert raised.value.code == "cache-not-writable"
    assert raised.value.hint


def test_the_revert_names_a_commit_of_this_history(tree: KernelTree) -> None:
    commits = {commit.oid: commit for commit in tree.walk(include=[tree.resolve("main").oid])}
    reverts = {
        commit.subject: re.findall(r"This reverts commit (\w+)\.", commit.message.decode())
        for commit in commits.values()
        if commit.subject.startswith("Revert ")
    }
    assert len(reverts) == 1
    for subject, (named,) in reverts.items():
        assert subject == f'Revert "{commits[named].subject}"'


def test_it_compiles_at_every_commit(tree: KernelTree, tmp_path: Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc: what the C means to a compiler was not looked at")
    seen: set[tuple[tuple[str, str], ...]] = set()
    for commit in tree.walk(include=[tree.resolve("main").oid], reverse=True):
        source = tree.at(commit.oid)
        # A release only changes the Makefile.
        state = tuple((path, oid) for path, oid in source.entries() if path.endswith((".c", ".h")))
        if state in seen:
            continue
        seen.add(state)
        folder = tmp_path / commit.oid
        for path, _ in state:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(source.read(path) or b"")
        flags = "-fsyntax-only -Wall -Werror -nostdinc -ffreestanding -D__KERNEL__ -Iarch/x86/include -Iinclude"
        files = [path for path, _ in state if path.endswith(".c")]
        result = subprocess.run([compiler, *flags.split(), *files], cwd=folder, capture_output=True, text=True)
        assert result.returncode == 0, f"{commit.subject}: {result.stderr}"
        shutil.rmtree(folder)
    assert len(seen) > 10


def test_a_changed_fixture_takes_the_place_of_the_old_repository(tmp_path: Path) -> None:
    old = build_miniature(tmp_path / "cache")
    fixture = copied_fixture(tmp_path)
    (fixture / "base" / "README").write_text("another one\n")
    new = build_miniature(tmp_path / "cache", fixture=fixture)
    assert [one.name for one in (tmp_path / "cache").iterdir()] == [new.name]
    assert old != new


def test_an_old_repository_with_a_branch_of_somebodys_own_stays(tmp_path: Path) -> None:
    old = build_miniature(tmp_path / "cache")
    subprocess.run(["git", "-C", str(old), "branch", "mine"], check=True)
    fixture = copied_fixture(tmp_path)
    (fixture / "base" / "README").write_text("another one\n")
    build_miniature(tmp_path / "cache", fixture=fixture)
    assert old.is_dir()
