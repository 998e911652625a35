"""Whatever happens to the index, the answers stay right; at worst they take longer, and a remark says why."""

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.index import building, database, store
from kpatch_tools.hooks.index.database import DamagedError, Database
from kpatch_tools.hooks.index.memory import MemoryFacts
from kpatch_tools.hooks.index.store import open_index
from kpatch_tools.tree import TreeAt

from .conftest import Answer, every_answer

Files = dict[RepoPath, bytes]
Commit = Callable[[Mapping[RepoPath, bytes | None]], TreeAt]

fork = multiprocessing.get_context("fork")


@pytest.fixture
def files(shop: Files) -> Files:
    """Enough blobs for several batches."""
    many = {RepoPath(f"many/f{number}.c"): b"void f%d(struct shop *s) { s->run(); }\n" % number for number in range(24)}
    return shop | many


@pytest.fixture
def source(commit: Commit, files: Files) -> TreeAt:
    return commit(files)


@pytest.fixture
def right(source: TreeAt, files: Files) -> dict[str, Any]:
    """What has to be answered."""
    return every_answer(MemoryFacts.of(source), files)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a miniature tree is read and written in many steps."""
    monkeypatch.setattr(building, "_BATCH", 2)
    monkeypatch.setattr(building, "_CHUNK", 6)


def database_in(folder: Path) -> Path:
    (found,) = folder.glob("facts-*.sqlite")
    return found


def count_blobs(folder: Path) -> int:
    with sqlite3.connect(database_in(folder)) as connection:
        (count,) = connection.execute("select count(*) from blob").fetchone()
    connection.close()
    return int(count)


def build_and_die(folder: Path, source: TreeAt, *, inside_a_write: bool) -> None:
    """Runs in a process of its own, and never returns."""
    steps = 0

    def die_later(_text: str) -> None:
        nonlocal steps
        steps += 1
        if steps == 8:
            os.kill(os.getpid(), signal.SIGKILL)

    if inside_a_write:
        insert, writes = building.insert, []

        def die_before_the_end(connection: sqlite3.Connection, rows: Any) -> None:
            insert(connection, rows)
            writes.append(rows)
            if len(writes) == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        building.insert = die_before_the_end  # type: ignore[assignment]
    open_index(folder, jobs=1).at(source, progress=die_later)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("inside_a_write", [False, True])
def test_killed_builder_leaves_what_it_wrote(
    inside_a_write: bool, tmp_path: Path, source: TreeAt, files: Files, right: dict[str, Any], answers: Answer
) -> None:
    folder = tmp_path / "cache"
    process = fork.Process(target=build_and_die, args=(folder, source), kwargs={"inside_a_write": inside_a_write})
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    left = count_blobs(folder)
    assert 0 < left < len(set(files.values()))
    index = open_index(folder, jobs=1)
    told: list[str] = []
    assert answers(index.at(source, progress=told.append), files) == right
    assert index.remark == ""
    assert told[-1].startswith(f"{count_blobs(folder) - left} of ")


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("worth_waiting", [1, 10_000], ids=["one waits", "both work"])
def test_two_builders_make_one_index(
    worth_waiting: int,
    tmp_path: Path,
    source: TreeAt,
    files: Files,
    right: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "_WORTH_WAITING", worth_waiting)
    folder = tmp_path / "cache"
    begin = fork.Barrier(2)

    def build(result: Any) -> None:
        begin.wait(60)
        index = open_index(folder, jobs=1)
        same = every_answer(index.at(source.reopened()), files) == right
        result.send((same, index.remark))

    pipes = [fork.Pipe(duplex=False) for _ in range(2)]
    processes = [fork.Process(target=build, args=(sender,)) for _, sender in pipes]
    for process in processes:
        process.start()
    assert [receiver.recv() for receiver, _ in pipes] == [(True, ""), (True, "")]
    for process in processes:
        process.join()
    assert count_blobs(folder) == len({data for path, data in files.items() if path.endswith((".c", ".h"))})
    assert [path.suffix for path in folder.iterdir() if path.suffix != ".lock"] == [".sqlite"]


def overwrite(path: Path) -> None:
    path.write_bytes(b"no database at all" * 500)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_to_the_head(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def spoil_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def change(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def spoil_facts(path: Path) -> None:
    change(path, "update part set body = substr(body, 1, length(body) / 2)")


def spoil_views(path: Path) -> None:
    change(path, "update view set body = x'00'")


def drop_a_table(path: Path) -> None:
    change(path, "drop table part")


DAMAGES = (overwrite, cut, cut_to_the_head, empty, spoil_pages, spoil_facts, spoil_views, drop_a_table)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_is_made_anew(
    damage: Callable[[Path], None], tmp_path: Path, source: TreeAt, files: Files, right: dict[str, Any], answers: Answer
) -> None:
    folder = tmp_path / "cache"
    open_index(folder).at(source)
    damage(database_in(folder))
    index = open_index(folder)
    assert answers(index.at(source), files) == right
    assert "was damaged" in index.remark
    again = open_index(folder)
    assert answers(again.at(source), files) == right
    assert again.remark == ""


@pytest.mark.parametrize("damage", DAMAGES)
def test_file_damaged_while_open(
    damage: Callable[[Path], None], tmp_path: Path, source: TreeAt, files: Files, right: dict[str, Any], answers: Answer
) -> None:
    folder = tmp_path / "cache"
    facts = open_index(folder).at(source)
    damage(database_in(folder))
    assert answers(facts, files) == right


def test_deleting_the_file_while_open_costs_only_time(
    tmp_path: Path, source: TreeAt, files: Files, right: dict[str, Any], answers: Answer
) -> None:
    folder = tmp_path / "cache"
    index = open_index(folder)
    facts = index.at(source)
    database_in(folder).unlink()
    assert answers(facts, files) == right
    assert answers(index.at(source), files) == right
    assert answers(open_index(folder).at(source), files) == right


def test_folder_that_cannot_be_made(
    tmp_path: Path, source: TreeAt, files: Files, right: dict[str, Any], answers: Answer
) -> None:
    (tmp_path / "cache").write_text("a file\n")
    index = open_index(tmp_path / "cache" / "below")
    assert answers(index.at(source), files) == right
    assert index.remark.startswith("no index can be kept in ")
    assert index.size == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_cannot_be_written(
    tmp_path: Path, source: TreeAt, files: Files, right: dict[str, Any], answers: Answer
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o500)
    index = open_index(folder)
    assert answers(index.at(source), files) == right
    assert "kept in memory" in index.remark


@pytest.fixture
def with_pragma(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Every connection that is opened from now on has this setting."""

    def set_it(pragma: str) -> None:
        opened = Database.open

        def open_with(self: Database, path: Path) -> sqlite3.Connection:
            connection = opened(self, path)
            connection.execute(f"pragma {pragma}")
            return connection

        monkeypatch.setattr(Database, "open", open_with)

    return set_it


@pytest.mark.parametrize(
    ("pragma", "why"),
    [("query_only = on", "readonly"), ("max_page_count = 1", "disk is full")],
    ids=["read-only", "full"],
)
@pytest.mark.parametrize("known", [False, True], ids=["new", "of another revision"])
@pytest.mark.usefixtures("small_steps")
def test_file_that_cannot_be_written(
    pragma: str,
    why: str,
    known: bool,
    tmp_path: Path,
    commit: Commit,
    files: Files,
    answers: Answer,
    with_pragma: Callable[[str], None],
) -> None:
    folder = tmp_path / "cache"
    first = commit({path: files[path] for path in list(files)[:3]})
    if known:
        open_index(folder).at(first)
    with_pragma(pragma)
    index = open_index(folder, jobs=1)
    source = commit(files)
    assert answers(index.at(source), files) == every_answer(MemoryFacts.of(source), files)
    assert why in index.remark
    assert index.remark.endswith("the index is kept in memory")


def test_what_other_versions_made_is_deleted_at_last(tmp_path: Path, source: TreeAt) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    for number in range(4):
        path = folder / f"facts-{number:016x}.sqlite"
        path.write_bytes(b"")
        os.utime(path, (number, number))
    open_index(folder).at(source)
    kept = sorted(path.name for path in folder.glob("facts-*.sqlite"))
    assert kept == sorted(["facts-0000000000000003.sqlite", Database(folder).path.name])  # type: ignore[union-attr]


def test_index_held_by_another_process_is_an_error_with_a_hint(
    tmp_path: Path, source: TreeAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache"
    monkeypatch.setattr(database, "_PATIENCE", 0.0)
    open_index(folder).at(source, scope=("include",))
    with held(database_in(folder)), pytest.raises(Exception, match="another process has held the index") as caught:
        open_index(folder).at(source)
    assert getattr(caught.value, "code", "") == "index-busy"


@contextmanager
def held(path: Path) -> Iterator[None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("begin exclusive")
    try:
        yield
    finally:
        connection.execute("rollback")
        connection.close()


@pytest.mark.parametrize("answers", [(False, True), (False, False)])
def test_a_file_that_seems_cut_off_is_judged_while_nobody_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: tuple[bool, ...]
) -> None:
    """A writer puts the new size into the head before the pages are there."""
    database = Database(tmp_path)
    with database.connection():
        pass
    given = iter(answers)
    monkeypatch.setattr("kpatch_tools.hooks.index.database._is_whole", lambda path: next(given))
    if answers[-1]:
        with database.connection() as connection:
            assert connection.execute("select count(*) from blob").fetchone() == (0,)
    else:
        with pytest.raises(DamagedError), database.connection():
            pass
