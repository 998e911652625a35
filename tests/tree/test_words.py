"""Which words a tree's headers have, with and without an earlier run's reading."""

import re
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.tree import KernelTree
from kpatch_tools.tree.words import words_of

HEADERS = (".h",)


@given(st.text(alphabet="ab0_ \n-.é\0", max_size=60))
def test_words_are_what_stands_between_word_boundaries(text):
    data = text.encode()
    expected = set(re.findall(rb"\b[A-Za-z_]\w*", data))
    assert set(words_of(data).split()) == expected
    assert all(b"\n%b\n" % word in words_of(data) for word in expected)


def test_whole_words_of_the_chosen_files_count(scratch):
    repo = scratch()
    first = repo.commit(
        {"include/linux/a.h": b"int foo_bar;\n", "include/b.c": b"int inside_c;\n", "arch/x86/c.h": b"int own;\n"}
    )
    at = repo.tree.at(first)
    asked = {b"foo", b"foo_bar", b"inside_c", b"own", b"bar"}
    assert at.words_in(asked, "include", "arch", suffixes=HEADERS) == {b"foo_bar", b"own"}
    assert at.words_in(asked, "include", suffixes=HEADERS) == {b"foo_bar"}
    assert at.words_in(asked, "", suffixes=HEADERS) == {b"foo_bar", b"own"}
    assert at.words_in(asked, "include/linux/a.h", "nowhere", suffixes=HEADERS) == {b"foo_bar"}
    assert at.words_in(asked, "include/b.c", suffixes=HEADERS) == set()
    assert list(at.mentioning(asked, "include", "arch", suffixes=HEADERS)) == ["arch/x86/c.h", "include/linux/a.h"]
    assert list(at.mentioning({b"foo", b"own"}, "include", "arch", suffixes=HEADERS)) == ["arch/x86/c.h"]


def test_another_revision_is_asked_for_itself(scratch):
    repo = scratch()
    first = repo.commit({"include/a.h": b"int old;\n", "include/b.h": b"int kept;\n"})
    second = repo.commit({"include/a.h": b"int new;\n"}, base=first)
    asked = {b"old", b"new", b"kept"}
    assert repo.tree.at(first).words_in(asked, "include", suffixes=HEADERS) == {b"old", b"kept"}
    assert repo.tree.at(second).words_in(asked, "include", suffixes=HEADERS) == {b"new", b"kept"}


def test_a_header_that_is_not_there_is_said(scratch):
    repo = scratch()
    first = repo.commit({"include/a.h": b"int gone;\n"})
    at = repo.tree.at(first)
    oid = at.blob_id(RepoPath("include/a.h"))
    (repo.path / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(KpatchError, match="not in this repository"):
        at.words_in({b"gone"}, "include", suffixes=HEADERS)


def test_the_next_run_reads_what_an_earlier_one_kept(scratch, tmp_path, monkeypatch):
    monkeypatch.setattr("kpatch_tools.tree.kept._WORTH_KEEPING", 1)
    repo = scratch()
    first = repo.commit({"include/a.h": b"int kept;\n"})

    def asked() -> set[bytes]:
        tree = KernelTree.open(repo.path, cache=tmp_path / "cache")
        return tree.at(first).words_in({b"kept", b"planted"}, "include", suffixes=HEADERS)

    assert asked() == {b"kept"}
    (file,) = (tmp_path / "cache").glob("words-*.sqlite")
    with sqlite3.connect(file) as connection:
        connection.execute("update kept set data = ?", (b"\nplanted\n",))
    connection.close()
    assert asked() == {b"planted"}


@pytest.mark.parametrize("damage", ["garbage", "folder", "locked"])
def test_a_file_that_cannot_be_used_costs_time_only(scratch, tmp_path, monkeypatch, damage):
    monkeypatch.setattr("kpatch_tools.tree.kept._WORTH_KEEPING", 1)
    repo = scratch()
    first = repo.commit({"include/a.h": b"int kept;\n"})
    cache = tmp_path / "cache"
    cache.mkdir()
    file = cache / "words-2.sqlite"
    other = None
    if damage == "garbage":
        file.write_bytes(b"no database at all " * 100)
    elif damage == "folder":
        file.mkdir()
    else:
        monkeypatch.setattr("kpatch_tools.tree.kept._PATIENCE", 0)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("begin exclusive")
    tree = KernelTree.open(repo.path, cache=cache)
    assert tree.at(first).words_in({b"kept"}, "include", suffixes=HEADERS) == {b"kept"}
    if other is not None:
        other.close()
