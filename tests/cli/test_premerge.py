"""The gate, run by git itself."""

import os
from pathlib import Path

import pytest

from .conftest import BAD, GOOD, Clone, Kpt


def test_a_range_by_hand(kpt: Kpt, clone: Clone) -> None:
    clone.commit("drivers/one.c", GOOD)
    assert kpt("premerge", "HEAD~1..HEAD", cwd=clone.path, repo=clone.path).code == 0
    clone.commit("drivers/two.c", BAD)
    done = kpt("premerge", "HEAD~2..HEAD", cwd=clone.path, repo=clone.path)
    assert done.code == 1
    assert b"undeclared_thing" in done.out


def test_nothing_may_always_come_in(kpt: Kpt, clone: Clone) -> None:
    done = kpt("premerge", "HEAD..HEAD", "--format", "json", cwd=clone.path, repo=clone.path)
    assert (done.code, done.json["reviews"]) == (0, [])


def test_a_hook_is_shown_before_it_is_written(kpt: Kpt, clone: Clone) -> None:
    hook = clone.path / ".git" / "hooks" / "pre-push"
    shown = kpt("premerge", "--install", "pre-push", repo=clone.path)
    assert shown.code == 0
    assert b"--hook pre-push" in shown.out
    assert not hook.exists()
    written = kpt("premerge", "--install", "pre-push", "--yes", repo=clone.path)
    assert written.code == 0
    assert hook.read_bytes() in written.out
    assert os.access(hook, os.X_OK)
    assert kpt("premerge", "--uninstall", "pre-push", repo=clone.path).code == 0
    assert not hook.exists()


def test_nobody_elses_hook_is_touched(kpt: Kpt, clone: Clone) -> None:
    hook = clone.path / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 0\n")
    refused = kpt("premerge", "--install", "pre-push", "--yes", "--json", repo=clone.path)
    assert (refused.code, refused.json["error"]["code"]) == (2, "hook-exists")
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"
    assert kpt("premerge", "--uninstall", "pre-push", repo=clone.path).code == 2
    assert kpt("premerge", "--install", "pre-push", "--yes", "--force", repo=clone.path).code == 0
    assert "kpt" in hook.read_text()


@pytest.fixture
def installed(kpt: Kpt, program: Path) -> object:
    """Installs a hook with a kpt that git can run."""

    def install(kind: str, repo: Path) -> None:
        path = f"{program}{os.pathsep}{os.environ['PATH']}"
        assert kpt("premerge", "--install", kind, "--yes", repo=repo, PATH=path).code == 0

    return install


@pytest.mark.parametrize("kind", ["pre-push", "pre-receive"])
@pytest.mark.parametrize("many", [0, 110])  # git keeps a push of a hundred objects as a pack
def test_a_push_is_stopped_and_let_through(clone: Clone, installed: object, kind: str, many: int) -> None:
    assert callable(installed)
    installed(kind, clone.path if kind == "pre-push" else clone.remote)
    before = clone.git("rev-parse", "main", cwd=clone.remote).stdout
    clone.commit("drivers/two.c", BAD)
    for number in range(many):
        (clone.path / f"{number}.txt").write_text(str(number))
    clone.commit("more.txt", "more\n")
    pushed = clone.git("push", "origin", "main")
    assert pushed.returncode != 0
    assert "undeclared_thing" in pushed.stdout + pushed.stderr
    assert clone.git("rev-parse", "main", cwd=clone.remote).stdout == before
    # What mends it later does not help: each commit is judged where it stands; so it is taken out.
    clone.git("reset", "-q", "--hard", "HEAD~2")
    clone.commit("drivers/two.c", GOOD)
    assert clone.git("push", "origin", "main").returncode == 0
    assert clone.git("push", "origin", "main:refs/heads/other").returncode == 0
    assert clone.git("push", "origin", ":refs/heads/other").returncode == 0


def test_a_merge_is_stopped(clone: Clone, installed: object) -> None:
    assert callable(installed)
    installed("pre-merge-commit", clone.path)
    clone.git("checkout", "-q", "-b", "topic")
    clone.commit("drivers/two.c", BAD)
    clone.git("checkout", "-q", "main")
    clone.commit("drivers/one.c", GOOD)
    merged = clone.git("merge", "--no-edit", "topic")
    assert merged.returncode != 0
    assert "undeclared_thing" in merged.stdout + merged.stderr


def test_what_git_does_not_say_is_refused(kpt: Kpt, clone: Clone) -> None:
    done = kpt("premerge", "--hook", "pre-receive", "--json", repo=clone.path, cwd=clone.path, stdin=b"rm -rf /\n")
    assert (done.code, done.json["error"]["code"]) == (2, "malformed-hook-input")
