"""The map of all tables against the reader of one table, on the real history."""

from pathlib import Path

import pytest
from kpatch_tools.hooks import find_hook_tables, open_index, read_type
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real

SCOPE = ("arch/x86", "drivers/iommu", "drivers/pci", "drivers/xen")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("index")


@pytest.mark.parametrize("revision", ["v2.6.32", "v2.6.39", "v3.1"])
def test_x86_init_is_read_as_by_itself(linux_git: Path, folder: Path, revision: str) -> None:
    kernel = KernelTree.open(linux_git)
    source = kernel.at(kernel.resolve(revision))
    (alone,) = find_hook_tables(source, table="x86_init", scope=SCOPE).tables
    (reading,) = read_type(open_index(folder).at(source, scope=SCOPE), "x86_init")
    assert [slot.slot.path for slot in reading.slots] == [slot.path for slot in alone.slots]
    for mine, other in zip(reading.slots, alone.slots, strict=True):
        assert mine.slot.signature == other.signature
        for puts, references in ((mine.defaults, other.defaults), (mine.overrides, other.overrides)):
            assert {(put.value, put.location) for put in puts} == {
                (item.function, item.location) for item in references
            }
        assert {call.location for call in mine.calls} == set(other.call_sites)
    assert not reading.unread
