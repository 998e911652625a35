"""Fixtures that every room's tests share."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import is_below


@dataclass(frozen=True, slots=True)
class MemorySource:
    """A BlobSource made of a dict, in the dict's own order."""

    files: Mapping[RepoPath, bytes]

    def read(self, path: RepoPath) -> bytes | None:
        return self.files.get(path)

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        wanted = tuple(prefix.strip("/") for prefix in prefixes if prefix.strip("/"))
        return (path for path in self.files if is_below(path, wanted))


@pytest.fixture
def sources() -> Callable[[Mapping[str, str | bytes]], MemorySource]:
    """`sources({"a/b.c": "int x;"})` is a BlobSource in memory."""

    def build(files: Mapping[str, str | bytes]) -> MemorySource:
        return MemorySource(
            {RepoPath(path): data.encode() if isinstance(data, str) else data for path, data in files.items()}
        )

    return build


@pytest.fixture(scope="session")
def linux_git() -> Path:
    """A repository with real kernel history; skipped where there is none at hand."""
    spelled = os.environ.get("KPT_LINUX_GIT")
    if not spelled:
        pytest.skip("KPT_LINUX_GIT is not set: no real kernel repository at hand")
    return Path(spelled)
