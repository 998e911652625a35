"""The index on disk answers as facts in memory do, and reads no blob twice."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks.index import building
from kpatch_tools.hooks.index.memory import MemoryFacts
from kpatch_tools.hooks.index.store import open_index
from kpatch_tools.tree import Folder, TreeAt

from .conftest import Answer, every_answer

Files = dict[RepoPath, bytes]
Commit = Callable[[Mapping[RepoPath, bytes | None]], TreeAt]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The contents that the index reads, in the order in which it does."""
    seen: list[bytes] = []
    original = building.read_row

    def counted(oid: object, data: bytes) -> object:
        seen.append(data)
        return original(oid, data)  # type: ignore[arg-type]

    monkeypatch.setattr(building, "read_row", counted)
    return seen


@pytest.mark.parametrize("jobs", [1, 2])
def test_revision_is_answered_as_in_memory(
    tmp_path: Path, shop: Files, commit: Commit, answers: Answer, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    monkeypatch.setattr(building, "_WORTH_SHARING", 2)
    monkeypatch.setattr(building, "_BATCH", 2)
    source = commit(shop)
    stored = open_index(tmp_path / "cache", jobs=jobs).at(source)
    assert answers(stored, shop) == answers(MemoryFacts.of(source), shop)


def test_answers_are_there_at_all(shop: Files, commit: Commit, answers: Answer) -> None:
    """Two keepers that both say nothing would agree, too."""
    found = answers(open_index(None).at(commit(shop)), shop)
    questions = {question.partition(" ")[0] for question, answer in found.items() if answer}
    assert questions == {question.partition(" ")[0] for question in found}


def test_files_with_a_word_are_never_too_few(tmp_path: Path, shop: Files, commit: Commit) -> None:
    source = commit(shop)
    stored = open_index(tmp_path).at(source)
    words = ("corner_ops", "half", "nowhere")
    found = stored.files_with_each(words)
    assert tuple(found) == words
    for word, files in MemoryFacts.of(source).files_with_each(words).items():
        assert set(found[word]) >= set(files)
        assert list(found[word]) == [path for path in stored.paths if path in found[word]]
    assert set(found["corner_ops"]) >= {RepoPath("shop/broken.c"), RepoPath("shop/corner.c")}
    assert RepoPath("shop/empty.c") not in found["corner_ops"]


def test_scope_is_kept(tmp_path: Path, shop: Files, commit: Commit, answers: Answer) -> None:
    source = commit(shop)
    index = open_index(tmp_path / "cache")
    for scope in (("include",), ("shop", "arch/a1"), ()):
        assert answers(index.at(source, scope=scope), shop) == answers(MemoryFacts.of(source, *scope), shop)


@pytest.mark.parametrize("base", ["tree", "folder", "memory"])
def test_overlay_is_answered_as_in_memory(
    base: str,
    tmp_path: Path,
    shop: Files,
    commit: Commit,
    answers: Answer,
    sources: Callable[[Files], BlobSource],
) -> None:
    below = tmp_path / "tree"
    for path, data in shop.items():
        (below / path).parent.mkdir(parents=True, exist_ok=True)
        (below / path).write_bytes(data)
    source: BlobSource = {"tree": commit(shop), "folder": Folder(below), "memory": sources(shop)}[base]
    changes: dict[RepoPath, bytes | None] = {
        RepoPath("shop/corner.c"): b"static const struct shop_ops corner_ops = { .ring = other };\n",
        RepoPath("shop/added.c"): b"int added(struct shop *shop) { return shop->ops->open(shop); }\n",
        RepoPath("include/till.h"): None,
    }
    index = open_index(tmp_path / "cache")
    for asked in (source, Overlay(source, changes)):
        assert answers(index.at(asked), shop) == answers(MemoryFacts.of(asked), shop)


def test_another_revision_costs_what_changed(tmp_path: Path, shop: Files, commit: Commit, read: list[bytes]) -> None:
    index = open_index(tmp_path / "cache", jobs=1)
    first = commit(shop)
    index.at(first)
    assert sorted(read) == sorted({data for path, data in shop.items() if path.endswith((".c", ".h"))})
    read.clear()
    changed = b"int walk(struct shop *shop) { return shop->ops->ring(1); }\n"
    second = commit({RepoPath("shop/street.c"): changed, RepoPath("shop/moved.c"): shop[RepoPath("shop/corner.c")]})
    index.at(second)
    assert read == [changed]
    read.clear()
    index.at(first)
    open_index(tmp_path / "cache", jobs=1).at(second)
    assert read == []


def test_files_of_an_overlay_are_read_once(tmp_path: Path, shop: Files, commit: Commit, read: list[bytes]) -> None:
    index = open_index(tmp_path / "cache", jobs=1)
    source = commit(shop)
    index.at(source)
    read.clear()
    for _ in range(2):
        index.at(Overlay(source, {RepoPath("shop/new.c"): b"int fresh;\n"}))
    assert read == [b"int fresh;\n"]


def test_facts_of_blobs(tmp_path: Path, shop: Files, commit: Commit) -> None:
    source = commit(shop)
    blobs = {oid: path for path, oid in source.entries() if path.endswith((".c", ".h"))}
    found = open_index(tmp_path / "cache").facts_of(source, blobs)
    in_memory = MemoryFacts.of(source).by_path
    assert found == {oid: in_memory[path] for oid, path in blobs.items()}


# Pieces of files that refer to each other; names are few, so that they meet.
_NAME = st.sampled_from(("a", "b", "ops", "run", "stop"))
_PIECES = (
    "struct {0} {{ void (*{1})(int); struct {2} *{3}; {2} also; }};\n",
    "typedef void (*{0})(struct {1} *);\n",
    "typedef struct {0} {{ {1} {2}; }} {3};\n",
    "struct {0} {1} = {{ .{2} = {3}, .also = &{0} }};\n",
    "{0} {1}[] = {{ {{ {2} }}, {{ .{3} = {2} }} }};\n",
    "int {0}(struct {1} *p)\n{{\n\tif (p->{2})\n\t\tp->{2}(1);\n\tp->{3} = {0};\n\t{1} = {2};\n}}\n",
    "#define {0}(x) ((x)->{1}.{2}())\n",
    "int {0}({1} ; }} {2} ( {3}\n",
)
_PIECE = st.builds(str.format, st.sampled_from(_PIECES), _NAME, _NAME, _NAME, _NAME)
_TREES = st.dictionaries(
    st.sampled_from([RepoPath(path) for path in ("a.h", "b/a.c", "b/b.c", "c.c")]),
    st.lists(_PIECE, max_size=4).map(lambda pieces: dedent("".join(pieces)).encode()),
)


@given(_TREES)
def test_any_small_tree_is_answered_as_in_memory(files: Files) -> None:
    source = Overlay(Folder(Path("/nonexistent")), files)
    assert every_answer(open_index(None).at(source), files) == every_answer(MemoryFacts.of(source), files)
