"""labels-defined: where the gotos of a changed function lead."""

import pytest
from kpatch_tools.backport.guards.labels import object_to_lost_labels

FILE = "fs/toy.c"
UPSTREAM = """\
static int toy_open(struct toy *toy)
{
	int ret;

	ret = toy_lock(toy);
	if (ret)
		return ret;
	ret = toy_read(toy);
	if (ret)
		goto out_unlock;
	toy->open++;
out_unlock:
	toy_unlock(toy);
	return ret;
}
"""
TARGET = """\
static int toy_open(struct toy *toy)
{
	int ret;

	ret = toy_lock(toy);
	if (ret)
		return ret;
	ret = toy_read(toy);
	if (ret) {
		toy_unlock(toy);
		return ret;
	}
	toy->open++;
	toy_unlock(toy);
	return ret;
}
"""
NEW = UPSTREAM.replace("\t\treturn ret;\n\tret = toy_read", "\t\tgoto out_unlock;\n\tret = toy_read")


@pytest.fixture
def objections(merged):
    def build(*texts):
        return [(one.number, one.why) for one in object_to_lost_labels(merged(FILE, *texts))]

    return build


def test_a_label_that_only_upstream_has(objections):
    result = TARGET.replace("\t\treturn ret;\n\tret = toy_read", "\t\tgoto out_unlock;\n\tret = toy_read")
    assert objections(UPSTREAM, NEW, TARGET, result) == [(1, "toy_open() has no label out_unlock in the target")]


def test_a_label_that_both_have(objections):
    assert not objections(UPSTREAM, NEW, "\n" + UPSTREAM, "\n" + NEW)


def test_what_the_target_lacked_before(objections):
    def odd(text):
        return text.replace("\tint ret;\n", "\tint ret;\n\n\tGIVE_UP(goto nowhere);\n")

    assert not objections(UPSTREAM, NEW, odd(UPSTREAM), odd(NEW))
