"""Which later commits belong with a change."""

import pytest
from kpatch_tools.backport import find_tips
from kpatch_tools.backport.followups import find_followups, judge_followups
from kpatch_tools.backport.past import WalkedPast

FILE = "mm/pool.c"
OLD = "int pool_top;\n\nint pool_first(int size)\n{\n\treturn pool_top + size;\n}\n"
ADDED = OLD + "\nvoid pool_reserve(int start, int end)\n{\n\treserve_range(start, end);\n}\n"
SUBJECT = "mm: reserve the pool"


@pytest.fixture
def followups(history):
    """Follow-ups of the commit that adds pool_reserve(), after one later commit."""

    def after(files, message):
        base = history.commit({FILE: OLD, "mm/other.c": OLD}, "mm: a pool", tag="base")
        subject = history.commit({FILE: ADDED}, SUBJECT, on=base, tag="subject")
        message = message.format(oid=subject, short=subject[:12])
        later = history.commit(files, message, on=subject, tag="tip")
        found = judge_followups(
            find_followups(WalkedPast(history.tree), history.change(subject), tips=find_tips(history.tree)),
            target=history.tree.at(subject),
            result=history.tree.at(later),
        )
        return [(one.commit == later, one.why, one.state) for one in found]

    return after


ANNOTATED = ADDED.replace("void pool_reserve", "void __init pool_reserve")


def test_one_without_any_tag_that_only_touches_what_was_added(followups):
    why = "only touches what this change added"
    assert followups({FILE: ANNOTATED}, "mm: fix a section mismatch") == [(True, why, "folded-in")]


def test_lines_inside_an_added_function(followups):
    grown = ADDED.replace("\treserve_range", "\tcheck_range(start);\n\treserve_range")
    assert [why for _, why, _ in followups({FILE: grown}, "mm: check it")] == ["only touches what this change added"]


def test_a_wider_change_is_none(followups):
    files = {FILE: ANNOTATED, "mm/other.c": OLD.replace("int pool_first", "long pool_first")}
    assert followups(files, "mm: annotate all of it") == []


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ('mm: more\n\nFixes: {short} ("mm: reserve the pool")', "Fixes: it"),
        ('mm: more\n\nFixes: 0123456789ab ("mm: reserve the pool")', "Fixes: it"),
        ("mm: more\n\nCommit {short} left this out.", "its message speaks of it"),
    ],
)
def test_one_that_speaks_of_it(followups, message, why):
    assert [one[:2] for one in followups({"mm/other.c": "int x;\n"}, message)] == [(True, why)]


def test_a_revert(followups):
    assert [why for _, why, _ in followups({FILE: OLD}, 'Revert "mm: reserve the pool"')] == ["takes it back"]


def test_a_backport_of_the_same_is_none(followups):
    assert followups({FILE: ANNOTATED}, "mm: reserve the pool\n\ncommit {oid} upstream.") == []
