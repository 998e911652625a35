"""Properties over layouts: the fixed miniature boots on whatever a small machine may look like, and is repeatable."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kpatch_tools.model import Layout, Verdict
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.layouts import MIB, PAGE_SIZE, MemoryRange, MemoryType
from kpatch_tools.model.run import boot

PAGES = st.integers(1, 4096)
LIMITED = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """64 to 128 MiB with up to two holes, page by page, and perhaps a piece above 4 GiB that has no pages."""
    ranges = [MemoryRange(0, 0x9F000), MemoryRange(0x9F000, MIB, MemoryType.RESERVED)]
    position = MIB
    start = 52 * MIB
    for _ in range(draw(st.integers(0, 2))):
        start += draw(PAGES) * PAGE_SIZE
        end = start + draw(PAGES) * PAGE_SIZE
        ranges += [MemoryRange(position, start), MemoryRange(start, end, MemoryType.RESERVED)]
        position = start = end
    end = start + draw(PAGES) * PAGE_SIZE
    ranges.append(MemoryRange(position, end))
    if draw(st.booleans()):
        ranges.append(MemoryRange(4 << 30, (4 << 30) + draw(PAGES) * PAGE_SIZE))
    return Layout(name="drawn", ranges=tuple(ranges), pages=end // PAGE_SIZE, acpi=draw(st.booleans()))


@LIMITED
@given(layout=layouts())
def test_a_good_kernel_boots_on_any_machine(kernel: Guest, layout: Layout) -> None:
    run = boot(kernel, layout)
    assert (run.verdict, run.reason) == (Verdict.OK, "")
    for table in run.tables:
        assert table.start <= table.end <= table.top
        assert not table.leaked
    assert [(table.end, table.top) for table in run.tables if table.end < table.top] == list(run.rw_ranges)


@LIMITED
@given(layout=layouts())
def test_a_boot_is_repeatable(kernel: Guest, layout: Layout) -> None:
    assert boot(kernel, layout) == boot(kernel, layout)
