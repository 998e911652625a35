"""Each verb on the miniature kernel: its answer, its exit code, and what it leaves behind."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HOOK = "mapping.pagetable_reserve"
Kpt = Any


def git(repository: Path, *arguments: str, stdin: bytes = b"") -> str:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout.decode()


def refs(repository: Path) -> str:
    return git(repository, "for-each-ref")


def test_hooks_tells_a_slots_whole_story(kpt: Kpt) -> None:
    done = kpt("hooks", "--rev", "v2.6.39", "--json")
    assert done.code == 0
    assert done.json["schema"] == 1
    (table,) = done.json["tables"]
    slot = next(slot for slot in table["slots"] if slot["path"] == HOOK)
    assert slot["default"]["function"] == "native_pagetable_reserve"
    assert [one["in"] for one in slot["overrides"]] == ["xen_init_mmu_ops"]
    assert [one["function"] for one in slot["overrides"]] == ["xen_mapping_pagetable_reserve"]
    assert [one["function"] for one in slot["call_sites"]] == ["init_memory_mapping"]
    assert done.json["coverage"]["files"] > 0


def test_a_reader_that_goes_away_is_no_failure(miniature: Path) -> None:
    code = "from kpatch_tools.cli.main import main; main()"
    command = [sys.executable, "-c", code, "hooks", "--rev", "v2.6.39", "--repo", str(miniature)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        err = run.stderr.read()
    assert (run.returncode, err) == (0, b"")


def test_generate_writes_mail_that_git_am_takes(kpt: Kpt, miniature: Path, tmp_path: Path) -> None:
    done = kpt("generate", "pagetable_reserve", "--for", "v2.6.39~3", "--signoff")
    assert done.code == 0
    assert "✓ section-mismatch" in done.err
    work = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", str(miniature), str(work))
    git(work, "checkout", "--quiet", "v2.6.39~3")
    git(work, "-c", "user.name=x", "-c", "user.email=x@example.org", "am", "--quiet", stdin=done.out)
    assert len(git(work, "diff", "--name-only", "HEAD~1").split()) == 5
    assert "Signed-off-by: Ann Tester <ann@example.org>" in git(work, "log", "-1")


def test_generate_without_identity_is_an_error_with_the_next_step(kpt: Kpt, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text("")
    done = kpt("generate", "pagetable_reserve", "--for", "v2.6.39~3")
    assert (done.code, done.out) == (2, b"")
    assert "[no-identity]" in done.err
    assert "git config" in done.err


def test_identity_from_gits_environment_comes_before_its_configuration(kpt: Kpt) -> None:
    robot = {"GIT_AUTHOR_NAME": "Robot", "GIT_AUTHOR_EMAIL": "robot@example.org"}
    done = kpt("generate", "pagetable_reserve", "--for", "v2.6.39~3", **robot)
    assert b"\nFrom: Robot <robot@example.org>\n" in done.out


def test_generate_split_is_two_patches(kpt: Kpt) -> None:
    done = kpt("generate", "pagetable_reserve", "--for", "v2.6.39~3", "--split")
    assert done.out.count(b"\nSubject: [PATCH ") == 2
    assert b"[PATCH 2/2]" in done.out


def test_generate_where_the_hook_is_already(kpt: Kpt) -> None:
    done = kpt("generate", "pagetable_reserve", "--for", "v2.6.39")
    assert done.code == 2
    assert "[hook-present]" in done.err


def test_check_finds_the_section_mismatch_and_its_follow_up_is_silent(kpt: Kpt) -> None:
    hook = kpt("check", "v2.6.39~2", "--json")
    fails = {one["id"]: one["message"] for one in hook.json["checks"] if one["status"] == "FAIL"}
    assert hook.code == 1
    assert set(fails) == {"section-mismatch"}
    assert "native_pagetable_reserve" in fails["section-mismatch"]
    follow_up = kpt("check", "v2.6.39~1", "--json")
    assert follow_up.code == 0
    assert not [one for one in follow_up.json["checks"] if one["status"] in ("FAIL", "ERROR")]


def test_check_of_a_range_reports_commit_by_commit(kpt: Kpt) -> None:
    done = kpt("check", "v2.6.39~3..v2.6.39", "--json")
    assert done.code == 1
    assert len({one["commit"] for one in done.json["checks"]}) == 3


def test_apply_refuses_what_applies_and_names_what_is_absent(kpt: Kpt, miniature: Path) -> None:
    """The override alone, as mail brought it: it applies before the rename, and three names do not exist there."""
    override = git(miniature, "show", "v2.6.39~2", "--", "arch/x86/xen/mmu.c").encode()
    before = refs(miniature)
    done = kpt("apply", "-", "--to", "v2.6.38", "--fuzz", "2", "--branch", "wrong", stdin=override)
    assert done.code == 1
    for name in ("native_pagetable_reserve", "x86_init.mapping", "pgt_buf_top"):
        assert name in done.out.decode()
    assert "nothing was written" in done.out.decode()
    assert refs(miniature) == before


def test_apply_refuses_a_part_of_a_hook_and_says_what_is_missing(kpt: Kpt, miniature: Path) -> None:
    """The same override where it belongs: the other four files are missing still."""
    override = git(miniature, "show", "v2.6.39~2", "--", "arch/x86/xen/mmu.c").encode()
    done = kpt("apply", "-", "--to", "v2.6.39~3", "--json", stdin=override)
    assert done.code == 1
    (found,) = [one for one in done.json["checks"] if one["id"] == "hook-complete"]
    assert found["status"] == "FAIL"
    for file in ("asm/x86_init.h", "kernel/x86_init.c", "asm/pgtable_types.h", "mm/init.c"):
        assert file in found["message"]
    assert "kpt generate pagetable_reserve" in found["hint"]


def test_apply_writes_one_commit_and_one_ref_and_keeps_the_author(kpt: Kpt, miniature: Path, tmp_path: Path) -> None:
    repository = tmp_path / "copy.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(miniature), str(repository))
    mail = git(miniature, "format-patch", "-1", "--stdout", "v2.6.39~1").encode()
    done = kpt("apply", "-", "--to", "v2.6.39~2", "--branch", "fix", "--json", stdin=mail, repo=repository)
    assert done.code == 0
    assert git(repository, "rev-parse", "fix").strip() == done.json["commit"]
    assert git(repository, "rev-parse", "fix^{tree}") == git(repository, "rev-parse", "v2.6.39~1^{tree}")
    same = "--format=%an %ae %ad %s"
    assert git(repository, "log", "-1", same, "fix") == git(repository, "log", "-1", same, "v2.6.39~1")
    again = kpt("apply", "-", "--to", "v2.6.39~2", "--branch", "fix", stdin=mail, repo=repository)
    assert again.code == 2
    assert "[branch-exists]" in again.err


def test_apply_repairs_a_missing_final_newline_and_says_so(kpt: Kpt, miniature: Path) -> None:
    diff = git(miniature, "show", "v2.6.39~1").encode().rstrip(b"\n")
    done = kpt("apply", "-", "--to", "v2.6.39~2", stdin=diff)
    assert done.code == 0
    assert "newline" in done.err


def test_a_read_only_repository_is_one_clear_error(kpt: Kpt, miniature: Path, tmp_path: Path) -> None:
    repository = tmp_path / "copy.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(miniature), str(repository))
    mail = git(miniature, "format-patch", "-1", "--stdout", "v2.6.39~1").encode()
    subprocess.run(["chmod", "-R", "a-w", str(repository)], check=True)
    done = kpt("apply", "-", "--to", "v2.6.39~2", "--branch", "fix", stdin=mail, repo=repository)
    subprocess.run(["chmod", "-R", "u+w", str(repository)], check=True)
    assert done.code == 2
    assert "[read-only-repository]" in done.err


@pytest.mark.parametrize(
    ("arguments", "stdin", "code"),
    [
        (("hooks", "--rev", "v2.6.93"), b"", "unknown-revision"),
        (("hooks", "--table", "no_table"), b"", "no-such-table"),
        (("apply", "-", "--to", "v2.6.39"), b"", "empty-patch"),
        (("apply", "-", "--to", "v2.6.39"), b"just words\n", "empty-patch"),
        (("apply", "-", "--to", "v2.6.39"), b"--- a/x\n+++ b/x\n@@ -1,9 +1 @@\n-a\n+b\n", "malformed-patch"),
        (("apply", "-", "--to", "v2.6.39"), b"--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n", "unsafe-path"),
        (("apply", "-", "--to", "v2.6.39"), b"--- a/.git/x\n+++ b/.git/x\n@@ -1 +1 @@\n-a\n+b\n", "unsafe-path"),
        (("apply", "-", "--to", "v2.6.39"), b"--- a/no.c\n+++ b/no.c\n@@ -1 +1 @@\n-a\n+b\n", "file-absent"),
        (("apply", "-", "--to", "v2.6.39"), b"--- a/x\r\n+++ b/x\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n", "crlf-patch"),
        (
            ("apply", "-", "--to", "v2.6.39"),
            b"diff --git a/l b/l\nnew file mode 120000\nindex 0000000..1234567\n--- /dev/null\n+++ b/l\n"
            b"@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n",
            "symlink-patch",
        ),
        (("apply", "nowhere.patch", "--to", "v2.6.39"), b"", "unreadable-patch"),
        (("check", "v2.6.39..v2.6.38"), b"", "empty-range"),
        (("model", "--layout", "3X"), b"", "bad-layout"),
        (("generate", "no_hook", "--for", "v2.6.39"), b"", "unknown-hook"),
        (("backport", "no_such_thing", "--to", "v2.6.39"), b"", "unknown-revision"),
        (("backport", "--to", "v2.6.93"), b"", "unknown-revision"),
    ],
)
def test_bad_input_is_one_clear_error_with_a_next_step(
    kpt: Kpt, miniature: Path, arguments: tuple[str, ...], stdin: bytes, code: str
) -> None:
    before = refs(miniature)
    done = kpt(*arguments, stdin=stdin)
    assert done.code == 2
    assert f"[{code}]" in done.err
    assert "\n  next: " in done.err
    assert "Traceback" not in done.err
    assert refs(miniature) == before


def test_a_repository_that_is_no_kernel(kpt: Kpt, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    (other / "README").write_text("no kernel\n")
    git(other, "add", "README")
    git(other, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "-m", "one")
    done = kpt("hooks", repo=other)
    assert done.code == 2
    assert "[not-a-kernel-tree]" in done.err


def test_a_shallow_clone_says_how_to_deepen_it(kpt: Kpt, miniature: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow.git"
    git(tmp_path, "clone", "--quiet", "--bare", "--depth", "1", f"file://{miniature}", str(shallow))
    done = kpt("hooks", "--rev", "HEAD~3", repo=shallow)
    assert done.code == 2
    assert "[shallow-history]" in done.err
    assert "--unshallow" in done.err


def test_backport_writes_patches_that_git_am_takes_and_a_branch(kpt: Kpt, miniature: Path, tmp_path: Path) -> None:
    repository = tmp_path / "copy.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(miniature), str(repository))
    asked = ("--split", "--json", "-o", str(tmp_path / "out"), "--branch", "hook")
    done = kpt("backport", "--to", "v2.6.39~3", *asked, repo=repository)
    assert (done.code, done.json["outcome"]) == (0, "backported")
    assert (done.json["model"]["control"], done.json["model"]["patched"]) == ("CRASH", "OK")
    work = tmp_path / "work"
    git(tmp_path, "clone", "--quiet", str(repository), str(work))
    git(work, "checkout", "--quiet", "v2.6.39~3")
    mails = sorted(str(path) for path in (tmp_path / "out").iterdir())
    git(work, "-c", "user.name=x", "-c", "user.email=x@example.org", "am", "--quiet", *mails)
    assert len(mails) == 2
    assert git(work, "rev-parse", "HEAD^{tree}") == git(repository, "rev-parse", "hook^{tree}")


def test_json_and_mail_on_standard_output_are_one_document(kpt: Kpt, miniature: Path) -> None:
    mail = git(miniature, "format-patch", "-1", "--stdout", "v2.6.39~1").encode()
    applied = kpt("apply", "-", "--to", "v2.6.39~2", "-o", "-", "--json", stdin=mail)
    assert "\n+void __init native_pagetable_reserve" in applied.json["mail"]
    carried = kpt("backport", "-", "--to", "v2.6.39~2", "-o", "-", "--json", stdin=mail)
    assert [one.count("\n+void __init native_pagetable_reserve") for one in carried.json["mails"]] == [1]


def test_backport_without_a_request_to_write_writes_nothing(kpt: Kpt, miniature: Path) -> None:
    before = refs(miniature)
    done = kpt("backport", "--to", "v2.6.39~3")
    assert done.code == 0
    assert done.out.decode().startswith("backported: ")
    assert "next: kpt backport" in done.out.decode()
    assert refs(miniature) == before


def test_backport_of_a_patch_on_standard_input(kpt: Kpt, miniature: Path) -> None:
    mail = git(miniature, "format-patch", "-1", "--stdout", "v2.6.39~1").encode()
    done = kpt("backport", "-", "--to", "v2.6.39~2", "--json", stdin=mail)
    assert (done.code, done.json["outcome"]) == (0, "backported")
    assert {one["class"] for one in done.json["hunks"]} == {"EXACT"}
    there = kpt("backport", "-", "--to", "v2.6.39", "--json", stdin=mail)
    assert (there.code, there.json["outcome"]) == (0, "already-present")


def test_demo_tells_the_story(kpt: Kpt, tmp_path: Path) -> None:
    done = kpt("demo", "--json", KPT_CACHE_DIR=str(tmp_path / "cache"))
    assert done.code == 0
    assert {one["target"]: one["outcome"] for one in done.json["scenes"]} == {
        "v2.6.39": "already-present",
        "v2.6.39~3": "backported",
        "v2.6.39-rc5": "needs-prerequisite",
        "v2.6.39-rc7": "needs-prerequisite",
        "v2.6.38": "not-affected",
        "v3.1": "already-present",
        "v3.9": "superseded",
    }


def test_model_tells_the_fault_and_who_maps_the_frame(kpt: Kpt) -> None:
    done = kpt("model", "--rev", "v2.6.39~3", "--layout", "512M", "--json")
    assert done.code == 1
    (run,) = done.json["runs"]
    assert run["verdict"] == "CRASH"
    assert run["fault"]["chain"]
    assert kpt("model", "--rev", "v2.6.39", "--layout", "512M", "--json").code == 0


def test_model_with_a_generated_patch_on_standard_input(kpt: Kpt) -> None:
    mail = kpt("generate", "pagetable_reserve", "--for", "v2.6.39~3").out
    done = kpt("model", "--rev", "v2.6.39~3", "--with", "-", "--layout", "512M", "--json", stdin=mail)
    assert done.code == 0
    assert done.json["runs"][0]["rw_ranges"]


def test_a_symmetric_range_is_refused_with_the_one_that_is_meant(kpt: Kpt) -> None:
    done = kpt("check", "v2.6.38...v2.6.39")
    assert (done.code, done.out) == (2, b"")
    assert "[bad-range]" in done.err
    assert "next: v2.6.38..v2.6.39 " in done.err


def test_a_series_is_checked_mail_upon_mail(kpt: Kpt, miniature: Path) -> None:
    """The second patch annotates what the first one brings: by itself it does not apply."""
    series = git(miniature, "format-patch", "--stdout", "v2.6.39~3..v2.6.39~1").encode()
    done = kpt("check", "-", "--on", "v2.6.39~3", "--json", stdin=series)
    assert [one["id"] for one in done.json["checks"] if one["status"] == "FAIL"] == ["section-mismatch"]


def test_quiet_says_the_result_and_no_more(kpt: Kpt) -> None:
    quiet = kpt("check", "v2.6.39~3..v2.6.39", "-q")
    assert quiet.code == 1
    assert [line for line in quiet.out.decode().splitlines() if not line.startswith(" ")] == [
        line for line in quiet.out.decode().splitlines() if "introduce x86_init.mapping" in line
    ]
    answer = kpt("backport", "--to", "v2.6.38", "-q")
    assert len(answer.out.decode().splitlines()) == 2
