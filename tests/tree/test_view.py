"""One version of a tree as a source of blobs."""

import pygit2
import pytest
from kpatch_tools.tree import view


def test_read_finds_regular_files_only(scratch):
    repo = scratch()
    oid = repo.commit(
        {"arch/x86/a.c": b"a\n", "link": b"arch/x86/a.c", "run.sh": b"#!\n"},
        modes={"link": 0o120000, "run.sh": 0o100755},
    )
    at = repo.tree.at(oid)
    assert at.read("arch/x86/a.c") == b"a\n"
    assert at.read("run.sh") == b"#!\n"
    assert at.mode("run.sh") == 0o100755
    assert at.mode("link") == 0o120000
    assert at.mode("arch") == 0o040000
    for absent in ("link", "arch", "arch/x86", "arch/x86/b.c", "arch/x86/a.c/x", "", "/arch", "../x"):
        assert at.read(absent) is None
        assert at.blob_id(absent) is None
    assert list(at.paths()) == ["arch/x86/a.c", "run.sh"]


def test_submodules_are_not_files(scratch):
    repo = scratch()
    inner = repo.commit({"x": b"x\n"})
    raw = pygit2.Repository(str(repo.path))
    builder = raw.TreeBuilder()
    builder.insert("sub", inner, pygit2.enums.FileMode.COMMIT)
    at = repo.tree.at(str(builder.write()))
    assert at.read("sub") is None
    assert at.mode("sub") == 0o160000
    assert list(at.paths()) == []


def test_paths_keep_tree_order_and_never_repeat(scratch):
    repo = scratch()
    files = {name: name.encode() for name in ("a.c", "a/z.c", "a0.c", "b/c/d.c", "b/c.c", "b-x/y.c")}
    at = repo.tree.at(repo.commit(files))
    assert list(at.paths()) == sorted(files)
    assert list(at.paths("b/c", "b", "b/c/d.c", "nowhere")) == ["b/c.c", "b/c/d.c"]
    assert list(at.paths("b/", "a.c")) == ["a.c", "b/c.c", "b/c/d.c"]
    assert [at.read(path) for path in at.paths("b")] == list(at.blobs(oid for _, oid in at.entries("b")))


def test_prefixes_that_only_begin_alike_do_not_hide_each_other(scratch):
    repo = scratch()
    at = repo.tree.at(repo.commit({"b-x/y.c": b"1", "b/c.c": b"2", "b/d.c": b"3"}))
    assert list(at.paths("b", "b-x", "b/d.c")) == ["b-x/y.c", "b/c.c", "b/d.c"]


def test_bytes_survive_in_names_and_contents(scratch):
    repo = scratch()
    name = b"caf\xe9.c".decode("utf-8", "surrogateescape")
    data = bytes(range(256)) * 3
    at = repo.tree.at(repo.commit({name: data, "ü/x": b"\r\n"}))
    assert at.read(name) == data
    assert set(at.paths()) == {name, "ü/x"}
    assert at.read("ü/x") == b"\r\n"


@pytest.mark.parametrize("shared", [False, True])
def test_search_finds_what_reading_finds(scratch, monkeypatch, shared):
    if shared:
        monkeypatch.setattr("kpatch_tools.tree.search._WORTH_SHARING", 1)
        monkeypatch.setattr("kpatch_tools.tree.search._workers", lambda: 3)
    repo = scratch()
    files = {f"d{number % 7}/f{number}.c": b"x86_init" * (number % 5 == 0) + b"%d\n" % number for number in range(300)}
    files["d0/f0.S"] = b"x86_init\n"
    at = repo.tree.at(repo.commit(files))
    found = at.search(b"x86_init", "d0", "d3", suffixes=(".c",))
    wanted = [path for path in at.paths("d0", "d3") if path.endswith(".c")]
    assert [path for path, _ in found.hits] == [path for path in wanted if b"x86_init" in at.read(path)]
    assert found.hits[0][1] == at.read(found.hits[0][0])
    assert found.files == len(wanted)
    assert found.bytes == sum(len(at.read(path)) for path in wanted)
    assert at.search(b"x86_init", "d0", "d3", suffixes=(".c",)) == found
    assert at.search(b"nowhere").hits == ()


def test_search_finds_a_word_in_two_lines(scratch):
    repo = scratch()
    at = repo.tree.at(repo.commit({"a": b"x86_\\\ninit\n", "b": b"x86_\ninit\n", "c": b"x86_init"}))
    assert [path for path, _ in at.search(b"x86_init").hits] == ["a", "c"]
    several = at.search_each((b"x86_init", b"init"))
    assert [path for path, _ in several[b"x86_init"].hits] == ["a", "c"]
    assert [path for path, _ in several[b"init"].hits] == ["a", "b", "c"]


def test_a_view_is_a_blob_source_of_its_own_revision(scratch):
    repo = scratch()
    first = repo.commit({"a": b"1\n"})
    second = repo.commit({"a": b"2\n"}, base=first)
    assert (repo.tree.at(first).read("a"), repo.tree.at(second).read("a")) == (b"1\n", b"2\n")
    assert isinstance(repo.tree.at(first), view.TreeAt)
