"""How a changed place is recognised in another version."""

import pytest
from kpatch_tools.backport.sites import SiteState, judge_sites
from kpatch_tools.patch import diff_sources

OLD = """\
int limit;

static int first(int a)
{
	return a;
}

static int second(int a)
{
	prepare(a);
	finish(a);
	return a;
}
"""
NEW = OLD.replace("\tprepare(a);\n", "\tprepare(a);\n\tcheck_the_range(a, limit);\n")


def states(sources, old, new, target):
    before, after = sources({"a.c": old}), sources({"a.c": new})
    files = diff_sources(before, {"a.c": new.encode()})
    return [
        one.state for one in judge_sites(files, sources({"a.c": target} if target is not None else {}), after=after)
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (NEW, SiteState.PRESENT),
        (OLD, SiteState.ABSENT),
        (NEW.replace("\t", "        "), SiteState.PRESENT),
        (NEW.replace("\tprepare(a);\n", ""), SiteState.PRESENT),
        (OLD.replace("\treturn a;", "\tcheck_the_range(a, limit);\n\treturn a;", 1), SiteState.ABSENT),
        (OLD.replace("\tprepare(a);\n\tfinish(a);\n", ""), SiteState.GONE),
        (None, SiteState.GONE),
    ],
    ids=["there", "not there", "re-indented", "other context", "in another function", "code gone", "file gone"],
)
def test_an_added_line(sources, target, expected):
    assert states(sources, OLD, NEW, target) == [expected]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (NEW, SiteState.ABSENT),
        (OLD, SiteState.PRESENT),
        (NEW.replace("check_the_range(a, limit)", "check_the_range(a, limit - 1)"), SiteState.GONE),
    ],
)
def test_a_removed_line(sources, target, expected):
    assert states(sources, NEW, OLD, target) == [expected]


def test_a_replaced_line_is_present_only_without_the_old_one(sources):
    new = OLD.replace("finish(a)", "finish(a + 1)")
    both = OLD.replace("\tfinish(a);\n", "\tfinish(a);\n\tmore(a);\n\tfinish(a + 1);\n")
    assert states(sources, OLD, new, new) == [SiteState.PRESENT]
    assert states(sources, OLD, new, OLD) == [SiteState.ABSENT]
    assert states(sources, OLD, new, both) == [SiteState.ABSENT]


def test_a_later_annotation_does_not_hide_a_function(sources):
    new = OLD + "\nvoid reserve(int a)\n{\n\tkeep_range(a);\n}\n"
    later = new.replace("void reserve", "void __init reserve")
    assert states(sources, OLD, new, later) == [SiteState.CHANGED]


def test_a_change_that_is_only_an_annotation_is_not_taken_for_present(sources):
    old = OLD + "\nvoid reserve(int a)\n{\n\tkeep_range(a);\n}\n"
    new = old.replace("void reserve", "void __init reserve")
    assert states(sources, old, new, old) == [SiteState.ABSENT]
    assert states(sources, old, new, new) == [SiteState.PRESENT]


def test_a_renamed_function_is_not_present(sources):
    new = OLD + "\nvoid reserve(int a)\n{\n\tkeep_range(a);\n}\n"
    assert SiteState.PRESENT not in states(sources, OLD, new, new.replace("reserve", "other"))
    assert SiteState.CHANGED not in states(sources, OLD, new, new.replace("reserve", "other"))


def test_braces_alone_prove_nothing(sources):
    new = OLD.replace("\tfinish(a);\n", "\tif (a)\n\t\tfinish(a);\n\telse\n\t\tbreak;\n")
    assert states(sources, OLD, new, OLD) != [SiteState.PRESENT]


BUSY = """\
void level(int a)
{
	set(a);
	wait_for(a, 1000);
	write_register(a);
	break_off(a);
	clear(a);
	write_register(a);
	break_off(a);
	leave(a);
}
"""


def test_the_same_line_elsewhere_in_the_function_is_not_the_change(sources):
    new = BUSY.replace("\tclear(a);\n\twrite", "\tclear(a);\n\twait_for(a, 1000);\n\twrite")
    assert states(sources, BUSY, new, BUSY) == [SiteState.ABSENT]
    assert states(sources, BUSY, new, BUSY.replace("\tclear(a);\n", "\tclear(a, 1);\n")) != [SiteState.PRESENT]
    assert states(sources, BUSY, new, new) == [SiteState.PRESENT]
