"""parses: a result that is C no more."""

import pytest
from kpatch_tools.backport.guards.parses import object_to_broken

FILE = "drivers/toy.c"
BASE = """\
static void toy_irq(struct toy *toy)
{
	if (toy->on)
		toy_enable(toy);
	toy_done(toy);
}
"""
ELSE = "\telse if (toy->off)\n\t\ttoy_disable(toy);\n"
NEW = BASE.replace("\ttoy_done", ELSE + "\ttoy_done")
TARGET = BASE.replace("\ttoy_done", "\ttoy_unlock(toy);\n\ttoy_done")


@pytest.fixture
def objections(merged):
    def build(*texts, path=FILE):
        return [(one.guard, one.number) for one in object_to_broken(merged(path, *texts))]

    return build


def test_an_else_without_its_if(objections):
    assert objections(BASE, NEW, TARGET, TARGET.replace("\ttoy_done", ELSE + "\ttoy_done")) == [("parses", 1)]


def test_an_else_behind_its_if(objections):
    assert not objections(BASE, NEW, TARGET, TARGET.replace("\ttoy_unlock", ELSE + "\ttoy_unlock"))


def test_an_error_that_the_target_had(objections):
    odd = "\nint ) toy;\n"
    assert not objections(BASE, NEW, TARGET + odd, TARGET.replace("\ttoy_unlock", ELSE + "\ttoy_unlock") + odd)


def test_what_upstream_reads_no_better(objections):
    odd = "\nint ) toy;\n"
    assert not objections(BASE, BASE + odd, TARGET, TARGET + odd)


def test_no_c_is_not_parsed(objections):
    assert not objections(BASE, NEW, TARGET, TARGET.replace("\ttoy_done", ELSE + "\ttoy_done"), path="README")


def test_what_was_adapted_is_compared_with_the_target_alone(objections):
    broken = TARGET.replace("\ttoy_done", ELSE + "\ttoy_done")
    assert objections(TARGET, broken, TARGET, broken) == [("parses", 1)]
