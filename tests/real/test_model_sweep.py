"""The sweep on real kernels: what each revision does on a sample of all layouts, and that the sizes agree."""

from pathlib import Path

import pytest
from kpatch_tools.model import Verdict
from kpatch_tools.model.run import boot, load_kernel
from kpatch_tools.model.scaled import SCALED, unscaled_literals
from kpatch_tools.model.sweep import (
    Enumeration,
    Shape,
    SweepReport,
    enumerate_shapes,
    real_layouts,
    run_sweep,
    scaled_layout,
)
from kpatch_tools.tree import KernelTree

pytestmark = [pytest.mark.real, pytest.mark.slow]

SAMPLE = Enumeration(5, tuple(enumerate_shapes(5).shapes[::61]), 0)


def swept(linux_git: Path, revision: str, *, confirm: bool = False) -> SweepReport:
    tree = KernelTree.open(linux_git)
    return run_sweep(tree.at(tree.resolve(revision)), enumeration=SAMPLE, confirm=confirm)


def test_what_lacks_room_on_a_small_machine_only_is_not_confirmed(linux_git: Path) -> None:
    report = swept(linux_git, "v2.6.38", confirm=True)
    assert set(report.counts) == {Verdict.OK, Verdict.CRASH}
    (example,) = report.counterexamples
    assert example.outcome.kind == "panic"
    assert example.trials
    assert not example.confirmed
    assert not report.is_faulty


@pytest.mark.parametrize("revision", ["v2.6.39", "v3.1", "tree-3.9.6"])
def test_good_kernels_boot_on_all(linux_git: Path, revision: str) -> None:
    assert swept(linux_git, revision).counts == {Verdict.OK: len(SAMPLE.shapes)}


def test_4b239f458c2_boots_on_none(linux_git: Path) -> None:
    assert swept(linux_git, "4b239f458c2").counts == {Verdict.CRASH: len(SAMPLE.shapes)}


def test_rc5_crashes_where_a_second_table_is_behind_the_buffer(linux_git: Path) -> None:
    report = swept(linux_git, "v2.6.39-rc5", confirm=True)
    assert set(report.counts) == {Verdict.CRASH, Verdict.OK}
    (example,) = report.counterexamples
    assert (example.outcome.kind, example.outcome.stage) == ("xen-refused-pin", "map-memory")
    assert example.confirmed


def test_without_workaround_and_hook_nearly_nothing_is_left_writable(linux_git: Path) -> None:
    report = swept(linux_git, "92bdaef7b2c", confirm=True)
    assert report.counts.get(Verdict.OK, 0) < len(SAMPLE.shapes) / 4
    assert {one.outcome.kind for one in report.counterexamples} == {"left-over-read-only", "read-only-write"}
    assert all(one.confirmed for one in report.counterexamples)


def test_the_workaround_needs_acpi_or_no_second_range(linux_git: Path) -> None:
    report = swept(linux_git, "v2.6.39-rc7")
    assert set(report.counts) == {Verdict.OK, Verdict.CRASH}
    crashed = [shape for shape, outcome in zip(SAMPLE.shapes, report.outcomes, strict=True) if outcome.is_fault]
    assert crashed
    assert all(not shape.acpi or shape.high or shape.low > 256 for shape in crashed)


@pytest.mark.parametrize(
    ("revision", "shape"),
    [
        ("v2.6.39-rc5", Shape(low=245)),
        ("v2.6.39-rc5", Shape(low=280, high=90)),
        ("v2.6.39", Shape(low=280, high=90, acpi=False)),
        ("92bdaef7b2c", Shape(low=200)),
        ("v2.6.39-rc7", Shape(low=280, high=90, acpi=False)),
    ],
    ids=str,
)
def test_both_sizes_say_the_same(linux_git: Path, revision: str, shape: Shape) -> None:
    tree = KernelTree.open(linux_git)
    source = tree.at(tree.resolve(revision))
    small = boot(load_kernel(source, machine=SCALED), scaled_layout(shape))
    real = boot(load_kernel(source), real_layouts(shape)[0])
    assert (small.verdict, small.stage) == (real.verdict, real.stage)
    assert (small.fault and small.fault.kind) == (real.fault and real.fault.kind)
    if small.verdict is Verdict.OK:
        # The ranges that are mapped, each with its tables. A fault can come earlier where all memory is small.
        assert len(small.tables) == len(real.tables)


@pytest.mark.parametrize("revision", ["v2.6.32", "v2.6.36", "v2.6.39", "tree-3.3.6", "tree-3.8.13", "tree-3.9.6"])
def test_no_literal_of_the_real_machine_is_left(linux_git: Path, revision: str) -> None:
    tree = KernelTree.open(linux_git)
    kernel = load_kernel(tree.at(tree.resolve(revision)), machine=SCALED)
    boot(kernel, scaled_layout(Shape(low=300, hole=2, island=7, high=14)))
    assert unscaled_literals(kernel) == ()
