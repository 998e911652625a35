"""Series as git makes them."""

import itertools
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from kpatch_tools.review.threads import Received

_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Ann Author",
    "GIT_AUTHOR_EMAIL": "ann@kernel.example",
    "GIT_COMMITTER_NAME": "Ann Author",
    "GIT_COMMITTER_EMAIL": "ann@kernel.example",
    "GIT_AUTHOR_DATE": "2011-05-01T12:00:00+0200",
    "GIT_COMMITTER_DATE": "2011-05-01T12:00:00+0200",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
_CALLS = itertools.count(1)


@dataclass(frozen=True)
class Work:
    """A small repository with a work tree."""

    path: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, check=True, capture_output=True, env={**os.environ, **_ENVIRONMENT}
        )
        return done.stdout.decode("utf-8", "replace")

    def commit(self, subject: str, **files: str) -> str:
        """A commit with these files ("drivers__one_c" is drivers/one.c); its id."""
        for name, text in files.items():
            file = self.path / name.replace("__", "/").replace("_c", ".c").replace("_h", ".h")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"{subject}\n\nBecause.\n\nSigned-off-by: Ann Author <ann@kernel.example>")
        return self.git("rev-parse", "HEAD").strip()

    def format(self, *arguments: str) -> list[Received]:
        """What git format-patch writes, one letter for each file."""
        folder = self.path / "out"
        names = self.git("format-patch", "-o", str(folder), *arguments).split()
        # git makes an id of the second; two calls in one would send two letters with one id.
        number = next(_CALLS)
        letters = [
            Received(Path(name).name, Path(name).read_bytes().replace(b".git.ann@", b".%d.ann@" % number))
            for name in names
        ]
        for name in names:
            Path(name).unlink()
        return letters


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """One file, one commit, the tag v1."""
    made = Work(tmp_path / "work")
    made.path.mkdir()
    made.git("init", "-q", "-b", "main")
    made.commit("start", drivers__one_c=lines(40))
    made.git("tag", "v1")
    return made


@pytest.fixture
def series(work: Work) -> Callable[..., list[Received]]:
    """Three patches on v1, formatted with these options."""
    work.commit("one: count from ten", drivers__one_c=lines(40, {3: "int line3 = 10;"}))
    work.commit("one: and there", drivers__one_c=lines(40, {3: "int line3 = 10;", 20: "int line20 = 11;"}))
    work.commit("two: new", drivers__two_c="int two;\n")
    work.git("commit", "-q", "--amend", "--no-edit", "--author", "Other Author <other@kernel.example>")
    return lambda *options: work.format(*options, "v1")


@pytest.fixture
def bad_series(work: Work) -> Callable[..., list[Received]]:
    """Two patches on v1, of which the second calls what is not there."""
    work.commit("one: fine", drivers__one_c=lines(40, {3: "int line3 = 10;"}))
    work.commit("two: calls nothing", drivers__two_c="int two(void)\n{\n\treturn undeclared_thing(3);\n}\n")
    return lambda *options: work.format("--thread=shallow", "--cover-letter", *options, "v1")


def lines(count: int, changed: dict[int, str] | None = None) -> str:
    """A file of `count` declarations, some of them otherwise."""
    return "".join(f"{(changed or {}).get(number, f'int line{number};')}\n" for number in range(1, count + 1))
