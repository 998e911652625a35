"""Which code is mutated, and what the boots of the miniature say about it."""

from pathlib import Path

import pytest
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.app.model_mutants import MutantsReport, mutate_hook
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model import parse_layout
from kpatch_tools.model.mutants import Fate, MutationRule
from kpatch_tools.tree import KernelTree

LAYOUTS = (parse_layout("64M"), parse_layout("4160M,hole=64M+4032M"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> KernelTree:
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def report(tree: KernelTree) -> MutantsReport:
    return mutate_hook(tree, "v2.6.39", LAYOUTS, progress=lambda _step: None)


def test_the_hooks_functions_assignments_and_calls_are_mutated(report: MutantsReport) -> None:
    assert {(Path(one.file).name, one.function) for one in report.places} == {
        ("init.c", "native_pagetable_reserve"),
        ("init.c", "init_memory_mapping"),
        ("mmu.c", "xen_mapping_pagetable_reserve"),
        ("mmu.c", "xen_init_mmu_ops"),
        ("x86_init.c", None),
    }


def test_a_hook_that_does_less_is_noticed(report: MutantsReport) -> None:
    fates = {(one.mutant.rule, one.mutant.before): one.fate for one in report.outcomes}
    assert fates[MutationRule.DROP, "native_pagetable_reserve(start, end);"] in (Fate.KILLED, Fate.LATENT)
    assert all(one.run is not None for one in report.outcomes if one.fate is not Fate.EQUIVALENT)
    detected = report.count(Fate.KILLED) + report.count(Fate.LATENT)
    assert detected > len(report.outcomes) / 2


def test_mutants_that_live_on_need_a_person(report: MutantsReport) -> None:
    # The default of the slot is of no account on Xen.
    living = [one.mutant for one in report.outcomes if one.fate is Fate.EQUIVALENT]
    assert any(one.file.endswith("x86_init.c") for one in living)
    assert report.exit is Exit.PERSON


def test_a_function_that_is_named_is_mutated_instead(tree: KernelTree) -> None:
    only = ("native_pagetable_reserve",)
    report = mutate_hook(tree, "v2.6.39", LAYOUTS[:1], functions=only, jobs=1, progress=lambda _step: None)
    assert {one.mutant.function for one in report.outcomes} == set(only)


@pytest.mark.parametrize(
    ("revision", "options", "code"),
    [
        ("v2.6.39", {"functions": ("no_such_function",)}, "no-such-function"),
        ("v2.6.38", {}, "hook-absent"),
        ("v2.6.39~3", {"functions": ("init_memory_mapping",)}, "revision-faults"),
        ("v2.6.39", {"hook": "none"}, "unknown-hook"),
    ],
)
def test_what_tells_nothing_is_refused(tree: KernelTree, revision: str, options: dict[str, object], code: str) -> None:
    with pytest.raises(KpatchError) as caught:
        mutate_hook(tree, revision, LAYOUTS, progress=lambda _step: None, **options)  # type: ignore[arg-type]
    assert caught.value.code == code
