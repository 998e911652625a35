"""The table of rules: complete, and every rule says where it comes from."""

import inspect
import re

from kpatch_tools.model.xen import RULES, RuleId

SOURCE = re.compile(r"xen@RELEASE-4\.17\.5:xen/[\w/.-]+#\w+")


def test_every_rule_is_in_the_table_once() -> None:
    assert sorted(rule.id for rule in RULES) == sorted(RuleId)


def test_every_rule_cites_its_source_and_states_one_sentence() -> None:
    for rule in RULES:
        assert SOURCE.fullmatch(rule.source), rule.id
        assert rule.statement.endswith("."), rule.id
        assert len(rule.statement) < 120, rule.id


def test_every_function_of_a_rule_names_it_and_cites_a_source() -> None:
    """The docstring of the function is where a reader of the code meets the rule."""
    for rule in RULES:
        docstring = inspect.getdoc(rule.function) or ""
        assert "Source: xen@" in docstring, rule.function.__name__
        source = inspect.getsource(inspect.getmodule(rule.function))  # type: ignore[arg-type]
        assert re.search(rf"[Rr]ules? [\w, -]*{rule.id}\b|and {rule.id}\b", source), rule.id
