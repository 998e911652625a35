"""All files of a tree, from its objects and from an earlier run's lists."""

import pytest
from kpatch_tools.tree import KernelTree

FILES = {
    f"{folder}/{number:02}.c": b"%d\n" % number for folder in ("a", "a/b", "a/b/\u00e9", "c") for number in range(3)
}


@pytest.mark.parametrize("short", [1, 3, 256])
@pytest.mark.parametrize("cached", [False, True])
def test_a_list_is_the_trees_own(scratch, tmp_path, monkeypatch, short, cached):
    monkeypatch.setattr("kpatch_tools.tree.kept._WORTH_KEEPING", 1)
    monkeypatch.setattr("kpatch_tools.tree.listing._SHORT", short)
    monkeypatch.setattr("kpatch_tools.tree.listing._LONG", 4)
    repo = scratch()
    first = repo.commit({**FILES, "top": b"x"})
    second = repo.commit({"a/b/01.c": None, "a/b/new.c": b"n\n", "c/00.c": b"other\n"}, base=first)
    changed = {path for path in FILES if path != "a/b/01.c"} | {"a/b/new.c", "top"}
    for commit, expected in ((first, {*FILES, "top"}), (second, changed), (first, {*FILES, "top"})):
        tree = KernelTree.open(repo.path, cache=tmp_path / "cache") if cached else repo.tree
        at = tree.at(commit)
        assert list(at.paths()) == sorted(expected, key=str.encode)
        assert [path for path in expected if at.blob_id(path) != dict(at.entries())[path]] == []
        assert list(at.paths("a/b")) == sorted(path for path in expected if path.startswith("a/b/"))


def test_the_next_run_reads_what_an_earlier_one_kept(scratch, tmp_path, monkeypatch):
    monkeypatch.setattr("kpatch_tools.tree.kept._WORTH_KEEPING", 1)
    repo = scratch()
    first = repo.commit(FILES)
    cache = tmp_path / "cache"
    assert len(list(KernelTree.open(repo.path, cache=cache).at(first).paths())) == len(FILES)
    tree = KernelTree.open(repo.path, cache=cache)
    scanned = []
    store = tree.at(first)._store
    scan = store.scan
    monkeypatch.setattr(store, "scan", lambda oid: scanned.append(oid) or scan(oid))
    assert list(tree.at(first).paths()) == sorted(FILES, key=str.encode)
    assert len(scanned) == 1  # the root
