"""done-once: what the target does already."""

import pytest
from kpatch_tools.backport.guards.repeated import object_to_repeated

FILE = "kernel/queue.c"
BASE = """\
static int queue_run(struct queue *queue)
{
	queue_lock(queue);
	queue_first(queue);
	queue_unlock(queue);
	return queue->left;
}
"""
MARK = "\tqueue_mark(queue);\n"
NEW = BASE.replace("\tqueue_first(queue);\n", "\tqueue_first(queue);\n" + MARK)
OURS = BASE.replace("\tqueue_lock(queue);\n", "\tqueue_lock(queue);\n" + MARK)
TWICE = NEW.replace("\tqueue_lock(queue);\n", "\tqueue_lock(queue);\n" + MARK)


@pytest.fixture
def objections(merged):
    def build(*texts):
        return [one.why for one in object_to_repeated(merged(FILE, *texts))]

    return build


def test_the_function_does_it_elsewhere(objections):
    assert objections(BASE, NEW, OURS, TWICE) == [
        "the target's function does already, at another place: queue_mark(queue);"
    ]


def test_upstream_does_it_as_often(objections):
    again = NEW.replace("\treturn", MARK + "\treturn")
    assert objections(NEW, again, OURS, TWICE) == []


def test_another_function_does_it(objections):
    other = BASE.replace("queue_run", "queue_stop")
    assert objections(BASE, NEW, BASE + other.replace("\treturn", MARK + "\treturn"), NEW + other) == []


@pytest.mark.parametrize("line", ["\t/* queue_mark(queue); */\n", "\treturn queue->left;\n", "\tif (queue->left)\n"])
def test_what_may_stand_anywhere_is_no_statement(objections, line):
    assert objections(*(text.replace(MARK, line) for text in (BASE, NEW, OURS, TWICE))) == []


def test_a_function_that_is_defined_twice(objections):
    first = "static int first(int a)\n{\n\treturn a;\n}\n\n"
    ours = BASE.replace("queue_lock", "queue_take") + "\n" + first
    assert objections(BASE, first + BASE, ours, first + ours) == ["it defines first(), which the target does already"]


def test_a_function_of_two_configurations_is_defined_as_often_as_upstream(objections):
    first = "static int first(int a)\n{\n\treturn a;\n}\n\n"
    ours = BASE.replace("queue_lock", "queue_take") + "\n" + first
    assert objections(BASE, first + first + BASE, ours, first + ours) == []


def test_a_hunk_in_its_own_context_is_meant_again(pick):
    far = "".join(f"\tqueue->part[{number}] = 0;\n" for number in range(9))
    base = BASE.replace("\treturn", far + "\treturn")
    after = base.replace("\tqueue_first(queue);\n", "\tqueue_first(queue);\n" + MARK)
    target = base.replace("\treturn", MARK + "\treturn")
    found = pick(
        {FILE: base, "kernel/q.h": "queue_mark\n"}, {FILE: after}, {FILE: target, "kernel/q.h": "queue_mark\n"}
    )
    assert [one.guard for one in found.hunks] == [""]
