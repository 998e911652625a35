"""Which layouts a bound stands for."""

from collections import Counter

import pytest
from kpatch_tools.model.layouts import PAGE_SIZE, MemoryType
from kpatch_tools.model.scaled import SCALED
from kpatch_tools.model.sweep import MAX_BOUND, enumerate_shapes, real_layouts, scaled_layout, scaled_layouts
from kpatch_tools.model.sweep.shapes import Shape, is_held

SHAPES = enumerate_shapes(2).shapes


def test_the_same_layouts_each_time_and_none_twice() -> None:
    assert enumerate_shapes(2).shapes == SHAPES
    assert len(set(SHAPES)) == len(SHAPES)
    assert len({layout.name for layout in scaled_layouts(2)}) == len(SHAPES)


def test_a_larger_bound_has_all_of_a_smaller_one() -> None:
    assert enumerate_shapes(1).shapes == SHAPES[: len(enumerate_shapes(1).shapes)]
    assert len(SHAPES) > len(enumerate_shapes(1).shapes)


def test_the_count_is_the_product_of_the_choices() -> None:
    enumeration = enumerate_shapes(3)
    choices: list[set[object]] = [
        {(shape.first) for shape in enumeration.shapes},
        {(shape.hole, shape.island) for shape in enumeration.shapes},
        {shape.top for shape in enumeration.shapes},
        {shape.high for shape in enumeration.shapes},
        {shape.image for shape in enumeration.shapes},
        {shape.acpi for shape in enumeration.shapes},
        {shape.numa for shape in enumeration.shapes},
    ]
    product = 1
    for values in choices:
        product *= len(values)
    assert len(enumeration.shapes) + enumeration.left_out == product
    assert enumeration.left_out > 0
    assert str(len(enumeration.shapes)) in str(enumeration)


def test_every_choice_is_tried_with_every_other() -> None:
    pairs = Counter((shape.acpi, shape.numa, bool(shape.hole), bool(shape.top), bool(shape.high)) for shape in SHAPES)
    assert len(pairs) == 32


@pytest.mark.parametrize("bound", [0, MAX_BOUND + 1])
def test_a_bound_outside_of_the_machine_is_refused(bound: int) -> None:
    with pytest.raises(ValueError, match=str(bound)):
        enumerate_shapes(bound)


@pytest.mark.parametrize("shape", SHAPES[::37], ids=lambda shape: shape.name)
def test_ranges_ascend_and_lie_on_the_side_of_the_boundary_they_belong_to(shape: Shape) -> None:
    for layout, low_end in ((scaled_layout(shape), SCALED.low_end), *((one, 1 << 32) for one in real_layouts(shape))):
        position = 0
        for entry in layout.ranges:
            assert position <= entry.start < entry.end
            position = entry.end
        assert [entry.start for entry in layout.usable if entry.end > low_end] == [low_end] * bool(shape.high)
        assert layout.pages * PAGE_SIZE == layout.ranges[-1].end
        assert (layout.acpi, layout.numa) == (shape.acpi, shape.numa)


def test_a_shape_has_the_pages_that_it_says() -> None:
    shape = Shape(low=230, hole=20, island=7, top=3, high=14)
    layout = scaled_layout(shape)
    usable = [(entry.start // PAGE_SIZE, entry.end // PAGE_SIZE) for entry in layout.usable]
    assert usable == [(0, 4), (8, 200), (220, 227), (1024, 1038)]
    assert [
        (entry.start // PAGE_SIZE, entry.end // PAGE_SIZE) for entry in layout.ranges if entry not in layout.usable
    ][1:] == [(200, 220), (227, 230)]
    assert shape.pages == 200 + 7 + 14


def test_real_layouts_keep_the_place_in_a_table() -> None:
    """5 pages into an L1 table of 16 are 160 pages into one of 512; one L3 entry is one L3 entry."""
    stretched, counted = real_layouts(Shape(low=256 + 16 + 5))
    assert stretched.end == (1 << 30) + (64 << 20) + 160 * PAGE_SIZE
    assert counted.end == (1 << 30) + (2 << 20) + 160 * PAGE_SIZE


def test_what_follows_the_first_range_counts_spans() -> None:
    mixed, stretched, _ = real_layouts(Shape(low=256 + 16 + 20 + 18 + 3, hole=20, island=18, top=3))
    page = 32 * PAGE_SIZE
    first = (1 << 30) + (64 << 20)
    assert [entry.end for entry in mixed.ranges[2:]] == [first, first + 20 * page, first + 38 * page, first + 41 * page]
    assert stretched.ranges[2].end == first
    assert stretched.ranges[-1].end == (1 << 30) + 3 * (64 << 20) + 9 * page


def test_the_boundary_stays_the_boundary() -> None:
    for layout in real_layouts(Shape(low=192, high=2)):
        assert layout.usable[-1].start == 1 << 32
        assert layout.end == (1 << 32) + 64 * PAGE_SIZE


def test_an_image_moves_by_as_many_spans() -> None:
    usual = real_layouts(Shape(low=192))[0]
    assert usual.image_end is None
    moved = real_layouts(Shape(low=192, image=SCALED.image.end // PAGE_SIZE + 16))[0]
    assert moved.image_end == 0x139_7000 + (2 << 20)


@pytest.mark.parametrize(
    "shape",
    [
        Shape(low=128),
        Shape(low=1100),
        Shape(low=200, hole=60, island=10),
        Shape(low=200, hole=1),
        Shape(low=200, island=1),
        Shape(low=200, high=2000),
        Shape(low=200, top=-1),
        Shape(low=200, image=40),
    ],
    ids=lambda shape: shape.name,
)
def test_what_the_machine_cannot_hold(shape: Shape) -> None:
    assert not is_held(shape)


def test_reserved_is_reserved() -> None:
    layout = scaled_layout(Shape(low=230, hole=20, island=7, top=3))
    assert {entry.type for entry in layout.ranges if entry not in layout.usable} == {MemoryType.RESERVED}
