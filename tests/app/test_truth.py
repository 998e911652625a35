"""Recorded boots against the model: kernels are made in memory, counted, and exit as promised."""

import pytest
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.app.truth import TruthReport, check_truth, kernel_source
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.model import ModelRun, Verdict, parse_layout, run_model
from kpatch_tools.model.truth import Agreement, Comparison, Edit, KernelSpec, RealBoot, compare
from kpatch_tools.tree import KernelTree

MMU = RepoPath("arch/x86/xen/mmu.c")
LAYOUT = parse_layout("64M")
FIXED = KernelSpec(commit="v2.6.39")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> KernelTree:
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="module")
def real(tree: KernelTree) -> ModelRun:
    """What the fixed miniature does; the records below say that a machine did it."""
    (run,) = run_model(tree.at("v2.6.39"), [LAYOUT])
    return run


def boot_of(real: ModelRun, name: str, kernel: KernelSpec = FIXED, *, crashed: bool = False) -> RealBoot:
    return RealBoot(
        id=name,
        kernel=kernel,
        layout=LAYOUT,
        crashed=crashed,
        tables=tuple((table.start, table.top) for table in real.tables),
        writable=real.rw_ranges,
    )


def test_each_record_is_compared_in_its_place(tree: KernelTree, real: ModelRun) -> None:
    boots = [
        boot_of(real, "agrees"),
        boot_of(real, "differs", crashed=True),
        boot_of(real, "in words", KernelSpec(commit="v2.6.39", by_hand="a printk moved")),
        boot_of(real, "no such commit", KernelSpec(commit="v9.9")),
    ]
    said: list[str] = []
    report = check_truth(tree, boots, progress=said.append)
    assert [one.boot.id for one in report.comparisons] == [boot.id for boot in boots]
    assert [one.state.value for one in report.comparisons] == ["agree", "disagree", "undetermined", "undetermined"]
    assert "a printk moved" in report.comparisons[2].why[0]
    assert "v9.9" in report.comparisons[3].why[0]
    assert report.confusion == {
        "boots": {Verdict.OK: 1, Verdict.UNDETERMINED: 2},
        "crash": {Verdict.OK: 1},
    }
    assert report.exit is Exit.PERSON
    assert len(said) == len(boots)


def test_processes_and_one_process_say_the_same(tree: KernelTree, real: ModelRun) -> None:
    boots = [boot_of(real, "a"), boot_of(real, "b", KernelSpec(commit="v3.0")), boot_of(real, "c")]
    alone, together = check_truth(tree, boots, jobs=1), check_truth(tree, boots, jobs=2)
    assert [one.state for one in alone.comparisons] == [one.state for one in together.comparisons]


def compared(real: ModelRun, name: str, state: Agreement) -> Comparison:
    verdict = {Agreement.AGREE: Verdict.OK, Agreement.UNDETERMINED: Verdict.UNDETERMINED}.get(state, Verdict.CRASH)
    run = ModelRun(layout=LAYOUT, verdict=verdict, tables=real.tables, rw_ranges=real.rw_ranges)
    return compare(boot_of(real, name), run)


@pytest.mark.parametrize(
    ("states", "allowed", "expected", "noted"),
    [
        ((Agreement.AGREE,), (), Exit.DONE, ()),
        ((Agreement.AGREE, Agreement.UNDETERMINED), (), Exit.UNDETERMINED, ()),
        ((Agreement.AGREE, Agreement.UNDETERMINED), ("1",), Exit.DONE, ()),
        ((Agreement.AGREE, Agreement.UNDETERMINED), ("0",), Exit.UNDETERMINED, ("0",)),
        ((Agreement.DISAGREE, Agreement.UNDETERMINED), ("0", "1"), Exit.PERSON, ("0",)),
        ((Agreement.AGREE,), ("0", "absent"), Exit.DONE, ("0", "absent")),
        ((), (), Exit.UNDETERMINED, ()),
    ],
)
def test_only_what_is_allowed_may_be_undetermined(
    real: ModelRun, states: tuple[Agreement, ...], allowed: tuple[str, ...], expected: Exit, noted: tuple[str, ...]
) -> None:
    comparisons = tuple(compared(real, str(number), state) for number, state in enumerate(states))
    report = TruthReport(comparisons, frozenset(allowed))
    assert (report.exit, report.not_undetermined) == (expected, noted)


def test_a_commit_is_taken_out_and_picked_again(tree: KernelTree) -> None:
    tip = tree.resolve("v2.6.39").oid
    before = kernel_source(tree, KernelSpec(commit="v2.6.39~1"))
    changed = [change.path for change in tree.changes(tip)]
    reverted = kernel_source(tree, KernelSpec(commit="v2.6.39", reverts=(tip,)))
    picked = kernel_source(tree, KernelSpec(commit="v2.6.39~1", picks=(tip,)))
    assert changed
    for path in changed:
        assert reverted.read(path) == before.read(path)
        assert picked.read(path) == tree.at(tip).read(path)


def test_an_edit_is_made_once_and_only_in_its_function(tree: KernelTree) -> None:
    edit = Edit(MMU, "xen_mapping_pagetable_reserve", "end += PAGE_SIZE", "end += 2 * PAGE_SIZE")
    text = tree.at("v2.6.39").read(MMU)
    edited = kernel_source(tree, KernelSpec(commit="v2.6.39", edits=(edit,))).read(MMU)
    assert text is not None
    assert edited is not None
    assert len(edited) == len(text) + len("2 * ")
    assert edited.count(b"2 * PAGE_SIZE") == text.count(b"2 * PAGE_SIZE") + 1


@pytest.mark.parametrize(
    "edit",
    [
        Edit(MMU, "xen_mapping_pagetable_reserve", "no such text", ""),
        Edit(MMU, "no_such_function", "PAGE_SIZE", ""),
        Edit(MMU, "", "PAGE_SIZE", ""),
        Edit(RepoPath("no/such/file.c"), "f", "x", ""),
    ],
)
def test_an_edit_that_fits_nowhere_or_twice_makes_no_kernel(tree: KernelTree, edit: Edit) -> None:
    with pytest.raises(KpatchError) as caught:
        kernel_source(tree, KernelSpec(commit="v2.6.39", edits=(edit,)))
    assert caught.value.code == "edit-does-not-apply"


def test_configuration_reaches_the_kernel(tree: KernelTree, real: ModelRun) -> None:
    kernel = KernelSpec(commit="v2.6.39", config=(("CONFIG_NR_CPUS", "2"),))
    report = check_truth(tree, [boot_of(real, "few", kernel)])
    assert "CONFIG_NR_CPUS = 2" in report.comparisons[0].run.profile
