"""The shape of page tables."""

import pytest
from kpatch_tools.model.machine import REAL, Geometry
from kpatch_tools.model.machine.geometry import WORDS_PER_PAGE


def test_real_geometry_is_x86_64() -> None:
    """Four levels of 512 entries translate 48 bits."""
    assert (REAL.entries, REAL.va_bits) == (512, 48)
    assert REAL.slot(REAL.page_offset, 4) == 272
    assert REAL.slot(REAL.kernel_map, 4) == 511
    assert REAL.slot(REAL.kernel_map, 3) == 510


def test_the_image_parts_do_not_overlap() -> None:
    assert REAL.image_start < REAL.data_base < REAL.data_end <= REAL.image_pages_start
    assert REAL.image_pages_start < REAL.brk_start < REAL.brk_end <= REAL.image_end


def test_a_scaled_table_fills_its_page() -> None:
    scaled = Geometry(level_bits=4, entry_words=32)
    assert scaled.entries * scaled.entry_words == WORDS_PER_PAGE
    assert scaled.va_bits == 28


@pytest.mark.parametrize("fields", [{"level_bits": 10}, {"entry_words": 2}, {"data_base": 0x1001}])
def test_an_impossible_geometry_is_our_bug(fields: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"geometry|pages"):
        Geometry(**fields)  # type: ignore[arg-type]
