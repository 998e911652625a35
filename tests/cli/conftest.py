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
