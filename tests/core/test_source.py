"""Overlays over sources."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import Overlay, blob_id, content_id

PATHS = st.sampled_from([RepoPath(p) for p in ("a.c", "a/b.c", "a/b/c.h", "ab/c.h", "z")])
FILES = st.dictionaries(PATHS, st.binary(max_size=3))


class Source:
    def __init__(self, files: dict[RepoPath, bytes]) -> None:
        self.files = files

    def read(self, path: RepoPath) -> bytes | None:
        return self.files.get(path)

    def paths(self, *prefixes: str):  # type: ignore[no-untyped-def]
        wanted = tuple(p.strip("/") for p in prefixes if p.strip("/"))
        return (p for p in sorted(self.files) if not wanted or any(p == w or p.startswith(w + "/") for w in wanted))


@given(FILES, st.dictionaries(PATHS, st.none() | st.binary(max_size=3)), st.lists(st.sampled_from(["a", "a/b", "ab/"])))
def test_an_overlay_is_the_merged_tree(
    base: dict[RepoPath, bytes], changes: dict[RepoPath, bytes | None], prefixes: list[str]
) -> None:
    merged = {path: data for path, data in {**base, **changes}.items() if data is not None}
    overlay = Overlay(Source(base), changes)
    assert sorted(overlay.paths(*prefixes)) == sorted(Source(merged).paths(*prefixes))
    assert all(overlay.read(path) == merged.get(path) for path in {*base, *changes})


def test_listing_names_each_path_once(sources: Callable[..., object]) -> None:
    overlay = Overlay(sources({"a": "1", "b": "2"}), {RepoPath("a"): b"3", RepoPath("c"): b"4"})  # type: ignore[arg-type]
    assert list(overlay.paths()) == ["a", "b", "c"]


def test_contents_have_the_ids_that_git_gives_them() -> None:
    source = Source({RepoPath("a.c"): b"int x;\n"})
    changed = Overlay(source, {RepoPath("z"): b"int x;\n", RepoPath("a.c"): None})
    assert blob_id(source, RepoPath("a.c")) == content_id(b"int x;\n")
    assert blob_id(source, RepoPath("z")) is None
    assert blob_id(changed, RepoPath("a.c")) is None
    assert blob_id(changed, RepoPath("z")) == blob_id(source, RepoPath("a.c"))


def test_a_source_that_knows_ids_is_not_read() -> None:
    class Known(Source):
        def read(self, path: RepoPath) -> bytes | None:
            raise AssertionError("read")

        def blob_id(self, path: RepoPath) -> str | None:
            return f"id of {path}"

    assert blob_id(Overlay(Known({}), {}), RepoPath("a.c")) == "id of a.c"
