"""Trees that keep their early memory in other ways, and machines that other people's kernels died on."""

import json
from pathlib import Path

import pytest
from kpatch_tools.model import ModelRun, Verdict, layout_from_json, parse_layout, run_model
from kpatch_tools.model.boot.profile import PROFILE, with_config
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real

SMALL = "64M"
HOLE = "1200M,hole=1180M+18M"

QUOTED = {
    "name": "7.5 GiB",
    "e820": ["0-a0000 usable", "a0000-100000 reserved", "100000-1e0800000 usable"],
    "dom0_mem": "7680M",
    "image_end": "0x2c3a000",
    "acpi": False,
    "numa": True,
}
"""The guest whose log 92bdaef7b2c quotes: no ACPI, one node, and the last 8 MiB of its map without pages."""


@pytest.fixture(scope="module")
def tree(linux_git: Path) -> KernelTree:
    return KernelTree.open(linux_git)


def run(tree: KernelTree, revision: str, layout: str, **config: str | None) -> ModelRun:
    profile = with_config(PROFILE, {f"CONFIG_{name}": value for name, value in config.items()})
    source = tree.at(tree.resolve(revision))
    (found,) = run_model(source, [parse_layout(layout)], jobs=1, profile=profile)
    return found


@pytest.mark.parametrize(
    "revision", ["v2.6.32", "v2.6.33", "v2.6.35", "v2.6.36", "v2.6.37", "tree-3.3.6", "tree-3.6.0"]
)
def test_trees_before_and_after_boot_too(tree: KernelTree, revision: str) -> None:
    found = run(tree, revision, SMALL)
    assert (found.verdict, found.reason) == (Verdict.OK, "")


@pytest.mark.parametrize("revision", ["v2.6.33", "v2.6.36"])
def test_an_old_tree_boots_with_a_hole(tree: KernelTree, revision: str) -> None:
    assert run(tree, revision, HOLE).verdict is Verdict.OK


def test_a_tree_that_had_to_be_completed_says_so(tree: KernelTree) -> None:
    assert "completed" in run(tree, "tree-3.6.0", SMALL).profile
    assert "completed" not in run(tree, "tree-3.3.6", SMALL).profile


def test_without_split_page_table_locks_it_dies_in_map_vsyscall(tree: KernelTree) -> None:
    """As a real v2.6.39 with CONFIG_SMP=n does, for a reason that has nothing to do with the table buffer."""
    found = run(tree, "v2.6.39", SMALL, SMP=None)
    assert found.verdict is Verdict.CRASH
    assert found.fault is not None
    assert found.fault.stage == "vsyscall"


@pytest.mark.parametrize("revision", ["v2.6.36", "v2.6.38", "v2.6.39", "v3.1"])
def test_a_kernel_for_nodes_takes_its_own_node_data(tree: KernelTree, revision: str) -> None:
    found = run(tree, revision, SMALL, NUMA="1")
    assert (found.verdict, found.reason) == (Verdict.OK, "")
    assert any("NODE_DATA" in line for line in found.printk)


def test_bootmem_that_nothing_sets_up_is_no_verdict(tree: KernelTree) -> None:
    assert run(tree, "v2.6.36", SMALL, NO_BOOTMEM=None).verdict is Verdict.OK
    found = run(tree, "v2.6.39", SMALL, NO_BOOTMEM=None)
    assert found.verdict is Verdict.UNDETERMINED
    assert "CONFIG_NO_BOOTMEM" in found.reason


@pytest.mark.slow
@pytest.mark.parametrize("revision", ["v2.6.39-rc6", "v2.6.39-rc7", "b9269dc7bfd"])
def test_node_data_on_a_spare_page_is_the_quoted_crash(tree: KernelTree, revision: str) -> None:
    layout = layout_from_json(json.dumps(QUOTED).encode())
    (found,) = run_model(tree.at(tree.resolve(revision)), [layout], jobs=1)
    assert [(table.start, table.top) for table in found.tables] == [
        (0xFF7F_B000, 0x1_0000_0000),
        (0x1_DF0F_3000, 0x1_E000_0000),
    ]
    assert found.rw_ranges == ((0xFFFD_C000, 0x1_0000_0000),)
    assert found.verdict is Verdict.CRASH
    assert found.fault is not None
    assert (found.fault.kind, found.fault.stage) == ("read-only-write", "node-data")
    assert found.fault.pfn is not None
    assert 0x1D_FFFB <= found.fault.pfn < 0x1E_0000
