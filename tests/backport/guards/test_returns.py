"""returns-fit: code behind a return, and what a function returns."""

import pytest
from kpatch_tools.backport.guards.returns import object_to_returns

FILE = "kernel/queue.c"
VOID = """\
static void queue_run(struct queue *queue)
{
	queue_lock(queue);
	queue_first(queue);
}
"""
INT = VOID.replace("void", "int").replace("\tqueue_first(queue);\n", "\tqueue_first(queue);\n\n\treturn 0;\n")
MARK = "\tqueue_mark(queue);\n"


@pytest.fixture
def objections(merged):
    def build(*texts):
        return [one.why for one in object_to_returns(merged(FILE, *texts))]

    return build


def at_end(text, lines):
    return text.removesuffix("}\n") + lines + "}\n"


def test_what_stands_behind_a_return_is_never_reached(objections):
    found = objections(VOID, at_end(VOID, MARK), INT, at_end(INT, "\n" + MARK))
    assert found == ["the target leaves before it comes to: queue_mark(queue);"]


def test_what_a_new_return_cuts_off(objections):
    base = VOID.replace("\tqueue_first(queue);\n", "")
    found = objections(
        base, at_end(base, MARK + "\treturn;\n"), VOID, VOID.replace("\tqueue_f", MARK + "\treturn;\n\tqueue_f")
    )
    assert found == ["the target leaves before it comes to: queue_first(queue);"]


@pytest.mark.parametrize("leave", ["\tif (queue)\n\t\treturn 0;\n", "\treturn 0;\nout:\n", "\treturn 0;\n\tcase 4:\n"])
def test_what_is_reached_by_another_way(objections, leave):
    ours = VOID.replace("void", "int").replace("\tqueue_first(queue);\n", leave)
    assert objections(VOID, at_end(VOID, MARK), ours, at_end(ours, MARK)) == []


def test_what_upstream_does_not_reach_either(objections):
    assert objections(INT, at_end(INT, MARK), INT + "\n", at_end(INT, MARK) + "\n") == []


@pytest.mark.parametrize(
    ("base", "ours", "returned", "why"),
    [
        (INT, VOID, "return 1;", "it returns a value, and the target's queue_run() returns none"),
        (VOID, INT, "return;", "it returns no value, and the target's queue_run() returns one"),
        (
            VOID,
            INT.replace("int", "struct queue *"),
            "return;",
            "it returns no value, and the target's queue_run() returns one",
        ),
    ],
)
def test_what_is_returned_does_not_fit(objections, base, ours, returned, why):
    early = f"\tif (!queue)\n\t\t{returned}\n\tqueue_lock"
    texts = [text.replace("\tqueue_lock", early) for text in (base, ours)]
    assert objections(base, texts[0], ours, texts[1]) == [why]
    assert objections(base, texts[0], base + "\n", texts[0] + "\n") == []


def test_a_function_that_the_change_itself_makes_another(objections):
    early = "\tif (!queue)\n\t\treturn;\n\tqueue_lock"
    theirs, result = (text.replace("\tqueue_lock", early) for text in (VOID, VOID + "\n"))
    assert objections(INT, theirs, INT + "\n", result) == []
    other = VOID.replace("queue_run", "queue_go")
    theirs, result = (text.replace("\tqueue_lock", early) for text in (other, other + "\n"))
    assert objections(INT, theirs, INT + "\n", result) == []
