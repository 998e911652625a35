"""The text's hook tables against the executed ones, on the miniature and on small changes of it."""

import pytest
from kpatch_tools.app.hooks_executed import Reading, execute_tables
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import Overlay
from kpatch_tools.model import XEN, get_platform
from kpatch_tools.model.installed import execute_installers
from kpatch_tools.tree import KernelTree

MMU = RepoPath("arch/x86/xen/mmu.c")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> KernelTree:
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("executed")))


def test_text_and_memory_agree(tree: KernelTree) -> None:
    report = execute_tables(tree, "v2.6.39", tables=("x86_init",), installers=("xen_init_mmu_ops",), platform=XEN)
    (table,) = report.tables
    assert (table.slots, table.changed, table.other) == (10, (("xen_init_mmu_ops", 3),), ())
    assert {one.reading for one in table.compared} == {Reading.AGREE}
    assert {one.executed for one in table.compared if one.installer} == {
        "xen_mapping_pagetable_reserve",
        "xen_pagetable_setup_start",
        "xen_pagetable_setup_done",
    }
    assert (report.exit, report.executions.not_compiled) == (0, ())


def test_a_run_that_stops_says_where_and_keeps_what_was_done(tree: KernelTree) -> None:
    source = tree.at("v2.6.39")
    text = source.read(MMU)
    assert text is not None
    stop = b"\tx86_init.paging.pagetable_setup_start = xen_pagetable_setup_start;"
    changed = Overlay(source, {MMU: text.replace(stop, b'\tasm volatile("hlt");\n' + stop)})
    executions = execute_installers(changed, {"xen_init_mmu_ops": MMU}, ["x86_init"], platform=XEN)
    (run,) = executions.runs
    assert run.stopped.startswith(f"{MMU}:")
    assert "assembly" in run.stopped
    assert [slot.path for slot in run.tables[0].slots if slot.changed] == ["mapping.pagetable_reserve"]
    assert run.line == text[: text.index(stop)].count(b"\n") + 1


def test_a_function_of_another_file_or_with_arguments_is_not_run(tree: KernelTree) -> None:
    executions = execute_installers(
        tree.at("v2.6.39"),
        {"xen_init_mmu_ops": RepoPath("arch/x86/mm/init.c"), "init_memory_mapping": RepoPath("arch/x86/mm/init.c")},
        ["x86_init", "no_such_table"],
        platform=XEN,
    )
    assert executions.runs == ()
    assert executions.not_compiled == ("xen_init_mmu_ops", "init_memory_mapping")
    assert executions.left_out == ("no_such_table",)


def test_without_xen_its_set_up_is_not_compiled(tree: KernelTree) -> None:
    native = get_platform("native")
    report = execute_tables(tree, "v2.6.39", tables=("x86_init",), platform=native)
    assert "xen_init_mmu_ops" in report.executions.not_compiled
    assert report.exit == 0


@pytest.mark.parametrize(
    ("tables", "installers", "code"),
    [(("x86_iniit",), (), "no-such-table"), (("x86_init",), ("start_kernel",), "no-such-function")],
)
def test_unknown_names_are_refused(
    tree: KernelTree, tables: tuple[str, ...], installers: tuple[str, ...], code: str
) -> None:
    with pytest.raises(KpatchError) as raised:
        execute_tables(tree, "v2.6.39", tables=tables, installers=installers, platform=XEN)
    assert raised.value.code == code
