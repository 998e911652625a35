"""Finding the files that can matter."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks.tables.search import included_files, mentions_word, search_source

Sources = Callable[[Mapping[str, str]], BlobSource]


def test_search(sources: Sources) -> None:
    source = sources({"a/x.c": "ops", "a/x.S": "ops", "b/x.h": "my_ops_", "b/y.h": "none", "c/x.c": "ops"})
    found = search_source(source, "ops", ("a", "b"))
    assert [path for path, _ in found.hits] == ["a/x.c", "b/x.h"]
    assert (found.files, found.bytes) == (3, 14)


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
