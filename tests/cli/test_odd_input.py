"""What mail and repositories really hold: links, modes, damaged headers, things in the way. Nothing is followed."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

Kpt = Any


def git(repository: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    command = ["git", "-C", str(repository), *identity, *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


@pytest.fixture
def work(miniature: Path, tmp_path: Path) -> Path:
    """A clone with a work tree whose README and arch/x86/link are links, and `sub` is a submodule."""
    folder = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", str(miniature), str(folder))
    git(folder, "checkout", "--quiet", "-b", "links", "v2.6.39")
    (folder / "README").unlink()
    (folder / "README").symlink_to("Makefile")
    (folder / "arch/x86/link").symlink_to("mm")
    git(folder, "add", "-A")
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{git(folder, 'rev-parse', 'HEAD').strip()},sub")
    git(folder, "commit", "--quiet", "-m", "links")
    return folder


def new_file(path: str) -> bytes:
    return f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+int a;\n".encode()


EDITED_LINK = b"--- a/README\n+++ b/README\n@@ -1 +1 @@\n-Makefile\n+/etc/passwd\n"
DELETED_LINK = b"--- a/README\n+++ /dev/null\n@@ -1 +0,0 @@\n-Makefile\n\\ No newline at end of file\n"


@pytest.mark.parametrize("verb", [("apply", "-", "--to"), ("backport", "-", "--to"), ("check", "-", "--on")])
@pytest.mark.parametrize(
    "patch", [new_file("README"), EDITED_LINK, DELETED_LINK, new_file("arch/x86/link/x.c"), new_file("sub/x.c")]
)
def test_a_link_or_submodule_in_the_target_is_not_followed(
    kpt: Kpt, work: Path, verb: tuple[str, ...], patch: bytes
) -> None:
    done = kpt(*verb, "links", stdin=patch, repo=work)
    assert (done.code, done.out) == (2, b"")
    assert "[not-a-file]" in done.err


@pytest.mark.parametrize("patch", [new_file("README/x"), new_file("arch"), new_file("n/x") + new_file("n")])
def test_a_file_is_not_put_where_a_folder_is_nor_below_a_file(kpt: Kpt, patch: bytes) -> None:
    applied = kpt("apply", "-", "--to", "v2.6.39", stdin=patch)
    assert (applied.code, "[not-a-file]" in applied.err) == (2, True)
    carried = kpt("backport", "-", "--to", "v2.6.39", "--json", stdin=patch)
    assert (carried.code, carried.json["outcome"]) == (1, "conflict")


def test_a_submodule_is_left_to_a_person(kpt: Kpt, work: Path) -> None:
    git(work, "checkout", "--quiet", "-f", "-b", "onto", "v2.6.39")
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{git(work, 'rev-parse', 'HEAD').strip()},sub")
    git(work, "commit", "--quiet", "-m", "a submodule")
    done = kpt("backport", "onto", "--to", "v2.6.39", "--json", repo=work)
    assert (done.code, done.json["outcome"]) == (1, "conflict")
    assert "submodule" in done.json["hunks"][0]["why"]


MODE = b"diff --git a/README b/README\nold mode 100644\nnew mode 100755\n"


def test_apply_keeps_a_change_of_mode(kpt: Kpt, work: Path, tmp_path: Path) -> None:
    kpt("apply", "-", "--to", "v2.6.39", "--branch", "mode", "-o", str(tmp_path / "out"), stdin=MODE, repo=work)
    assert git(work, "ls-tree", "mode", "README").startswith("100755 ")
    assert b"old mode 100644\nnew mode 100755\n" in (tmp_path / "out").read_bytes()


@pytest.mark.parametrize(
    "patch",
    [
        MODE.replace(b"100755", b"040000"),
        MODE.replace(b"100755", b"777777"),
        b"diff --git a/README b/X\nsimilarity index lots\nrename from README\nrename to X\n",
        b"diff --git a/README b/X\nrename from README\nrename to X\n"
        b"diff --git a/README b/Y\nrename from README\nrename to Y\n",
    ],
)
def test_a_damaged_header_is_a_malformed_patch(kpt: Kpt, patch: bytes) -> None:
    done = kpt("apply", "-", "--to", "v2.6.39", stdin=patch)
    assert (done.code, "[malformed-patch]" in done.err) == (2, True)


@pytest.mark.parametrize("date", ["soon", "Mon, 99 Foo 2011 99:99:99 +9999", "Mon, 12 May 99999 10:02:03 +0100"])
def test_a_date_that_cannot_be_read_is_no_reason_to_fail(kpt: Kpt, work: Path, date: str) -> None:
    mail = f"From: A <a@example.org>\nDate: {date}\nSubject: [PATCH] one\n\nWhy.\n---\n".encode() + new_file("new.h")
    done = kpt("apply", "-", "--to", "v2.6.39", "--branch", "dated", stdin=mail, repo=work)
    assert (done.code, done.err) == (0, "")
    assert git(work, "log", "-1", "--format=%an %s", "dated") == "A one\n"


def test_a_binary_file_has_no_place_in_a_mail(kpt: Kpt, work: Path, tmp_path: Path) -> None:
    git(work, "checkout", "--quiet", "-f", "-b", "bin", "v2.6.39")
    (work / "logo").write_bytes(b"a\0b\n")
    git(work, "add", "logo")
    git(work, "commit", "--quiet", "-m", "a logo")
    mail = kpt("backport", "bin", "--to", "v2.6.39", "-o", str(tmp_path / "out"), repo=work)
    assert (mail.code, "[binary-patch]" in mail.err) == (2, True)
    assert not (tmp_path / "out").exists()
    branch = kpt("backport", "bin", "--to", "v2.6.39", "--branch", "with-logo", repo=work)
    assert branch.code == 0
    assert git(work, "rev-parse", "with-logo^{tree}") == git(work, "rev-parse", "bin^{tree}")


def test_where_the_files_cannot_be_written_there_is_no_branch_either(kpt: Kpt, work: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way\n")
    inside = str(tmp_path / "file" / "out")
    done = kpt("apply", "-", "--to", "v2.6.39", "--branch", "half", "-o", inside, stdin=MODE, repo=work)
    assert (done.code, "[cannot-write]" in done.err) == (2, True)
    assert "half" not in git(work, "branch", "--list", "half")


def test_the_first_commit_of_a_shallow_clone_has_a_parent_elsewhere(kpt: Kpt, miniature: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow.git"
    git(tmp_path, "clone", "--quiet", "--bare", "--depth", "2", f"file://{miniature}", str(shallow))
    done = kpt("check", "HEAD~1", repo=shallow)
    assert (done.code, "[shallow-history]" in done.err) == (2, True)


def test_a_repository_without_a_commit_says_so(kpt: Kpt, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", str(tmp_path / "new"))
    done = kpt("hooks", repo=tmp_path / "new")
    assert done.code == 2
    assert "no commit yet" in done.err
