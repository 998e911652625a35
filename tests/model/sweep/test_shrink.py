"""Shrinking: what is left fails, and nothing more can be taken from it."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from kpatch_tools.model.sweep.enumeration import enumerate_shapes
from kpatch_tools.model.sweep.shapes import Shape, is_held
from kpatch_tools.model.sweep.shrink import shrink, size_of

SHAPES = enumerate_shapes(3).shapes
Predicate = Callable[[Shape], bool]


@st.composite
def predicates(draw: st.DrawFn) -> Predicate:
    """A failure that depends on a few things only, as real ones do."""
    low = draw(st.integers(150, 300))
    hole, high = draw(st.integers(0, 20)), draw(st.integers(0, 40))
    acpi = draw(st.sampled_from([None, False]))
    numa = draw(st.sampled_from([None, True]))

    def fails(shape: Shape) -> bool:
        return (
            shape.low >= low
            and shape.hole >= hole
            and shape.high >= high
            and (acpi is None or shape.acpi is acpi)
            and (numa is None or shape.numa is numa)
        )

    return fails


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SHAPES), predicates())
def test_the_result_fails_is_held_and_is_no_bigger(shape: Shape, fails: Predicate) -> None:
    if not fails(shape):
        return
    smallest = shrink(shape, fails)
    assert fails(smallest)
    assert is_held(smallest)
    assert size_of(smallest) <= size_of(shape)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SHAPES), predicates())
def test_shrinking_again_changes_nothing(shape: Shape, fails: Predicate) -> None:
    if not fails(shape):
        return
    smallest = shrink(shape, fails, max_tries=10_000)
    assert shrink(smallest, fails, max_tries=10_000) == smallest


def test_what_does_not_matter_goes() -> None:
    shape = next(
        shape
        for shape in SHAPES
        if shape.hole == 20 and shape.top and shape.high == 90 and not shape.acpi and shape.numa and shape.image > 110
    )
    assert size_of(shape)[0] == 6
    smallest = shrink(shape, lambda shape: shape.high >= 3)
    assert size_of(smallest)[0] == 1
    assert smallest.high == 3
    assert smallest.acpi
    assert not smallest.numa
    assert not is_held(Shape(low=smallest.low - 1, high=3))


def test_the_number_of_tries_is_bounded() -> None:
    asked: list[Shape] = []

    def fails(shape: Shape) -> bool:
        asked.append(shape)
        return True

    shrink(SHAPES[-1], fails, max_tries=5)
    assert len(asked) == 5
    assert len(set(asked)) == 5
