"""The sweep on the miniature: counts, counterexamples, resuming, and what two processes change (nothing)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import Verdict
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.run import boot, boot_alike, load_kernel
from kpatch_tools.model.scaled import SCALED
from kpatch_tools.model.sweep import (
    Counterexample,
    Enumeration,
    Journal,
    Outcome,
    RealTrial,
    Shape,
    SweepReport,
    enumerate_shapes,
    real_layouts,
    run_sweep,
    scaled_layout,
)
from kpatch_tools.model.sweep.booting import Booting
from kpatch_tools.model.sweep.outcome import outcome_of

Miniature = Callable[[str], BlobSource]
Edited = Callable[[BlobSource, Mapping[str, tuple[str, str]]], BlobSource]

USUAL = [shape for shape in enumerate_shapes(2).shapes if shape.image == SCALED.image.end >> 12]
FEW = USUAL[::29]
SAMPLE = Enumeration(2, tuple(enumerate_shapes(2).shapes[::41]), 0)


@pytest.fixture(scope="module")
def fixed(miniature: Miniature) -> Guest:
    return load_kernel(miniature("13"), machine=SCALED)


@pytest.fixture(scope="module")
def broken(miniature: Miniature) -> Guest:
    """Without workaround and hook: spare pages stay read-only."""
    return load_kernel(miniature("12"), machine=SCALED)


def outcomes(booting: Booting, shapes: list[Shape]) -> list[Outcome]:
    found = dict(booting.each(shapes))
    return [found[index] for index in range(len(shapes))]


@pytest.mark.parametrize("jobs", [1, 2])
def test_as_many_processes_as_one_likes(broken: Guest, jobs: int) -> None:
    expected = [outcome_of(boot(broken, scaled_layout(shape))) for shape in FEW]
    assert {outcome.verdict for outcome in expected} >= {Verdict.CRASH}
    assert outcomes(Booting({None: broken}, jobs), FEW) == expected


@pytest.mark.parametrize("shape", FEW[::3], ids=lambda shape: shape.name)
def test_scenarios_that_share_a_beginning_end_as_they_do_alone(broken: Guest, fixed: Guest, shape: Shape) -> None:
    layouts = [scaled_layout(replace(shape, acpi=acpi, numa=numa)) for acpi in (True, False) for numa in (False, True)]
    for kernel in (broken, fixed):
        assert boot_alike(kernel, layouts) == tuple(boot(kernel, layout) for layout in layouts)


def test_what_the_journal_has_is_not_booted(broken: Guest, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "sweep.jsonl")
    first = outcomes(Booting({None: broken}, 2, journal), FEW[:6])
    lie = Outcome(Verdict.LEAK, "told-so")
    key = next(iter(journal.read()))
    journal.append({key: lie})
    again = Booting({None: broken}, 2, journal, journal.read())
    assert sorted(map(repr, outcomes(again, FEW[:6]))) != sorted(map(repr, first))
    assert lie in outcomes(again, FEW[:6])
    assert outcomes(again, FEW)[6:] == [outcome_of(boot(broken, scaled_layout(shape))) for shape in FEW[6:]]


def test_another_kernels_results_are_not_taken(broken: Guest, fixed: Guest, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "sweep.jsonl")
    outcomes(Booting({None: broken}, 1, journal), FEW[:4])
    other = Booting({None: fixed}, 1, journal, journal.read())
    assert {outcome.verdict for outcome in outcomes(other, FEW[:4])} == {Verdict.OK}


def test_stopped_and_resumed(broken: Guest, tmp_path: Path) -> None:
    """Whoever stops listening keeps what was yielded; the rest comes with the next run, and all is the same."""
    journal = Journal(tmp_path / "sweep.jsonl")
    running = Booting({None: broken}, 2, journal).each(USUAL[:60])
    for _ in range(26):
        next(running)
    assert isinstance(running, Iterator)
    running.close()  # type: ignore[attr-defined]
    kept = journal.read()
    assert 26 <= len(kept) < 60
    resumed = Booting({None: broken}, 2, journal, kept)
    assert outcomes(resumed, USUAL[:60]) == [outcome_of(boot(broken, scaled_layout(shape))) for shape in USUAL[:60]]
    assert len(journal.read()) == 60


def test_the_first_fault_ends_it(broken: Guest) -> None:
    found = dict(Booting({None: broken}, 2).each(USUAL, until_fault=True))
    assert any(outcome.is_fault for outcome in found.values())
    assert len(found) < len(USUAL)


@pytest.fixture(scope="module")
def swept(miniature: Miniature) -> SweepReport:
    return run_sweep(miniature("12"), enumeration=SAMPLE)


def test_every_layout_is_counted_and_every_class_has_one_counterexample(swept: SweepReport) -> None:
    assert sum(swept.counts.values()) == len(swept.outcomes) == len(SAMPLE.shapes)
    classes = {outcome.fault_class for outcome in swept.outcomes if outcome.is_fault}
    assert [one.outcome.fault_class for one in swept.counterexamples] == list(
        dict.fromkeys(outcome.fault_class for outcome in swept.outcomes if outcome.is_fault)
    )
    assert len(classes) == len(swept.counterexamples) > 1
    assert sum(one.shapes for one in swept.counterexamples) == sum(outcome.is_fault for outcome in swept.outcomes)


def test_counterexamples_fail_and_are_confirmed(swept: SweepReport, broken: Guest) -> None:
    for one in swept.counterexamples:
        assert outcome_of(boot(broken, scaled_layout(one.smallest))) == one.outcome
    assert any(one.confirmed for one in swept.counterexamples)
    assert all(one.trials for one in swept.counterexamples)


def test_the_rate_is_that_of_what_was_booted(miniature: Miniature, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "sweep.jsonl")
    ticks = iter(range(100_000))
    first = run_sweep(miniature("13"), enumeration=SAMPLE, journal=journal, clock=lambda: float(next(ticks)))
    assert first.counts == {Verdict.OK: len(first.outcomes)}
    assert first.booted == len(first.outcomes)
    assert first.rate > 0
    again = run_sweep(miniature("13"), enumeration=SAMPLE, journal=journal, resume=True, clock=lambda: 0.0)
    assert (again.booted, again.remembered, again.rate) == (0, first.booted, 0.0)
    assert again.outcomes == first.outcomes


def test_a_literal_of_the_real_machine_in_code_that_runs_is_undetermined(miniature: Miniature, edited: Edited) -> None:
    path = "arch/x86/mm/init.c"
    source = edited(
        miniature("13"), {path: ("roundup(entries * sizeof(pteval_t)", "roundup((end >> 21) * sizeof(pteval_t)")}
    )
    report = run_sweep(source, enumeration=SAMPLE)
    assert set(report.counts) == {Verdict.UNDETERMINED}
    assert "level_bytes: >> 21" in report.reason
    elsewhere = edited(
        miniature("13"), {path: ("int after_bootmem;", "int after_bootmem;\nint never(void) { return 1 >> 21; }")}
    )
    assert set(run_sweep(elsewhere, enumeration=SAMPLE, confirm=False).counts) == {Verdict.OK}


def test_a_tree_that_cannot_be_scaled_is_undetermined(miniature: Miniature, edited: Edited) -> None:
    path = "arch/x86/include/asm/pgtable_types.h"
    source = edited(miniature("13"), {path: ("#define PMD_SHIFT	21", "enum { PMD_SHIFT = 21 };")})
    report = run_sweep(source, enumeration=SAMPLE)
    assert set(report.counts) == {Verdict.UNDETERMINED}
    assert "PMD_SHIFT" in report.reason
    assert report.booted == 0


@pytest.mark.parametrize(
    ("trials", "faulty"),
    [
        ((), True),
        ((Outcome(Verdict.OK),), False),
        ((Outcome(Verdict.OK), Outcome(Verdict.CRASH, "panic")), True),
        ((Outcome(Verdict.OK), Outcome(Verdict.LEAK)), True),
        ((Outcome(Verdict.UNDETERMINED),), True),
    ],
    ids=["not tried", "good at real size", "confirmed", "another fault at real size", "undetermined at real size"],
)
def test_what_fails_only_where_all_is_small_is_no_fault(trials: tuple[Outcome, ...], faulty: bool) -> None:
    outcome = Outcome(Verdict.CRASH, "panic")
    shape = SAMPLE.shapes[0]
    tried = tuple(RealTrial(real_layouts(shape)[0], one) for one in trials)
    example = Counterexample(outcome, 1, shape, shape, tried)
    report = SweepReport(
        machine=SCALED, enumeration=Enumeration(1, (shape,), 0), outcomes=(outcome,), counterexamples=(example,)
    )
    assert report.is_faulty is faulty
