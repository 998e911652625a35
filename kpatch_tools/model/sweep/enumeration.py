"""All layouts of the scaled machine up to a bound."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from kpatch_tools.model.layouts import PAGE_SIZE, Layout
from kpatch_tools.model.scaled import SCALED, SPAN

from .shapes import Shape, is_held, scaled_layout

DEFAULT_BOUND = 5
MAX_BOUND = 8
"""With more, RAM below the boundary would not end there."""

_SPAN = SPAN // PAGE_SIZE
_FIRST_END = 15 * _SPAN
"""The least end of the first range that is tried: more than the kernel and Xen map before init_memory_mapping (12 or 14
spans here, a small part of any memory really), so that tables are needed."""
_STEP = 2 * _SPAN
_INTO_SPAN = (0, 5)
"""Where in an L1 table's span the first range ends: with it, or inside."""
_HOLES = ((0, 0), (1, 1), (20, 1), (1, 7), (20, 7), (1, 18), (20, 18))
"""(pages of the hole, pages of RAM above it): none; a page or more than a table's span; above it a single page, less
than a span, more than one."""
_TOPS = (0, 3)
_HIGHS = (0, 2, 14, 90)
"""RAM above the boundary: none; less than the least allocation; less than a span; room for tables of all memory."""
_IMAGES = (SCALED.image.end // PAGE_SIZE, SCALED.image.end // PAGE_SIZE + _SPAN)


@dataclass(frozen=True, slots=True)
class Enumeration:
    """The layouts of one bound, in order of growing size: `shapes`, and `left_out` that the machine cannot hold."""

    bound: int
    shapes: tuple[Shape, ...]
    left_out: int

    def __str__(self) -> str:
        last = _FIRST_END + (self.bound - 1) * _STEP + max(_INTO_SPAN)
        return (
            f"{len(self.shapes)} layouts: the first range of RAM ends at {_FIRST_END} to {last} pages in "
            f"{2 * self.bound} places, {len(_HOLES)} holes (none included), {len(_TOPS)} reserved tops, "
            f"{len(_HIGHS)} sizes above the boundary, {len(_IMAGES)} kernel images, with and "
            f"without ACPI, with and without node data "
            f"({self.left_out} that the machine cannot hold are left out)"
        )


def enumerate_shapes(bound: int = DEFAULT_BOUND) -> Enumeration:
    """All shapes whose first range of RAM ends in one of the first `bound` steps of two table spans.

    The same sequence each time; that of a smaller bound is a part of it. Raises ValueError for a bound outside
    1..MAX_BOUND.
    """
    if not 1 <= bound <= MAX_BOUND:
        raise ValueError(f"a bound is a number from 1 to {MAX_BOUND}, not {bound}")
    held: list[Shape] = []
    left_out = 0
    for shape in _all(bound):
        if is_held(shape):
            held.append(shape)
        else:
            left_out += 1
    return Enumeration(bound, tuple(held), left_out)


def scaled_layouts(bound: int = DEFAULT_BOUND) -> tuple[Layout, ...]:
    """`enumerate_shapes` as layouts for `load_kernel(source, layout.image_end, machine=SCALED)`."""
    return tuple(scaled_layout(shape) for shape in enumerate_shapes(bound).shapes)


def _all(bound: int) -> Iterator[Shape]:
    for step, into in product(range(bound), _INTO_SPAN):
        first = _FIRST_END + step * _STEP + into
        choices = product(_HIGHS, _HOLES, _TOPS, _IMAGES, (True, False), (False, True))
        for high, (hole, island), top, image, acpi, numa in choices:
            low = first + hole + island + top
            yield Shape(low=low, hole=hole, island=island, top=top, high=high, image=image, acpi=acpi, numa=numa)
