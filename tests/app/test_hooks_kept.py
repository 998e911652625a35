"""Answers that are kept: the same ones, and never one to another question."""

import os
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.app import hooks_kept
from kpatch_tools.app.hooks import declared_tables, read_atlas
from kpatch_tools.app.hooks_kept import KeptAnswers
from kpatch_tools.app.hooks_map import list_tables, open_map, read_tables
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.core.span import Location
from kpatch_tools.hooks import Reference, find_hook_tables
from kpatch_tools.tree import KernelTree

AT = "v2.6.39"
SCOPE = ("arch/x86",)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))


def never():
    return pytest.fail("found again")


def test_what_is_kept_is_what_was_found(tree, tmp_path):
    known = open_map(tree, AT, cache_dir=tmp_path)
    readings = read_tables(known, "pv_mmu_ops")
    source = tree.at(tree.resolve(AT))
    names = declared_tables(source, SCOPE, known.kept)
    atlas = read_atlas(
        source.tree, "x86_init", SCOPE, known.kept, lambda: find_hook_tables(source, table="x86_init", scope=SCOPE)
    )
    again = open_map(tree, AT, cache_dir=tmp_path)
    object.__setattr__(again, "facts", None)
    assert read_tables(again, "pv_mmu_ops") == readings
    assert declared_tables(source, SCOPE, again.kept) == names
    assert read_atlas(source.tree, "x86_init", SCOPE, again.kept, never) == atlas
    assert readings[0].slots[0].defaults
    assert atlas.tables[0].slots[0].default


def test_another_tree_scope_or_question_is_another_answer(tree, tmp_path):
    lists = [
        list_tables(open_map(tree, revision, scope=scope, cache_dir=tmp_path))
        for revision, scope in ((AT, ()), (AT, ("arch/x86/xen",)), ("v3.1", ()), ("v2.6.38", ()))
    ]
    fresh = [
        list_tables(open_map(tree, revision, scope=scope))
        for revision, scope in ((AT, ()), (AT, ("arch/x86/xen",)), ("v3.1", ()), ("v2.6.38", ()))
    ]
    assert lists == fresh
    assert lists[0] != lists[1]
    known = open_map(tree, AT, cache_dir=tmp_path)
    assert read_tables(known, "struct x86_init_ops") != read_tables(known, "struct pv_mmu_ops")


@dataclass(frozen=True, slots=True)
class Example:
    references: tuple[Reference, ...]
    one: Location | None
    flag: bool
    number: int


@given(st.text(st.characters(codec=None, exclude_categories=[])), st.integers(), st.booleans())
def test_every_text_comes_back_bytes_of_no_encoding_included(text, number, flag):
    place = Location(text, number, text)
    value = Example((Reference(text, place),) * 2, place if flag else None, flag, number)
    assert hooks_kept._reader(Example)(hooks_kept.json.loads(hooks_kept.json.dumps(hooks_kept._plain(value)))) == value


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"[[],null,1,1]", b"[[],null,true,true]", b'[[["f",["a",1]]],null,true,1]', b"\xff", b"null"],
)
def test_what_is_damaged_is_found_anew(tmp_path, damage):
    value = Example((), None, True, 1)
    assert KeptAnswers(tmp_path).of(("q",), Example, lambda: value) == value
    (file,) = tmp_path.rglob("*.json")
    file.write_bytes(damage)
    assert KeptAnswers(tmp_path).of(("q",), Example, lambda: value) == value
    assert KeptAnswers(tmp_path).of(("q",), Example, never) == value


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    value = Example((), None, False, 0)
    assert KeptAnswers(tmp_path / "cache").of(("q",), Example, lambda: value) == value


def test_what_was_not_asked_for_longest_goes_first(tmp_path, monkeypatch):
    def ask(question, find=None):
        value = Example((), Location(question, 1), True, 1)
        return KeptAnswers(tmp_path).of((question,), Example, find or (lambda: value))

    ask("old")
    (old,) = tmp_path.rglob("*.json")
    ask("used")
    for age, file in enumerate(sorted(tmp_path.rglob("*.json"), key=lambda file: file != old)):
        os.utime(file, (age, age))
    monkeypatch.setattr(hooks_kept, "_MOST_BYTES", 2 * old.stat().st_size + 2)
    ask("new")
    assert not old.exists()
    assert ask("used", never).one == Location("used", 1)
