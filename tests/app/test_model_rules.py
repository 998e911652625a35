"""What exercises Xen's rules: cases, and boots of the miniature."""

from dataclasses import replace

import pytest
from kpatch_tools.app.exits import Exit
from kpatch_tools.app.miniature import build_miniature
from kpatch_tools.app.model_rules import BootUse, RulesReport, rules_of_model
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model import Verdict, parse_layout
from kpatch_tools.model.truth import KernelSpec, RealBoot
from kpatch_tools.model.xen import RULES, RuleId
from kpatch_tools.model.xen.cases import Answer
from kpatch_tools.tree import KernelTree

SMALL = parse_layout("64M")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> KernelTree:
    return KernelTree.open(build_miniature(tmp_path_factory.mktemp("rules")))


def no_tree() -> KernelTree:
    raise AssertionError("no tree is needed")


@pytest.fixture(scope="module")
def cases_only() -> RulesReport:
    return rules_of_model(no_tree)


def test_every_rule_has_a_case_and_needs_no_kernel(cases_only: RulesReport) -> None:
    assert [use.rule for use in cases_only.uses] == list(RULES)
    assert cases_only.without_case == ()
    assert cases_only.exit is Exit.DONE


def test_cases_about_a_rule_come_before_those_that_merely_meet_it(cases_only: RulesReport) -> None:
    used = {use.rule.id: use.cases for use in cases_only.uses}
    assert used[RuleId.TLB_FLUSH] == ("flushes-succeed",)
    assert used[RuleId.IOMEM] == ("io-memory-is-uncached-and-not-counted",)


def test_a_wrong_answer_and_a_rule_without_a_case_need_a_person(cases_only: RulesReport) -> None:
    first, *others = cases_only.cases
    wrong = replace(first, answers=(Answer("pin", "0", "-22"),))
    assert RulesReport((wrong, *others)).exit is Exit.PERSON
    unflushed = tuple(result for result in cases_only.cases if result.case.id != "flushes-succeed")
    report = RulesReport(unflushed)
    assert report.without_case == (RuleId.TLB_FLUSH,)
    assert report.exit is Exit.PERSON


def test_a_boot_applies_the_rules_of_a_paravirtual_kernel(tree: KernelTree) -> None:
    report = rules_of_model(lambda: tree, revision="v2.6.39", layouts=(SMALL,), jobs=1)
    (boot,) = report.boots
    assert (boot.id, boot.verdict) == ("v2.6.39 on 64M", Verdict.OK)
    met = {RuleId.PIN, RuleId.BASEPTR, RuleId.VALIDATE_L1, RuleId.WRITABLE_MAPPING, RuleId.READ_ONLY_MAPPING}
    assert met <= boot.rules
    assert not boot.rules & {RuleId.LINEAR_TABLE, RuleId.USER_BASEPTR}
    assert report.exit is Exit.DONE


def record(name: str, commit: str, **changes: object) -> RealBoot:
    return RealBoot(
        id=name,
        kernel=KernelSpec(commit=commit, **changes),  # type: ignore[arg-type]
        layout=replace(SMALL, name=name),
        crashed=False,
        tables=(),
        writable=(),
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_records_keep_their_order_and_one_that_cannot_be_made_is_undetermined(tree: KernelTree, jobs: int) -> None:
    records = (record("b", "v2.6.39"), record("a", "v2.6.38"), record("c", "v2.6.39", by_hand="a printk moved"))
    report = rules_of_model(lambda: tree, records=records, jobs=jobs)
    assert [one.id for one in report.boots] == ["b", "a", "c"]
    assert [one.verdict for one in report.boots] == [Verdict.OK, Verdict.OK, Verdict.UNDETERMINED]
    assert "a printk moved" in report.boots[2].reason
    assert report.boots[2].rules == frozenset()
    assert next(use.boots for use in report.uses if use.rule.id is RuleId.PIN) == ("b", "a")
    assert report.exit is Exit.UNDETERMINED


def test_what_is_no_revision_is_said(tree: KernelTree) -> None:
    with pytest.raises(KpatchError) as caught:
        rules_of_model(lambda: tree, revision="nowhere", layouts=(SMALL,))
    assert caught.value.code == "unknown-revision"


def test_an_undetermined_boot_is_no_success(cases_only: RulesReport) -> None:
    assert replace(cases_only, boots=(BootUse("x", Verdict.UNDETERMINED),)).exit is Exit.UNDETERMINED
    assert replace(cases_only, boots=(BootUse("x", Verdict.CRASH),)).exit is Exit.DONE
