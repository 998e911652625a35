"""Every C file that a generated hook touches compiles as it did before: gcc says nothing new about it.

Old headers make a new compiler complain; what counts is that the complaints with the
hook are those without it.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks import Generated, generate_hook, load_hook, remove_hook
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real


class Scratch(Protocol):
    """What the fixture of this name makes."""

    @property
    def source(self) -> BlobSource: ...
    @property
    def folder(self) -> Path: ...
    def prepare(self, files: tuple[RepoPath, ...]) -> None: ...
    def diagnostics(self, file: RepoPath) -> Counter[str]: ...


Scratches = tuple[Generated, Scratch, Scratch]


def without_hook(source: BlobSource) -> BlobSource:
    removed = remove_hook(source, load_hook("pagetable_reserve"))
    return Overlay(source, removed) if removed is not None else source


BROKEN_BEFORE = {"tree-3.6.0": "has no member named 'pgd'"}
"""What a vendor's own edits keep from compiling, hook or no hook."""


@pytest.fixture
def scratches(linux_git: Path, tmp_path: Path, scratch: Callable[..., Scratch]) -> Callable[[str], Scratches]:
    """The hook for a revision (without its own, if it has one), and the revision without and with it."""
    return lambda revision: make_scratches(linux_git, tmp_path, scratch, revision)


def make_scratches(linux_git: Path, tmp_path: Path, scratch: Callable[..., Scratch], revision: str) -> Scratches:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc at hand")
    before = without_hook(KernelTree.open(linux_git).at(revision))
    hook = generate_hook(before, load_hook("pagetable_reserve"))
    assert isinstance(hook, Generated)
    old, new = scratch(before, tmp_path / "old"), scratch(Overlay(before, hook.changes), tmp_path / "new")
    return hook, old, new


@pytest.mark.slow
@pytest.mark.parametrize(
    "revision",
    [
        *("v2.6.37", "v2.6.38", "v2.6.39-rc1", "v2.6.39-rc5", "v2.6.39-rc6", "v2.6.39-rc7", "92bdaef7b2c"),
        *("v2.6.39", "v3.0", "v3.1", "tree-3.3.6", "tree-3.6.0", "tree-3.8.13"),
    ],
)
def test_nothing_new_from_the_compiler(scratches: Callable[[str], Scratches], revision: str) -> None:
    hook, old, new = scratches(revision)
    files = tuple(path for path in hook.changes if path.endswith(".c"))
    assert len(files) == 3
    for one in (old, new):
        one.prepare(files)
    for file in files:
        said = old.diagnostics(file)
        assert [one for one in said if " error: " in one and BROKEN_BEFORE.get(revision, one + "x") not in one] == []
        assert new.diagnostics(file) - said == Counter()


@pytest.mark.slow
def test_the_compiler_does_object_to_a_part_of_the_hook(
    scratches: Callable[[str], Scratches], scratch: Callable[..., Scratch]
) -> None:
    """The control: with the override's file alone, the same comparison finds what nothing declares."""
    hook, old, new = scratches("92bdaef7b2c")
    override = load_hook("pagetable_reserve").override_file
    alone = scratch(Overlay(old.source, {override: hook.changes[override]}), new.folder)
    for one in (old, alone):
        one.prepare((override,))
    new_ones = "\n".join(alone.diagnostics(override) - old.diagnostics(override))
    assert "'native_pagetable_reserve'" in new_ones
    assert "no member named 'mapping'" in new_ones
