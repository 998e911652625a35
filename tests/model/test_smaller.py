"""Smaller machines of a failing one's kind, and the search among them."""

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model import Fault, Layout, ModelRun, Verdict, layout_from_json, parse_layout
from kpatch_tools.model.smaller import find_smallest, ram, smaller_layouts

FAULT = Fault("xen-refused-pin", "", "map-memory")


@pytest.mark.parametrize(
    "text",
    ["512M", "1200M,hole=1180M+18M", "4160M,hole=64M+4032M,noacpi", "5120M", "3072M,numa", "2048M,hole=1500M+10M"],
)
def test_all_are_smaller_ascending_distinct_and_spelled(text: str) -> None:
    layout = parse_layout(text)
    found = smaller_layouts(layout)
    sizes = [ram(one) for one in found]
    assert sizes == sorted(sizes)
    assert all(size < ram(layout) for size in sizes)
    assert len({one.name for one in found}) == len(found)
    for one in found:
        assert parse_layout(one.name).ranges == one.ranges
        assert (one.acpi, one.numa) == (layout.acpi, layout.numa)


def test_a_hole_stays_a_hole_and_memory_above_4_gib_stays() -> None:
    assert any("hole=" in one.name for one in smaller_layouts(parse_layout("1200M,hole=1180M+18M")))
    assert any(one.end > 4 << 30 for one in smaller_layouts(parse_layout("5120M")))


def test_a_recorded_map_has_smaller_ones_too() -> None:
    layout = layout_from_json(b'{"e820": ["0-9f000 usable", "100000-50000000 usable", "100000000-180000000 usable"]}')
    assert smaller_layouts(layout)


def test_the_smallest_machine_has_no_smaller_one() -> None:
    layout = parse_layout("64M")
    assert smaller_layouts(layout) == ()
    assert find_smallest(layout, FAULT, lambda _layout: pytest.fail("nothing to try")).layout == layout


def failing_from(size: int, *, kind: str = "xen-refused-pin") -> object:
    def boot(layout: Layout) -> ModelRun:
        if ram(layout) < size:
            return ModelRun(layout=layout, verdict=Verdict.OK)
        return ModelRun(layout=layout, verdict=Verdict.CRASH, fault=Fault(kind, "", "map-memory"))

    return boot


def test_the_search_ends_with_the_first_that_fails_alike() -> None:
    layout = parse_layout("1200M,hole=1180M+18M")
    found = find_smallest(layout, FAULT, failing_from(500 << 20))  # type: ignore[arg-type]
    assert [one.same for one in found.attempts] == [False] * (len(found.attempts) - 1) + [True]
    assert found.layout == found.attempts[-1].layout
    assert ram(found.layout) >= 500 << 20


def test_another_fault_is_not_the_same() -> None:
    layout = parse_layout("1200M,hole=1180M+18M")
    found = find_smallest(layout, FAULT, failing_from(0, kind="panic"))  # type: ignore[arg-type]
    assert found.layout == layout
    assert {one.kind for one in found.attempts} == {"panic"}


def test_a_machine_that_the_kernel_does_not_fit_into_is_no_attempt() -> None:
    def boot(_layout: Layout) -> ModelRun:
        raise KpatchError("bad-layout", "no room")

    assert find_smallest(parse_layout("512M"), FAULT, boot).attempts == ()
