"""Finding the files that can matter."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks.tables.search import included_files, mentions_word, search_ahead, search_source
from kpatch_tools.tree import KernelTree, Signature

Sources = Callable[[Mapping[str, str]], BlobSource]


def test_search(sources: Sources) -> None:
    source = sources({"a/x.c": "ops", "a/x.S": "ops", "b/x.h": "my_ops_", "b/y.h": "none", "c/x.c": "ops"})
    found = search_source(source, "ops", ("a", "b"))
    assert [path for path, _ in found.hits] == ["a/x.c", "b/x.h"]
    assert (found.files, found.bytes) == (3, 14)


def test_search_for_what_stands_in_two_lines(sources: Sources) -> None:
    source = Overlay(
        sources({"a/x.c": "my_\\\nops"}), {RepoPath("a/y.c"): b"m\\\ny_ops", RepoPath("a/z.c"): b"my_\nops"}
    )
    assert [path for path, _ in search_source(source, "my_ops", ("a",)).hits] == ["a/x.c", "a/y.c"]


def test_search_with_changes(sources: Sources) -> None:
    source = Overlay(
        sources({"a/x.c": "ops", "a/y.c": "none", "a/z.c": "ops"}),
        {
            RepoPath("a/x.c"): None,
            RepoPath("a/y.c"): b"ops 2",
            RepoPath("a/new.c"): b"ops 3",
            RepoPath("b/new.c"): b"ops 4",
        },
    )
    found = search_source(source, "ops", ("a",))
    assert found.hits == (("a/new.c", b"ops 3"), ("a/y.c", b"ops 2"), ("a/z.c", b"ops"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ops.a", True),
        ("(&ops)", True),
        ("my_ops ops2", False),
        ("#include <asm/ops.h>", False),
        ('# include "ops.h"\nops', True),
    ],
)
def test_word(text: str, expected: bool) -> None:
    assert mentions_word(text.encode(), "ops") is expected


def test_included_files(sources: Sources) -> None:
    source = sources(
        {
            "arch/x86/include/asm/a.h": '#include <linux/b.h>\n#include "c.h"\n#include <none.h>\n',
            "include/linux/b.h": "#include <asm/a.h>\n#include <linux/d.h>\n",
            "arch/x86/include/asm/c.h": "",
            "include/linux/d.h": "",
        }
    )
    found = included_files(source, RepoPath("arch/x86/include/asm/a.h"), ("arch/x86", "drivers"))
    assert [path for path, _ in found] == ["include/linux/b.h", "arch/x86/include/asm/c.h", "include/linux/d.h"]


def test_looking_ahead_for_many_finds_what_looking_for_each_finds(tmp_path):
    tree = KernelTree.create(tmp_path / "kernel.git", branch="main")
    files = {
        "arch/x86/a.c": b"x86_init.a(); pv_ops.b();",
        "arch/x86/a.S": b"call x86_init",
        "drivers/b.h": b"\xff pv_ops",
        "mm/c.c": b"x86_init",
    }
    who = Signature("A", "a@example.org")
    oid = tree.write(
        base=tree.empty_tree(),
        changes={RepoPath(path): data for path, data in files.items()},
        message=b"All\n",
        author=who,
        committer=who,
    )
    scope = ("arch/x86", "drivers")
    ahead = search_ahead(tree.at(oid), ["x86_init", "pv_ops", "nowhere"], scope)
    for needle in ("x86_init", "pv_ops", "nowhere"):
        assert needle.encode() in ahead.found
        assert search_source(ahead, needle, scope) == search_source(tree.at(oid), needle, scope)
    for elsewhere in (("mm",), ("drivers",)):
        assert search_source(ahead, "x86_init", elsewhere) == search_source(tree.at(oid), "x86_init", elsewhere)
    assembler = search_source(ahead, "x86_init", scope, suffixes=(".S",))
    assert [path for path, _ in assembler.hits] == ["arch/x86/a.S"]
