"""The table of rules: complete, and every rule says where it comes from."""

import inspect
import re
from typing import Any

import pytest
from kpatch_tools.model.machine import PRESENT, USER, ReadOnlyWrite
from kpatch_tools.model.xen import RULES, RuleId, l1, mmuext, ptwr, recording, tables, update

SOURCE = re.compile(r"xen@RELEASE-4\.17\.5:xen/[\w/.-]+#\w+")


def test_every_rule_is_in_the_table_once() -> None:
    assert sorted(rule.id for rule in RULES) == sorted(RuleId)


def test_every_rule_cites_its_source_and_states_one_sentence() -> None:
    for rule in RULES:
        assert SOURCE.fullmatch(rule.source), rule.id
        assert rule.statement.endswith("."), rule.id
        assert len(rule.statement) < 120, rule.id


def test_every_rule_has_one_function_that_names_it_and_cites_a_source() -> None:
    """The docstring of the function is where a reader of the code meets the rule."""
    for rule in RULES:
        docstring = inspect.getdoc(rule.function) or ""
        assert re.search(rf"\bRule {rule.id}[:, ]", docstring), rule.id
        assert "Source: xen@" in docstring, rule.function.__name__
    assert len({rule.function for rule in RULES}) == len(RULES)


def test_recording_counts_applications_and_leaves_nothing_behind(guest: Any) -> None:
    before = [vars(module).copy() for module in (l1, tables, mmuext, update)]
    with recording() as counts:
        guest.remap(16, PRESENT | USER)
        guest.pin(16, 1)
        assert tables.get_page_type is not before[1]["get_page_type"]
    guest.unpin(16)
    assert (counts[RuleId.PIN], counts[RuleId.UNPIN]) == (1, 0)
    assert counts[RuleId.READ_ONLY_MAPPING] == counts[RuleId.MOD_L1] == counts[RuleId.UPDATE_VA_MAPPING] == 1
    assert counts[RuleId.WRITABLE_MAPPING] == 1, "the empty table is taken the fast way"
    assert [vars(module) for module in (l1, tables, mmuext, update)] == before


def test_recording_ends_where_a_fault_ends_it(guest: Any) -> None:
    before = vars(ptwr).copy()
    with pytest.raises(ReadOnlyWrite), recording() as counts:
        guest.store(guest.va(guest.L2), 0)
    assert counts[RuleId.WRITE_PROTECT] == 1
    assert vars(ptwr) == before
