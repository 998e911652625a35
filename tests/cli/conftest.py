"""kpt as a user runs it, on the miniature kernel."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kpatch_tools.app.miniature import build_miniature


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended."""

    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Kpt = Callable[..., Done]


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_miniature(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def kpt(miniature: Path, tmp_path: Path) -> Kpt:
    """`kpt("check", "v2.6.39")` in its own process, on the miniature, with an identity; `repo=` names another."""
    config = tmp_path / ".gitconfig"
    config.write_text("[user]\n\tname = Ann Tester\n\temail = ann@example.org\n")

    def run(
        *arguments: str, stdin: bytes = b"", repo: Path = miniature, cwd: Path = tmp_path, **variables: str
    ) -> Done:
        command = [sys.executable, "-c", "from kpatch_tools.cli.main import main; main()", *arguments]
        kept = {name: os.environ[name] for name in ("PATH", "COVERAGE_PROCESS_START") if name in os.environ}
        environment = {**kept, "HOME": str(tmp_path), "KPT_LINUX_GIT": str(repo), **variables}
        done = subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, env=environment, check=False)
        return Done(done.returncode, done.stdout, done.stderr.decode())

    return run


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
        assert self.git("commit", "-q", "-m", f"{name}: change\n\nSigned-off-by: A <a@x.example>").returncode == 0


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
