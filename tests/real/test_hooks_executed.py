"""Static and executed reading of x86's hook tables agree on the real kernel."""

from pathlib import Path

import pytest
from kpatch_tools.app.hooks_executed import execute_tables
from kpatch_tools.model import XEN
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real


def test_what_xen_changes_in_its_tables(linux_git: Path) -> None:
    tables = ("x86_init", "pv_mmu_ops")
    report = execute_tables(
        KernelTree.open(linux_git), "v2.6.39", tables=tables, installers=("xen_init_mmu_ops",), platform=XEN
    )
    figures = {table.table.name: (table.slots, dict(table.changed)) for table in report.tables}
    assert figures == {
        "x86_init": (28, {"xen_init_mmu_ops": 3}),
        "pv_mmu_ops": (42, {"xen_init_mmu_ops": 38}),
    }
    assert report.disagreements == ()


@pytest.mark.slow
@pytest.mark.parametrize("revision", ["v2.6.32", "v2.6.36", "v2.6.39", "v3.1", "tree-3.8.13", "tree-3.9.6"])
def test_every_table_of_x86_is_read_as_it_is_executed(linux_git: Path, revision: str) -> None:
    report = execute_tables(KernelTree.open(linux_git), revision, platform=XEN)
    assert report.disagreements == ()
    assert sum(len(table.compared) for table in report.tables) > 300
