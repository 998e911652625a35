"""The gate, run by git itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Kpt

GOOD = "int one(void)\n{\n\treturn 1;\n}\n"
BAD = "int two(void)\n{\n\treturn undeclared_thing(3);\n}\n"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """kpt as a file that a hook can run."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "kpt"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from kpatch_tools.cli.main import main; main()' \"$@\"\n")
    script.chmod(0o755)
    return folder


class Clone:
    """A work tree with a remote."""

    def __init__(self, path: Path, remote: Path, program: Path) -> None:
        self.path = path
        self.remote = remote
        self._environment = {
            "PATH": f"{program}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(path.parent),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": "a@x.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }

    def git(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.path,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def commit(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.git("add", "-A")
        assert self.git("commit", "-q", "-m", f"{name}: change").returncode == 0


@pytest.fixture
def clone(tmp_path: Path, program: Path) -> Clone:
    made = Clone(tmp_path / "work", tmp_path / "remote.git", program)
    made.git("init", "-q", "--bare", "-b", "main", str(made.remote), cwd=tmp_path)
    made.path.mkdir()
    made.git("init", "-q", "-b", "main")
    made.git("remote", "add", "origin", str(made.remote))
    for name in ("Makefile", "include/linux/one.h", "arch/Kconfig"):
        made.commit(name, "\n")
    assert made.git("push", "-q", "origin", "main").returncode == 0
    made.git("fetch", "-q", "origin")
    return made


def test_a_range_by_hand(kpt: Kpt, clone: Clone) -> None:
    clone.commit("drivers/one.c", GOOD)
    assert kpt("premerge", "HEAD~1..HEAD", cwd=clone.path, repo=clone.path).code == 0
    clone.commit("drivers/two.c", BAD)
    done = kpt("premerge", "HEAD~2..HEAD", cwd=clone.path, repo=clone.path)
    assert done.code == 1
    assert b"undeclared_thing" in done.out


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
