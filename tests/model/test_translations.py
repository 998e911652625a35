"""Translated kernels on disk: found by everything they were made from, and worth as much as fresh ones."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.model import ModelRun, parse_layout, run_model
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.profile import PROFILE
from kpatch_tools.model.run import boot, load_kernel, with_history
from kpatch_tools.model.translations import Recorder, Translations, kernel_key
from kpatch_tools.tree import Folder, KernelTree

Edited = Callable[[BlobSource, Mapping[str, tuple[str, str]]], BlobSource]
Miniature = Callable[[str], BlobSource]

SMALL = parse_layout("64M")
TWO = parse_layout("4160M,hole=64M+4032M")
NOACPI = parse_layout("4160M,hole=64M+4032M,noacpi")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "translations"


def is_new(source: BlobSource, folder: Path, **options: object) -> bool:
    """Whether the tree has to be read."""
    return load_kernel(source, translations=Translations(folder), **options).program.is_loaded


def learn(source: BlobSource, folder: Path) -> tuple[Guest, ModelRun]:
    guest = load_kernel(source, translations=Translations(folder))
    return guest, boot(guest, SMALL)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


@pytest.mark.parametrize("after", ["", "11", "12", "13"])
def test_a_kept_kernel_boots_as_a_fresh_one_without_reading_the_tree(
    miniature: Miniature, folder: Path, after: str
) -> None:
    source = miniature(after)
    layouts = [SMALL, TWO, NOACPI]
    fresh = run_model(source, layouts, jobs=1, history=True)
    for _ in range(2):
        assert run_model(source, layouts, jobs=1, history=True, translations=Translations(folder)) == fresh
    guest = load_kernel(source, translations=Translations(folder))
    assert tuple(with_history(guest, boot(guest, layout)) for layout in layouts) == fresh
    assert not guest.program.is_loaded


def test_what_a_kept_kernel_lacks_is_translated_and_kept(miniature: Miniature, folder: Path) -> None:
    source = miniature("13")
    learn(source, folder)
    guest = load_kernel(source, translations=Translations(folder))
    known = guest.program.compiled
    assert not guest.program.is_loaded
    fresh = load_kernel(source)
    boot(fresh, NOACPI)
    assert boot(guest, NOACPI) == boot(fresh, NOACPI)
    assert guest.program.is_loaded
    assert set(guest.program.compiled) > set(known)
    again = load_kernel(source, translations=Translations(folder))
    assert again.program.compiled == guest.program.compiled
    assert boot(again, NOACPI) == boot(guest, NOACPI)
    assert not again.program.is_loaded


def test_a_late_translation_finds_variables_where_they_were(miniature: Miniature, folder: Path) -> None:
    source = miniature("13")
    first, _ = learn(source, folder)
    second = load_kernel(source, translations=Translations(folder))
    names = ["max_pfn", "memblock", "init_level4_pgt", "x86_init"]
    assert [second.program.address_of(name) for name in names] == [first.program.address_of(name) for name in names]
    assert second.program.index.functions.keys() == first.program.index.functions.keys()
    assert [second.program.variable(name, None).address.offset for name in names] == [
        first.program.address_of(name) for name in names
    ]


def test_every_input_counts(miniature: Miniature, edited: Edited, folder: Path) -> None:
    source = miniature("13")
    learn(source, folder)
    assert not is_new(source, folder)
    recorder = Recorder(source)
    load_kernel(recorder)
    read = [path for path, known in recorder.inputs if known is not None]
    missed = [path for path, known in recorder.inputs if known is None]
    assert any(path.endswith(".h") for path in read)
    assert missed
    for path in read:
        assert is_new(Overlay(source, {path: (source.read(path) or b"") + b"\n"}), folder), path
    for path in missed:
        assert is_new(Overlay(source, {path: b"\n"}), folder), path


def test_what_was_not_looked_at_does_not_count(miniature: Miniature, folder: Path) -> None:
    source = miniature("13")
    learn(source, folder)
    assert not is_new(Overlay(source, {RepoPath("Documentation/notes"): b"x"}), folder)


def test_trees_that_differ_in_a_header_only_live_side_by_side(miniature: Miniature, folder: Path) -> None:
    source = miniature("13")
    recorder = Recorder(source)
    load_kernel(recorder)
    header = next(path for path, known in recorder.inputs if known is not None and path.endswith(".h"))
    other = Overlay(source, {header: (source.read(header) or b"") + b"\n"})
    learn(source, folder)
    learn(other, folder)
    assert len(entries(folder)) == 2
    assert not is_new(source, folder)
    assert not is_new(other, folder)


def test_machine_and_configuration_count(miniature: Miniature, folder: Path) -> None:
    source = miniature("13")
    learn(source, folder)
    assert is_new(source, folder, image_end=0x150_0000)
    assert is_new(source, folder, profile=PROFILE.with_overrides("unused_macro(x)"))


def test_another_process_finds_what_one_kept(miniature: Miniature, folder: Path) -> None:
    """Strings hash differently there, so that sets are in another order."""
    source = miniature("13")
    assert isinstance(source, Overlay)
    assert isinstance(source.base, Folder)
    learn(source, folder)
    script = f"""
from pathlib import Path
from kpatch_tools.core.source import Overlay
from kpatch_tools.model import Translations
from kpatch_tools.model.run import load_kernel
from kpatch_tools.tree import Folder, KernelTree
source = Overlay(Folder(Path({str(source.base.root)!r})), {dict(source.changes)!r})
print(load_kernel(source, translations=Translations(Path({str(folder)!r}))).program.is_loaded)
"""
    for seed in ("1", "2"):
        kept = {name: value for name, value in os.environ.items() if name != "KPT_LINUX_GIT"}
        done = subprocess.run(
            [sys.executable, "-"],
            input=script,
            capture_output=True,
            text=True,
            env={**kept, "PYTHONHASHSEED": seed},
            check=True,
        )
        assert done.stdout == "False\n"


def test_a_key_depends_on_each_of_its_parts() -> None:
    assert kernel_key("a", 1) == kernel_key("a", 1)
    assert len({kernel_key("a", 1), kernel_key("a", 2), kernel_key("b", 1), kernel_key("a")}) == 4


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "other"])
def test_a_damaged_entry_is_ignored_and_rewritten(miniature: Miniature, folder: Path, damage: str) -> None:
    source = miniature("13")
    _, run = learn(source, folder)
    (entry,) = entries(folder)
    content = entry.read_bytes()
    half = len(content) // 2
    entry.write_bytes(
        {
            "empty": b"",
            "short": content[:half],
            "flipped": content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :],
            "other": b"not an entry",
        }[damage]
    )
    assert learn(source, folder)[1] == run
    assert entries(folder) == [entry]
    assert not is_new(source, folder)


def test_a_folder_that_others_can_reach_is_not_used(miniature: Miniature, folder: Path) -> None:
    source = miniature("13")
    _, run = learn(source, folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    before = [entry.stat().st_mtime_ns for entry in entries(folder)]
    assert learn(source, folder)[1] == run
    assert is_new(source, folder)
    assert [entry.stat().st_mtime_ns for entry in entries(folder)] == before


def test_a_link_in_the_place_of_the_folder_is_not_used(miniature: Miniature, tmp_path: Path, folder: Path) -> None:
    source = miniature("13")
    learn(source, folder)
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert is_new(source, link)


def test_a_folder_that_cannot_be_made_costs_nothing(miniature: Miniature, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    guest, run = learn(miniature("13"), tmp_path / "file" / "translations")
    assert run.verdict.name == "OK"
    assert guest.program.is_loaded


def test_the_folder_stays_below_its_limit(miniature: Miniature, folder: Path) -> None:
    source = miniature("13")
    learn(source, folder)
    (first,) = entries(folder)
    size = first.stat().st_size
    os.utime(first, (1, 1))
    other = Overlay(source, {RepoPath("mm/memblock.c"): (source.read(RepoPath("mm/memblock.c")) or b"") + b"\n"})
    guest = load_kernel(other, translations=Translations(folder, limit=size + size // 2))
    boot(guest, SMALL)
    assert first not in entries(folder)
    assert sum(entry.stat().st_size for entry in entries(folder)) <= size + size // 2
    assert not is_new(other, folder)


def test_processes_may_write_at_the_same_time(miniature: Miniature, folder: Path) -> None:
    source = miniature("13")
    layouts = [SMALL, TWO, NOACPI]
    fresh = run_model(source, layouts, jobs=1)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=learn, args=(source, folder)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(entries(folder)) == 1
    assert not is_new(source, folder)
    assert run_model(source, layouts, jobs=2, translations=Translations(folder)) == fresh
    assert run_model(source, layouts, jobs=2, translations=Translations(folder)) == fresh


@pytest.mark.real
@pytest.mark.parametrize("revision", ["92bdaef7b2c", "v2.6.39", "tree-3.8.13"])
def test_a_real_kernel_is_kept(linux_git: Path, folder: Path, revision: str) -> None:
    source = KernelTree.open(linux_git).at(revision)
    layouts = [SMALL, parse_layout("300M,hole=280M+10M")]
    fresh = run_model(source, layouts, jobs=1, history=True)
    assert run_model(source, layouts, jobs=1, history=True, translations=Translations(folder)) == fresh
    guest = load_kernel(source, translations=Translations(folder))
    assert tuple(with_history(guest, boot(guest, layout)) for layout in layouts) == fresh
    assert not guest.program.is_loaded
