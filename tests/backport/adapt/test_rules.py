"""Each rule of adapting where it holds, and where it must not."""

import pytest
from kpatch_tools.core.hunkclass import HunkClass

from .conftest import FLUSH, OTHER, TOP, carry, carry_beside, function, kinds, lines

DRAIN = lines(*TOP, *function("drain", *FLUSH))


def only(before: str, after: str, target: str, **more: str):
    """One file, `a.c`, and headers besides; the pick and what it made of the file."""
    pick = carry({"a.c": before}, {"a.c": after}, {"a.c": target} | {f"{name}.h": text for name, text in more.items()})
    return pick, (pick.changes.get("a.c") or target.encode()).decode()


def test_a_file_that_differs_a_little_is_deleted():
    rows = [f"use_{index}(queue, {index});" for index in range(20)]
    before = lines(*TOP, *function("drain", *rows))
    pick = carry({"a.c": before, "b.c": "b\n"}, {"a.c": None}, {"a.c": before.replace("use_3(queue", "use_3(other")})
    assert kinds(pick) == [HunkClass.ADAPTED]
    assert pick.changes["a.c"] is None


def test_another_file_of_that_name_is_not_deleted():
    pick = carry({"a.c": DRAIN, "b.c": "b\n"}, {"a.c": None}, {"a.c": lines(*TOP, *OTHER)})
    assert kinds(pick) == [HunkClass.NEEDS_HUMAN]
    assert "a.c" not in pick.changes


def test_the_targets_local_variable_is_used():
    rows = ["read_some(queue, size);", "left = push(queue, size);", "size -= left;", "wait_for(queue, size);"]
    before = lines(*TOP, *function("drain", "int size, left;", "", *rows))
    after = before.replace("left = push(queue, size);", "left = push_all(queue, size, 0);")
    target = before.replace("size", "len").replace("_of_queue", "_of_len, size")
    pick, made = only(before, after, target, push="push_all\n")
    assert kinds(pick) == [HunkClass.ADAPTED]
    assert "left = push_all(queue, len, 0);" in made


def test_what_is_taken_out_may_be_written_differently_but_not_mean_another_thing():
    before = lines(*TOP, *function("drain", *FLUSH, "count(queue, depth + 8 * depth,", "      limit_of_queue);"))
    after = before.replace("\tcount(queue, depth + 8 * depth,\n\t      limit_of_queue);", "\tflush_pages(queue, 1, 1);")
    same = before.replace("depth + 8 * depth,\n\t      limit", "/* all */ depth + (8 * depth), limit")
    other = same.replace("depth + (8 * depth)", "(depth + 8) * depth")
    for target, kind in ((same, HunkClass.MERGED), (other, HunkClass.ADAPTED)):
        pick, made = only(before, after, target)
        assert kinds(pick) == [kind]
        assert made == after


@pytest.mark.parametrize(
    ("theirs", "ours", "kind"),
    [
        ("flush_pages(queue, depth, 9)", "flush_pages(queue->device, depth, 0)", HunkClass.MERGED),
        ("flush_pages(queue, depth, 9)", "flush_all(queue, depth, 0)", HunkClass.ADAPTED),
        ("flush_pages(queue, depth + limit_of_queue, 0)", "flush_pages(queue, 8 * depth, 0)", HunkClass.ADAPTED),
    ],
)
def test_each_side_has_to_change_another_part_of_the_code(theirs, ours, kind):
    pick, _ = only(
        DRAIN, *(DRAIN.replace("flush_pages(queue, depth, 0)", call) for call in (theirs, ours)), f="flush_all"
    )
    assert kinds(pick) == [kind]


WAITING = (
    *("if (queue->state == WAITS) {", "\tadd_waiter(queue, depth);", "\tfor (;;) {", "\t\tset_state(queue, depth);"),
    *("\t\tif (signal_pending(queue) ||", "\t\t    queue->state != WAITS)", "\t\t\tbreak;", "\t\tschedule(queue);"),
    *("\t}", "\tremove_waiter(queue, depth);", "\tif (signal_pending(queue)) {", "\t\tput_queue(queue);"),
    *("\t\treturn;", "\t}", "}"),
)
WAITED = (
    *("depth = wait_for_event(queue,", "\t\t\tqueue->state != WAITS);", "if (depth < 0) {", "\tput_queue(queue);"),
    *("\treturn;", "}"),
)


def test_words_of_the_targets_that_go_into_another_statement_are_adapted():
    before, after = (lines(*TOP, *function("drain", *FLUSH, *rows, *FLUSH[2:])) for rows in (WAITING, WAITED))
    pick, made = only(before, after, before.replace("state != WAITS", "state > LAST"), more="wait_for_event\n")
    assert kinds(pick) == [HunkClass.ADAPTED]
    assert "\t\t\tqueue->state > LAST);\n" in made


@pytest.mark.parametrize(("last", "kind"), [("return;", HunkClass.MOVED), ("", HunkClass.ADAPTED)])
def test_a_statement_put_in_before_another_step_of_the_flow_is_adapted(last, kind):
    before = lines(*TOP, *function("drain", *FLUSH, "save_area(queue->first, depth);", "return;"))
    after = before.replace("depth);\n\treturn;", "depth);\n\tflush_pages(queue, 1, 1);\n\treturn;")
    target = before.replace("queue->first, depth);\n\treturn;", f"queue->first_area, depth);\n\t{last}".rstrip("\t"))
    pick, made = only(before, after, target)
    assert kinds(pick) == [kind]
    assert "first_area, depth);\n\tflush_pages(queue, 1, 1);\n" in made


@pytest.mark.parametrize("call", ["if (queue->busy)\n\t\tstop_queue(queue, 7)", "return stop_queue(queue)"])
def test_words_are_not_merged_where_the_flow_differs(call):
    after = DRAIN.replace("\tstop_queue(queue);\n", "\tif (depth)\n\t\tstop_queue(queue);\n")
    target = DRAIN.replace("stop_queue(queue)", call)
    pick, made = only(DRAIN, after, target)
    assert kinds(pick) == [HunkClass.NEEDS_HUMAN]
    assert made == target


def test_brackets_are_not_put_together_from_two_expressions():
    before = lines(*TOP, *function("drain", *FLUSH, "if (depth > 8 && depth < 12)", "\tstart_queue(queue);"))
    after = before.replace("depth > 8 && depth < 12", "depth >= 7 && depth <= 13")
    pick, made = only(before, after, before.replace("depth > 8 && depth < 12", "(depth > 8) && (depth < 12)"))
    assert kinds(pick) == [HunkClass.MERGED]
    assert "the same C in the target" in pick.hunks[0].why
    assert "if (depth >= 7 && depth <= 13)\n" in made


def test_what_is_only_moved_keeps_the_targets_form():
    before = DRAIN.replace("\tstart_queue(queue);\n", "\treport(queue, depth, 1);\n\tsync_all(queue, 2);\n")
    after = before.replace(
        "\treport(queue, depth, 1);\n\tsync_all(queue, 2);\n",
        "\tsync_all(limit_of_queue, 3);\n\tdo_more(queue, report(queue, depth, 1));\n",
    )
    target = before.replace("report(queue, depth", 'report(queue, "drain", depth')
    pick, made = only(before, after, target, more="do_more\n")
    assert kinds(pick) == [HunkClass.ADAPTED]
    assert 'do_more(queue, report(queue, "drain", depth, 1));' in made


def test_a_line_that_the_target_does_not_have_is_not_changed():
    target = DRAIN.replace("\tflush_pages(queue, depth, 0);\n", "")
    after = DRAIN.replace("flush_pages(queue, depth, 0)", "flush_pages(queue, depth, 1)")
    pick = carry_beside({"a.c": DRAIN}, {"a.c": after}, {"a.c": target})
    assert sorted(kinds(pick)) == [HunkClass.EXACT, HunkClass.DROPPED]
    assert pick.changes.get("a.c", target.encode()).decode() == target


def test_a_new_line_is_not_lost_with_the_line_that_the_target_does_not_have():
    target = DRAIN.replace("\tflush_pages(queue, depth, 0);\n", "")
    after = DRAIN.replace("\tflush_pages(queue, depth, 0);\n", "\tcount_all(limit_of_queue);\n")
    pick, made = only(DRAIN, after, target, count="count_all\n")
    assert kinds(pick) == [HunkClass.NEEDS_HUMAN]
    assert made == target


ASSEMBLY = ("\taddi r1,r1,16", "\tli r3,0", "\tstd r3,0(r1)", "\tbl start_secondary", "\tb .")


def test_lines_outside_of_any_function_are_found_in_another_file_of_the_folder():
    before = {"arch/toy/kernel/misc.S": lines("_GLOBAL(resume)", *ASSEMBLY)}
    after = {"arch/toy/kernel/misc.S": lines("_GLOBAL(resume)", *ASSEMBLY).replace("std r3", "stw r3")}
    target = {"arch/toy/kernel/misc.S": lines("_GLOBAL(other)")}
    pick = carry(before, after, target | {"arch/toy/kernel/head.S": lines("_GLOBAL(resume)", *ASSEMBLY, "end of it")})
    assert kinds(pick) == [HunkClass.MOVED]
    assert b"stw r3" in pick.changes["arch/toy/kernel/head.S"]


def test_code_that_lives_on_inside_another_function_is_not_left_out():
    rows = [f"set_part_{index}(queue, limit_of_queue);" for index in range(6)]
    before = lines(*TOP, *function("set_parts", *rows), *function("drain", "set_parts(queue);"))
    after = before.replace("set_part_3(queue, limit_of_queue)", "set_part_3(queue, 0)")
    target = lines(*TOP, *function("drain", "int other_things_first;", *rows, *FLUSH, *FLUSH, "return_of(queue);"))
    pick = carry({"net/a.c": before}, {"net/a.c": after}, {"net/a.c": target})
    assert HunkClass.DROPPED not in kinds(pick)
