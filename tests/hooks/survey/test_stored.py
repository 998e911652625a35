"""The map is the same whoever keeps the facts, and the second time."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.index import store
from kpatch_tools.hooks.index.memory import MemoryFacts
from kpatch_tools.hooks.index.store import open_index
from kpatch_tools.hooks.survey.reading import read_slot, read_type
from kpatch_tools.hooks.survey.serving import services_of
from kpatch_tools.hooks.survey.types import list_types
from kpatch_tools.tree import KernelTree, Signature, TreeAt

Survey = Callable[..., MemoryFacts]
UNREAD = "void f(void)\n{\n\tboard.clocks.start(;;= corner_open ) if {;\n}\n"


def committed(folder: Path, files: dict[RepoPath, bytes]) -> TreeAt:
    tree = KernelTree.create(folder / "kernel.git", branch="main")
    who = Signature("Ada", "ada@example.org", 1_300_000_000, 60)
    changes: dict[RepoPath, bytes | None] = {RepoPath("Makefile"): b"VERSION = 2\n", **files}
    oid = tree.write(base=tree.empty_tree(), changes=changes, message=b"start\n", author=who, committer=who)
    return tree.at(oid)


def test_kept_facts_answer_as_those_in_memory(survey: Survey, small_kernel: dict[str, str], tmp_path: Path) -> None:
    bad = {"arch/x86/kernel/bad.c": UNREAD}
    memory = survey(bad)
    files = {RepoPath(path): dedent(text).encode() for path, text in {**small_kernel, **bad}.items()}
    revision = committed(tmp_path, files)
    for _ in ("made", "kept"):
        stored = open_index(tmp_path / "index", jobs=1).at(revision)
        assert list_types(stored) == list_types(memory)
        for name in ("board", "shop_ops", "struct clerk", "board_clocks", "nobody"):
            assert read_type(stored, name) == read_type(memory, name)
        for name in ("board.clocks.start", "corner_ops.open"):
            assert read_slot(stored, name) == read_slot(memory, name) != ()
        for name in ("corner_open", "guest_start"):
            assert services_of(stored, name) == services_of(memory, name)
    assert read_type(memory, "board")[0].unread


def test_the_list_is_of_its_scope(survey: Survey, small_kernel: dict[str, str], tmp_path: Path) -> None:
    files = {RepoPath(path): dedent(text).encode() for path, text in small_kernel.items()}
    revision = committed(tmp_path, files)
    index = open_index(tmp_path / "index", jobs=1)
    assert len(list_types(index.at(revision)).tables) == 4
    listed = list_types(index.at(revision, scope=("arch/x86",)))
    assert [table.type for table in listed.tables] == ["struct board_clocks", "struct board_ops"]
    assert listed.extent.files == 4


def test_a_list_that_cannot_be_kept_is_told_all_the_same(
    survey: Survey, small_kernel: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {RepoPath(path): dedent(text).encode() for path, text in small_kernel.items()}
    stored = open_index(tmp_path / "index", jobs=1).at(committed(tmp_path, files))

    def refuse(connection: sqlite3.Connection, name: str, body: bytes) -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(store, "keep_view", refuse)
    assert list_types(stored) == list_types(survey())
    assert read_type(stored, "board") == read_type(survey(), "board")
