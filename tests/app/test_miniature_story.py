"""The miniature kernel tells the story of the hook: what its README promises, commit by commit, without a machine."""

import shutil
import subprocess
from pathlib import Path

import pytest
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks import (
    CauseState,
    Generated,
    PresenceState,
    find_hook_tables,
    generate_hook,
    load_hook,
    probe_cause,
    probe_presence,
    remove_hook,
)
from kpatch_tools.tree import KernelTree

HOOK = load_hook("pagetable_reserve")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> KernelTree:
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))


@pytest.mark.parametrize(
    ("revision", "cause", "presence"),
    [
        ("v2.6.38", CauseState.ABSENT, PresenceState.ABSENT),
        ("v2.6.39-rc1~3", CauseState.PRESENT, PresenceState.ABSENT),
        ("v2.6.39-rc1", CauseState.PRESENT, PresenceState.ABSENT),
        ("v2.6.39-rc5", CauseState.PRESENT, PresenceState.ABSENT),
        ("v2.6.39-rc6", CauseState.PRESENT, PresenceState.ABSENT),
        ("v2.6.39-rc7", CauseState.PRESENT, PresenceState.ABSENT),
        ("v2.6.39~3", CauseState.PRESENT, PresenceState.ABSENT),
        ("v2.6.39~2", CauseState.PRESENT, PresenceState.PRESENT),
        ("v2.6.39", CauseState.PRESENT, PresenceState.PRESENT),
        ("v3.0", CauseState.PRESENT, PresenceState.PRESENT),
        ("v3.1", CauseState.ABSENT, PresenceState.PRESENT),
        ("v3.3", CauseState.ABSENT, PresenceState.PRESENT),
        ("v3.9", CauseState.SUPERSEDED, PresenceState.ABSENT),
    ],
)
def test_cause_and_hook_come_and_go(
    tree: KernelTree, revision: str, cause: CauseState, presence: PresenceState
) -> None:
    source = tree.at(revision)
    assert probe_cause(source).state == cause
    assert probe_presence(source, HOOK).state == presence


def compile_all(source: BlobSource, folder: Path) -> str:
    """What a compiler has to say; "" for nothing."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc: whether the generated hook compiles was not looked at")
    for path in source.paths():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(source.read(path) or b"")
    flags = "-fsyntax-only -Wall -nostdinc -ffreestanding -D__KERNEL__ -Iarch/x86/include -Iinclude"
    files = [path for path in source.paths() if path.endswith(".c")]
    return subprocess.run([compiler, *flags.split(), *files], cwd=folder, capture_output=True, text=True).stderr


@pytest.mark.parametrize("revision", ["v2.6.38", "v2.6.39-rc5", "v2.6.39-rc7", "v2.6.39~3"])
def test_the_generated_hook_is_complete_and_compiles(tree: KernelTree, tmp_path: Path, revision: str) -> None:
    source = tree.at(revision)
    generated = generate_hook(source, HOOK)
    assert isinstance(generated, Generated)
    assert len(generated.changes) == 5
    patched = Overlay(source, generated.changes)
    assert probe_presence(patched, HOOK).state == PresenceState.PRESENT
    assert compile_all(patched, tmp_path) == ""


@pytest.mark.parametrize("revision", ["v2.6.39~2", "v2.6.39", "v3.0", "v3.1", "v3.3"])
def test_the_hook_can_be_taken_out_and_written_again(tree: KernelTree, tmp_path: Path, revision: str) -> None:
    source = tree.at(revision)
    removed = remove_hook(source, HOOK)
    assert removed is not None
    without = Overlay(source, removed)
    assert probe_presence(without, HOOK).state == PresenceState.ABSENT
    assert compile_all(without, tmp_path / "without") == ""
    generated = generate_hook(without, HOOK)
    assert isinstance(generated, Generated)
    assert compile_all(Overlay(without, generated.changes), tmp_path / "again") == ""


def test_a_size_is_reserved_where_the_function_takes_one(tree: KernelTree) -> None:
    source = tree.at("v3.3")
    without = Overlay(source, remove_hook(source, HOOK) or {})
    generated = generate_hook(without, HOOK)
    assert isinstance(generated, Generated)
    assert b"\tmemblock_reserve(start, end - start);\n" in (generated.changes[RepoPath("arch/x86/mm/init.c")] or b"")


def test_the_hook_table_is_found_with_its_overrides(tree: KernelTree) -> None:
    (table,) = find_hook_tables(tree.at("v2.6.39")).tables
    slots = {slot.path: slot for slot in table.slots}
    assert len(slots) == 10
    reserve = slots["mapping.pagetable_reserve"]
    assert reserve.default is not None
    assert reserve.default.function == "native_pagetable_reserve"
    assert [override.function for override in reserve.overrides] == ["xen_mapping_pagetable_reserve"]
    assert [(site.file, site.function) for site in reserve.call_sites] == [
        ("arch/x86/mm/init.c", "init_memory_mapping")
    ]
