"""Which headers a file sees."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.syntax.includes import Includes, architecture_of
from kpatch_tools.syntax.memo import BlobMemo, blob_id

Sources = Callable[[Mapping[str, str]], BlobSource]
FILE = RepoPath("arch/x86/mm/init.c")


def seen(source: BlobSource, path: RepoPath = FILE) -> tuple[str, ...]:
    return Includes(source).closure(path).headers


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("<linux/a.h>", "include/linux/a.h"),
        ("<linux/a.h>", "include/uapi/linux/a.h"),
        ("<asm/a.h>", "arch/x86/include/asm/a.h"),
        ("<asm/a.h>", "arch/x86/include/uapi/asm/a.h"),
        ("<asm/a.h>", "include/asm-generic/a.h"),
        ('"a.h"', "arch/x86/mm/a.h"),
        ('"../kernel/a.h"', "arch/x86/kernel/a.h"),
        ('"shared/a.h"', "drivers/odd/shared/a.h"),
    ],
)
def test_a_header_is_found_where_the_build_finds_it(sources: Sources, name: str, where: str) -> None:
    assert seen(sources({FILE: f"#include {name}\n", where: ""})) == (where,)


def test_the_nearest_of_several_headers_wins(sources: Sources) -> None:
    files = {FILE: '#include "a.h"\n#include <asm/b.h>\n', "arch/x86/mm/a.h": "", "include/a.h": ""}
    files |= {"arch/x86/include/asm/b.h": "", "include/asm-generic/b.h": ""}
    assert seen(sources(files)) == ("arch/x86/mm/a.h", "arch/x86/include/asm/b.h")


def test_includes_are_followed_whatever_the_condition_and_in_circles(sources: Sources) -> None:
    files = {
        FILE: "#ifdef NEVER\n#  include <linux/a.h>\n#endif\n",
        "include/linux/a.h": "#include <linux/b.h>\n",
        "include/linux/b.h": "#include <linux/a.h>\n#include <linux/missing.h>\n#include <generated/made.h>\n",
    }
    closure = Includes(sources(files)).closure(FILE)
    assert closure.headers == ("include/linux/a.h", "include/linux/b.h")
    assert closure.unresolved == ("linux/missing.h",)


def test_another_architectures_headers_are_out_of_sight(sources: Sources) -> None:
    files = {
        FILE: "#include <asm/theirs.h>\n#include <local/theirs.h>\n",
        "arch/ia64/include/asm/theirs.h": "",
        "arch/ia64/extra/local/theirs.h": "",
    }
    assert seen(sources(files)) == ()
    driver = RepoPath("drivers/x.c")
    assert seen(sources({**files, driver: files[FILE]}), driver) == (
        "arch/ia64/include/asm/theirs.h",
        "arch/ia64/extra/local/theirs.h",
    )


def test_a_name_never_leads_out_of_the_tree(sources: Sources) -> None:
    assert seen(sources({FILE: '#include "../../../../etc/a.h"\n', "etc/b.h": ""})) == ()


def test_the_architecture_of_code_without_one_is_x86() -> None:
    assert architecture_of(RepoPath("arch/arm/mm/init.c")) == "arm"
    assert architecture_of(RepoPath("arch/Kconfig")) == "x86"
    assert architecture_of(RepoPath("mm/memory.c")) == "x86"


class Numbered:
    """A source that knows blob ids, and counts what is read."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.reads = 0

    def read(self, path: RepoPath) -> bytes | None:
        self.reads += 1
        return self.files.get(path)

    def blob_id(self, path: RepoPath) -> ObjectId | None:
        return ObjectId(f"{hash(self.files[path]) & (2**80 - 1):040x}") if path in self.files else None

    def paths(self, *prefixes: str) -> object:
        raise NotImplementedError


def test_a_blob_is_read_once_wherever_it_stands() -> None:
    memo = BlobMemo(len)
    one, other = Numbered({"a": b"same"}), Numbered({"b": b"same", "c": b"x"})
    assert [memo.of(one, RepoPath("a")), memo.of(other, RepoPath("b"))] == [4, 4]  # type: ignore[arg-type]
    assert (one.reads, other.reads) == (1, 0)
    assert memo.of(other, RepoPath("gone")) is None  # type: ignore[arg-type]


def test_a_replaced_file_is_read_anew() -> None:
    memo = BlobMemo(len)
    base = Numbered({"a": b"same"})
    overlay = Overlay(base, {RepoPath("a"): b"another"})  # type: ignore[arg-type]
    assert blob_id(overlay, RepoPath("a")) is None
    assert [memo.of(base, RepoPath("a")), memo.of(overlay, RepoPath("a"))] == [4, 7]  # type: ignore[arg-type]


def test_a_memo_that_is_full_starts_anew() -> None:
    memo = BlobMemo(len, most=1)
    base = Numbered({"a": b"1", "b": b"22"})
    order = [RepoPath(path) for path in ("a", "b", "a")]
    assert [memo.of(base, path) for path in order] == [1, 2, 1]  # type: ignore[arg-type]
    assert base.reads == 3
