"""The smallest shape that fails in the same way, found by leaving out and making smaller, one thing at a time."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from .shapes import Shape, is_held

MAX_TRIES = 200


def size_of(shape: Shape) -> tuple[int, int]:
    """What shrinking makes less of: first the number of things that are out of the ordinary, then pages."""
    plain = Shape(low=shape.low)
    unusual = sum(
        (
            bool(shape.hole),
            bool(shape.top),
            bool(shape.high),
            shape.image != plain.image,
            shape.acpi != plain.acpi,
            shape.numa != plain.numa,
        )
    )
    return unusual, shape.low + shape.high + shape.hole + shape.island + shape.top


def shrink(shape: Shape, fails: Callable[[Shape], bool], *, max_tries: int = MAX_TRIES) -> Shape:
    """A shape, at most as big as `shape`, that `fails` and of which nothing more can be taken.

    `fails(shape)` must hold; it is asked for at most `max_tries` others, all of which the scaled machine holds.
    """
    tries = 0
    asked = {shape}
    progress = True
    while progress:
        progress = False
        for smaller in _smaller(shape):
            if smaller in asked or not is_held(smaller) or size_of(smaller) >= size_of(shape):
                continue
            if tries >= max_tries:
                return shape
            tries += 1
            asked.add(smaller)
            if fails(smaller):
                shape, progress = smaller, True
                break
    return shape


def _smaller(shape: Shape) -> Iterator[Shape]:
    """Shapes with one thing less, the boldest first."""
    plain = Shape(low=shape.low)
    if shape.hole:
        yield replace(shape, hole=0, island=0)
        yield replace(shape, hole=0, island=0, low=shape.low - shape.hole)
    yield replace(shape, top=0)
    yield replace(shape, top=0, low=shape.low - shape.top)
    yield replace(shape, high=0)
    yield replace(shape, image=plain.image)
    yield replace(shape, acpi=plain.acpi)
    yield replace(shape, numa=plain.numa)
    for step in (128, 64, 32, 16, 8, 4, 2, 1):
        yield replace(shape, low=shape.low - step)
        if shape.hole:
            yield replace(shape, hole=max(shape.hole - step, 1), low=shape.low - min(step, shape.hole - 1))
            yield replace(shape, island=max(shape.island - step, 1), low=shape.low - min(step, shape.island - 1))
        if shape.top > step:
            yield replace(shape, top=shape.top - step, low=shape.low - step)
        if shape.high > step:
            yield replace(shape, high=shape.high - step)
