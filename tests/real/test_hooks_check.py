"""The rules about hook tables on a real kernel: what they find, and what they leave alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, is_below
from kpatch_tools.hooks import open_index
from kpatch_tools.hooks.completeness.catalogue import check_tables
from kpatch_tools.hooks.completeness.finding import Flaw
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real

SCOPE = ("arch/x86", "drivers/iommu", "drivers/pci", "drivers/xen")


@dataclass(frozen=True)
class Below:
    """The files of another source at or below some folders."""

    whole: BlobSource
    scope: tuple[str, ...]

    def read(self, path: RepoPath) -> bytes | None:
        return self.whole.read(path) if is_below(path, self.scope) else None

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        return (path for path in self.whole.paths(*self.scope) if is_below(path, prefixes))


@pytest.fixture(scope="module")
def flaws(linux_git: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Flaw, ...]:
    kernel = KernelTree.open(linux_git)
    source = kernel.at(kernel.resolve("v2.6.39"))
    facts = open_index(tmp_path_factory.mktemp("index")).at(source, scope=SCOPE)
    return check_tables(facts, Below(source, SCOPE))


def test_a_slot_that_history_removed_as_unused_is_found(flaws: tuple[Flaw, ...]) -> None:
    """449a66fd1fa7 "x86: Remove warning and warning_symbol from struct stacktrace_ops", in v3.1."""
    found = [flaw for flaw in flaws if flaw.slot == "warning_symbol"]
    assert [(flaw.rule.id, flaw.location.file) for flaw in found] == [
        ("never-called", "arch/x86/include/asm/stacktrace.h")
    ]


def test_x86_init_is_sound(flaws: tuple[Flaw, ...]) -> None:
    assert [flaw.message for flaw in flaws if "x86_init" in flaw.type] == []
