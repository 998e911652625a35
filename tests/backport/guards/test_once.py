"""lines-once: what a merge loses or puts in twice."""

import pytest
from kpatch_tools.backport.guards.once import object_to_lost_lines

FILE = "kernel/queue.c"
BASE = """\
static void queue_run(struct queue *queue)
{
	queue_lock(queue);
	queue_first(queue);
	queue_unlock(queue);
}

static void queue_stop(struct queue *queue)
{
	queue_lock(queue);
	queue_unlock(queue);
}
"""
NEW = BASE.replace("\tqueue_first(queue);\n", "\tqueue_mark(queue);\n\tqueue_first(queue);\n")
OURS = BASE.replace("queue_stop", "queue_end")


@pytest.fixture
def objections(merged):
    def build(*texts):
        return [one.why for one in object_to_lost_lines(merged(FILE, *texts))]

    return build


def test_each_line_once(objections):
    assert objections(BASE, NEW, OURS, NEW.replace("queue_stop", "queue_end")) == []


def test_a_line_that_was_lost(objections):
    other = OURS.replace("queue_end", "queue_halt")
    assert objections(BASE, NEW, OURS, other) == ["a line of it is lost, or there twice: queue_mark(queue);"]


def test_a_line_that_is_there_twice(objections):
    twice = NEW.replace("queue_stop", "queue_end").replace("\tqueue_mark(queue);\n", "\tqueue_mark(queue);\n" * 2)
    assert objections(BASE, NEW, OURS, twice) == ["a line of it is lost, or there twice: queue_mark(queue);"]


def test_a_line_that_was_not_taken_out(objections):
    less = BASE.replace("\tqueue_first(queue);\n", "")
    found = objections(BASE, less, OURS, OURS + "\n/* more */\n")
    assert found == ["a line of it is lost, or there twice: queue_first(queue);"]


def test_what_the_target_has_already_is_not_lost(objections):
    ours = NEW.replace("queue_stop", "queue_end")
    assert objections(BASE, NEW, ours, ours + "\n/* more */\n") == []


def test_the_same_file_needs_no_look(objections):
    assert objections(BASE, NEW, BASE, BASE + "\n") == []


def test_white_space_does_not_count(objections):
    ours = OURS.replace("\tqueue_first(queue);\n", "\tqueue_first( queue );\n")
    less = BASE.replace("\tqueue_first(queue);\n", "")
    assert objections(BASE, less, ours, ours.replace("\tqueue_first( queue );\n", "")) == []
