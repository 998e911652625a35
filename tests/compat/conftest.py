"""C git as the judge, in repositories that a test makes."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.tree import KernelTree


@dataclass(frozen=True, slots=True)
class Git:
    """Runs git in one folder, without the user's or the machine's configuration."""

    folder: Path
    index: str | None = None

    def with_index(self, path: str) -> "Git":
        """The same repository, with an index file elsewhere."""
        return replace(self, index=path)

    def __call__(self, *arguments: str, data: bytes | None = None, status: int | None = 0) -> bytes:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada Lovelace",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_AUTHOR_DATE": "1300000000 +0130",
            "GIT_COMMITTER_NAME": "Bob",
            "GIT_COMMITTER_EMAIL": "bob@example.org",
            "GIT_COMMITTER_DATE": "1300000600 -0500",
            "LC_ALL": "C",
        }
        if self.index is not None:
            environment["GIT_INDEX_FILE"] = self.index
        command = ["git", "-c", "core.abbrev=12", "-c", "safe.directory=*", *arguments]
        done = subprocess.run(command, cwd=self.folder, input=data, capture_output=True, env=environment, check=False)
        if status is not None and done.returncode != status:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr.decode('utf-8', 'replace')}")
        return done.stdout if status is not None else b"%d" % done.returncode

    def succeeds(self, *arguments: str, data: bytes | None = None) -> bool:
        return self(*arguments, data=data, status=None) == b"0"

    def commit(self, changes: dict[str, bytes | None], message: bytes = b"demo: a change\n") -> ObjectId:
        for path, content in changes.items():
            file = self.folder / path
            if content is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "--allow-empty-message", "--cleanup=verbatim", "-F", "-", data=message)
        return ObjectId(self("rev-parse", "HEAD").decode().strip())

    @property
    def tree(self) -> KernelTree:
        return KernelTree.open(self.folder)

    @property
    def version(self) -> str:
        return self("--version").decode().split()[2]


@pytest.fixture
def git(tmp_path: Path) -> Callable[[], Git]:
    """`git()` is C git in a new repository; skipped where git is not installed."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")

    def build() -> Git:
        folder = tmp_path / f"work{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        runner = Git(folder)
        runner("init", "-q", "-b", "main")
        return runner

    return build


@pytest.fixture(scope="session")
def linux(linux_git: Path) -> Git:
    """C git in the real kernel repository."""
    return Git(linux_git)
