"""The main job on the miniature: one answer for each point of its story, as its README promises."""

from collections.abc import Iterable

import pytest
from kpatch_tools.app.backport import BackportRequest, backport
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.app.modelling import modelling
from kpatch_tools.app.report import BackportReport
from kpatch_tools.backport import LayoutVerdict, ModelResult, Verdict
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import parse_layout
from kpatch_tools.tree import KernelTree

LAYOUTS = (parse_layout("4160M,hole=64M+4032M"), parse_layout("4160M,hole=64M+4032M,noacpi"))
"""The two cheap ones of the default layouts; together they tell all points of the story apart."""

MASK = "xen: keep the early table buffer read-only up to pgt_buf_top"
REVERT = 'Revert "xen: work around the early page tables being put high"'
SECTION = "x86, mm: native_pagetable_reserve() belongs to the init sections"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> KernelTree:
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("cache")))


def answer(tree: KernelTree, target: str, **wishes: bool) -> BackportReport:
    return backport(BackportRequest(target=target, **wishes), tree, model=modelling(lambda _: None, layouts=LAYOUTS))


@pytest.mark.parametrize(
    ("target", "outcome", "prerequisites", "code"),
    [
        ("v2.6.38", "not-affected", [], Exit.DONE),
        ("v2.6.39-rc1", "needs-prerequisite", [MASK], Exit.PERSON),
        ("v2.6.39-rc5", "needs-prerequisite", [MASK], Exit.PERSON),
        ("v2.6.39-rc6", "needs-prerequisite", [REVERT], Exit.PERSON),
        ("v2.6.39-rc7", "needs-prerequisite", [REVERT], Exit.PERSON),
        ("v2.6.39~3", "backported", [], Exit.DONE),
        ("v2.6.39~2", "already-present", [], Exit.DONE),
        ("v2.6.39", "already-present", [], Exit.DONE),
        ("v3.0", "already-present", [], Exit.DONE),
        ("v3.1", "already-present", [], Exit.DONE),
        ("v3.3", "already-present", [], Exit.DONE),
        ("v3.9", "superseded", [], Exit.DONE),
    ],
)
def test_the_answer_for_each_point_of_the_story(
    tree: KernelTree, target: str, outcome: str, prerequisites: list[str], code: Exit
) -> None:
    report = answer(tree, target)
    assert report.outcome.value == outcome
    missing = [related for related in report.answer.prerequisites if related.state == "missing"]
    assert [related.subject for related in missing] == prerequisites
    assert report.exit == code


def test_what_was_written_boots_where_the_target_does_not(tree: KernelTree) -> None:
    report = answer(tree, "v2.6.39~3")
    assert (report.answer.control.verdict, report.answer.patched.verdict) == (Verdict.CRASH, Verdict.OK)


@pytest.mark.parametrize(
    ("target", "control"), [("v2.6.39", Verdict.CRASH), ("v3.0", Verdict.CRASH), ("v3.1", Verdict.OK)]
)
def test_a_hook_that_is_there_is_tried_without(tree: KernelTree, target: str, control: Verdict) -> None:
    report = answer(tree, target)
    assert (report.answer.control.verdict, report.answer.patched.verdict) == (control, Verdict.OK)


def test_the_missing_follow_up_is_a_warning(tree: KernelTree) -> None:
    report = answer(tree, "v2.6.39~2")
    assert [(related.subject, str(related.state)) for related in report.answer.followups] == [(SECTION, "missing")]
    assert any(SECTION in warning for warning in report.warnings)


def test_forced_the_hook_takes_the_targets_names(tree: KernelTree) -> None:
    report = answer(tree, "v2.6.38", force=True)
    text = b"".join(data or b"" for data in report.changes.values())
    assert b"PFN_PHYS(e820_table_top)" in text
    assert b"pgt_buf" not in text


class _AlwaysFaults:
    """A model to which every version is broken."""

    def concerns(self, paths: Iterable[RepoPath]) -> bool:
        return True

    def run(self, source: BlobSource, *, first: tuple[str, ...] = (), until_fault: bool = False) -> ModelResult:
        return ModelResult((LayoutVerdict("512M", Verdict.CRASH, "something else"),), "")


@pytest.mark.parametrize("target", ["v2.6.38", "v3.9"])
def test_a_fault_that_the_structure_does_not_explain_is_no_clean_answer(tree: KernelTree, target: str) -> None:
    report = backport(BackportRequest(target=target), tree, model=_AlwaysFaults())
    assert report.outcome.value == "undetermined"
    assert "something else" in report.answer.reason
    assert report.exit == Exit.UNDETERMINED
