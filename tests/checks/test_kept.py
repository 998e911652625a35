"""What checks have read is the same after it was kept."""

from collections.abc import Callable

import pytest
from kpatch_tools.checks.kept import dump_kept, load_kept, size
from kpatch_tools.checks.section_index import SECTIONS, index_sections
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.syntax.includes import INCLUDED_NAMES, Includes
from kpatch_tools.tree import KernelTree

PATHS = ("arch", "include", "mm")


@pytest.fixture
def tree(tmp_path_factory: pytest.TempPathFactory) -> KernelTree:
    from kpatch_tools.app.miniature import build_miniature

    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))


def test_what_was_read_comes_back(tree: KernelTree, forget: Callable[[], None]) -> None:
    forget()
    source = tree.at("HEAD")
    sections = index_sections(source, PATHS)
    closures = [Includes(source).closure(path) for path in source.paths(*PATHS)]
    assert any(found.names for found in sections.files.values())
    kept, known = dump_kept(), (dict(SECTIONS.known), dict(INCLUDED_NAMES.known))
    forget()
    assert size() == 0
    load_kept(kept)
    assert (dict(SECTIONS.known), dict(INCLUDED_NAMES.known)) == known
    again = index_sections(source, PATHS)
    assert again.files == sections.files
    assert [Includes(source).closure(path) for path in source.paths(*PATHS)] == closures


@pytest.mark.parametrize("data", [b"", b"x", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_what_is_damaged_is_refused_as_a_whole(data: bytes, forget: Callable[[], None]) -> None:
    forget()
    with pytest.raises(ValueError, match="kept"):
        load_kept(data)
    assert size() == 0


@pytest.fixture
def forget() -> Callable[[], None]:
    def clear() -> None:
        known: list[dict[ObjectId, object]] = [SECTIONS.known, INCLUDED_NAMES.known]  # type: ignore[list-item]
        for one in known:
            one.clear()

    return clear
