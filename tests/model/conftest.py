"""Kernels for the model's tests: the miniature, translated, and with files replaced."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.run import load_kernel
from kpatch_tools.patch import apply_patch, parse_patch
from kpatch_tools.resources import data_dir
from kpatch_tools.tree import Folder

MINIATURE = data_dir("fixtures") / "miniature"


def _miniature(last: str) -> BlobSource:
    """The miniature's base with its series up to and including the patch whose file name starts with `last`."""
    source: BlobSource = Folder(MINIATURE / "base")
    changes: dict[RepoPath, bytes | None] = {}
    for path in sorted((MINIATURE / "series").glob("*.patch")):
        if path.name > f"{last}~":
            break
        changes.update(apply_patch(parse_patch(path.read_bytes()).files, Overlay(source, changes)).changes)
    return Overlay(source, changes)


@pytest.fixture(scope="session")
def miniature() -> Callable[[str], BlobSource]:
    """`miniature("13")` is the miniature after patch 13; "" is its base."""
    return _miniature


@pytest.fixture(scope="session")
def edited() -> Callable[[BlobSource, Mapping[str, tuple[str, str]]], BlobSource]:
    """`edited(source, {path: (old, new)})` with exactly one `old` in the file replaced."""

    def build(source: BlobSource, edits: Mapping[str, tuple[str, str]]) -> BlobSource:
        changes: dict[RepoPath, bytes | None] = {}
        for path, (old, new) in edits.items():
            text = (source.read(RepoPath(path)) or b"").decode()
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
            changes[RepoPath(path)] = text.replace(old, new).encode()
        return Overlay(source, changes)

    return build


@pytest.fixture(scope="module")
def kernel() -> Guest:
    """The miniature with the hook, translated: it boots everywhere."""
    return load_kernel(_miniature("13"))
