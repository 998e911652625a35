"""The explanation of the real kernels' failures."""

from pathlib import Path

import pytest
from kpatch_tools.app.explain_page import explain_page
from kpatch_tools.app.model_explain import ExplainReport, explain
from kpatch_tools.model import Verdict, parse_layout
from kpatch_tools.tree import KernelTree

pytestmark = [pytest.mark.real, pytest.mark.slow]


def explained(linux_git: Path, revision: str, text: str, *, hook: str | None = None) -> ExplainReport:
    return explain(KernelTree.open(linux_git), revision, parse_layout(text), hook=hook, progress=lambda _text: None)


def test_rc5_hands_out_a_page_that_it_has_mapped_writable(linux_git: Path) -> None:
    (side,) = explained(linux_git, "v2.6.39-rc5", "1200M,hole=1180M+18M").sides
    fault = side.history.run.fault
    assert fault is not None
    assert (fault.kind, fault.stage) == ("xen-refused-pin", "map-memory")
    assert fault.operation == f"mmuext_op(MMUEXT_PIN_L1_TABLE, {fault.mfn:#x})"
    assert fault.buffer is not None
    assert fault.pfn == fault.buffer.end - 1
    (mapping,) = fault.mappings
    assert mapping.writable
    assert mapping.va is None
    last = mapping.writes[-1]
    assert last.buffer is not None
    assert last.buffer.end == fault.pfn
    assert "phys_pte_init" in [call.function for call in last.chain]
    assert side.smallest is not None
    assert side.smallest.layout.name != "1200M,hole=1180M+18M"


def test_the_hook_gives_the_spare_pages_back(linux_git: Path) -> None:
    report = explained(linux_git, "92bdaef7b2c", "1200M,hole=1180M+18M", hook="pagetable_reserve")
    without, with_hook = (side.history for side in report.sides)
    assert [without.run.verdict, with_hook.run.verdict] == [Verdict.RO_LEFT_OVER, Verdict.OK]
    assert "writable" in [moment.kind for moment in with_hook.moments]
    assert "writable" not in [moment.kind for moment in without.moments]
    text = explain_page(report).decode()
    assert "without being made writable" in text


@pytest.mark.parametrize("revision", ["v2.6.38", "v3.1", "tree-3.9.6"])
def test_trees_of_other_schemes_have_a_history(linux_git: Path, revision: str) -> None:
    (side,) = explained(linux_git, revision, "64M").sides
    assert side.history.run.verdict is Verdict.OK
    assert any(moment.kind == "tables" and moment.stage == "map-memory" for moment in side.history.moments)
    assert explain_page(explained(linux_git, revision, "64M")) == explain_page(explained(linux_git, revision, "64M"))
