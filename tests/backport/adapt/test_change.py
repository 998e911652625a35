"""A change whose hunks do not go on as they are."""

import pytest
from kpatch_tools.core.hunkclass import HunkClass

from .conftest import FLUSH, OTHER, TOP, carry, carry_beside, function, kinds, lines


def test_each_side_changes_other_words_of_a_line():
    before = lines(*TOP, *function("drain", *FLUSH))
    after = before.replace("depth, 0)", "depth, GFP_NOWAIT)")
    target = before.replace("flush_pages(queue", "flush_pages(queue->device, queue")
    pick = carry({"a.c": before}, {"a.c": after}, {"a.c": target, "a.h": "GFP_NOWAIT\n"})
    assert kinds(pick) == [HunkClass.MERGED]
    assert pick.changes["a.c"].decode() == target.replace("depth, 0)", "depth, GFP_NOWAIT)")


def test_what_is_taken_out_reads_differently():
    before = lines(*TOP, *function("drain", *FLUSH))
    after = before.replace("\tflush_pages(queue, depth, 0);\n", "\tdrop_pages(queue);\n\tsync_queue(queue);\n")
    target = before.replace("flush_pages(queue, depth, 0)", "flush_pages(queue, depth)")
    known = {"a.h": "drop_pages sync_queue\n"}
    pick = carry({"a.c": before}, {"a.c": after}, {"a.c": target} | known)
    assert kinds(pick) == [HunkClass.ADAPTED]
    assert pick.changes["a.c"].decode() == after
    assert "reads differently" in pick.hunks[0].why


def test_a_line_of_the_targets_own_is_never_taken_out():
    before = lines(*TOP, *function("drain", *FLUSH))
    after = before.replace("\tstop_queue(queue);\n\tflush_pages(queue, depth, 0);\n", "\tdrop_pages(queue);\n")
    target = before.replace("\tflush_pages", "\tkeep_count(queue);\n\tflush_pages")
    pick = carry({"a.c": before}, {"a.c": after}, {"a.c": target, "a.h": "drop_pages\n"})
    assert kinds(pick) == [HunkClass.NEEDS_HUMAN]
    assert "a.c" not in pick.changes or pick.changes["a.c"].decode() == target


def test_both_sides_changing_the_same_word_is_for_a_person():
    before = lines(*TOP, *function("drain", *FLUSH))
    pick = carry(
        {"a.c": before},
        {"a.c": before.replace("depth, 0)", "depth, 1)")},
        {"a.c": before.replace("flush_pages(queue, depth, 0)", "push_all(queue->device, depth + 2, 7)")},
    )
    assert kinds(pick) == [HunkClass.NEEDS_HUMAN]


def test_the_target_calls_it_otherwise():
    rows = [f"use_flag(queue, {index}, OLD_FLAG);" for index in range(4)]
    target = lines(*TOP, *function("drain", *FLUSH, *rows))
    before = target.replace("OLD_FLAG", "NEW_FLAG")
    after = before.replace("\tstart_queue(queue);\n", "\tstart_queue(queue);\n\tuse_flag(queue, 9, NEW_FLAG);\n")
    pick = carry({"a.c": before}, {"a.c": after}, {"a.c": target})
    assert kinds(pick) == [HunkClass.ADAPTED]
    assert pick.changes["a.c"].decode().count("use_flag(queue, 9, OLD_FLAG);") == 1
    assert "the target says OLD_FLAG for NEW_FLAG (4 of 4" in pick.hunks[0].why


def test_one_vote_is_not_enough_for_a_name():
    target = lines(*TOP, *function("drain", *FLUSH, "use_flag(queue, 1, OLD_FLAG);"))
    before = target.replace("OLD_FLAG", "NEW_FLAG")
    after = before.replace("\tstart_queue(queue);\n", "\tstart_queue(queue);\n\tuse_flag(queue, 9, NEW_FLAG);\n")
    pick = carry({"a.c": before}, {"a.c": after}, {"a.c": target})
    assert kinds(pick) == [HunkClass.NEEDS_HUMAN]


def test_the_function_lives_in_another_file():
    before = {"net/new.c": lines(*TOP, *function("drain", *FLUSH))}
    after = {"net/new.c": before["net/new.c"].replace("\tstart_queue", "\tsync_queue(queue);\n\tstart_queue")}
    old = lines(*TOP, *OTHER, *function("drain", *FLUSH))
    target = {"net/new.c": lines(*TOP, *OTHER), "net/old.c": old, "net/q.h": "sync_queue\n"}
    pick = carry(before, after, target)
    assert kinds(pick) == [HunkClass.MOVED]
    assert pick.hunks[0].file == "net/old.c"
    assert set(pick.changes) - {"net/new.c"} == {"net/old.c"}
    assert pick.changes["net/old.c"].decode() == old.replace("\tstart_queue", "\tsync_queue(queue);\n\tstart_queue")


def test_two_places_that_may_be_meant_are_for_a_person():
    before = {"net/new.c": lines(*TOP, *function("drain", *FLUSH))}
    after = {"net/new.c": before["net/new.c"].replace("\tstart_queue", "\tstop_queue(queue);\n\tstart_queue")}
    target = {"net/one.c": before["net/new.c"], "net/two.c": before["net/new.c"]}
    assert kinds(carry(before, after, target)) == [HunkClass.NEEDS_HUMAN]


@pytest.mark.parametrize("with_file", [True, False], ids=["its function is absent", "its file is absent"])
def test_code_that_the_target_does_not_have_is_left_out(with_file):
    before = {"net/new.c": lines(*TOP, *OTHER, *function("drain", *FLUSH))}
    after = {"net/new.c": before["net/new.c"].replace("\tstart_queue", "\tstop_queue(queue);\n\tstart_queue")}
    target = {"net/new.c": lines(*TOP, *OTHER)} if with_file else {"net/a.c": lines("int unrelated_to_queues;")}
    # Alone it would leave nothing to carry, which is for a person to say.
    assert kinds(carry(before, after, target)) == [HunkClass.NEEDS_HUMAN]
    pick = carry_beside(before, after, target)
    assert sorted(kinds(pick)) == [HunkClass.EXACT, HunkClass.DROPPED]
    assert pick.changes.get("net/new.c", target.get("net/new.c", "").encode()).decode() == target.get("net/new.c", "")


def test_a_function_that_only_changed_its_name_is_not_left_out():
    before = {"net/new.c": lines(*TOP, *OTHER, *function("drain", *FLUSH))}
    after = {"net/new.c": before["net/new.c"].replace("\tstart_queue", "\tgrow_queue(queue);\n\tstart_queue")}
    target = {"net/new.c": before["net/new.c"].replace("void drain(", "void drain_all(")}
    pick = carry(before, after, target)
    assert kinds(pick) != [HunkClass.DROPPED]
    assert pick.changes["net/new.c"].decode() == after["net/new.c"].replace("void drain(", "void drain_all(")


def test_without_adapting_a_conflict_stays_one():
    before = lines(*TOP, *function("drain", *FLUSH))
    target = before.replace("flush_pages(queue", "flush_pages(queue->device, queue")
    after = before.replace("depth, 0)", "depth, 1)")
    assert kinds(carry({"a.c": before}, {"a.c": after}, {"a.c": target}, adapting=False)) == [HunkClass.NEEDS_HUMAN]


def test_what_is_left_out_may_not_have_brought_what_the_rest_uses():
    before = {"net/new.c": lines(*TOP, *OTHER, *function("drain", *FLUSH)), "net/use.c": lines(*TOP, *OTHER)}
    after = {
        "net/new.c": before["net/new.c"].replace("\tstart_queue", "\tint brought_along = 1;\n\n\tstart_queue"),
        "net/use.c": before["net/use.c"].replace("\tcount_queue", "\tuse(brought_along);\n\tcount_queue"),
    }
    target = {"net/new.c": lines(*TOP, *OTHER), "net/use.c": before["net/use.c"], "net/q.h": "int use(int);\n"}
    pick = carry(before, after, target)
    assert kinds(pick) == [HunkClass.NEEDS_HUMAN, HunkClass.EXACT]


@pytest.mark.parametrize("early", ["", "flush_pages(queue, 8, 1);"])
def test_what_is_merged_by_words_is_compared_with_upstream_as_well(early):
    rows = ["save_area(queue->first, depth);", "return;"]
    before = lines(*TOP, *function("drain", *FLUSH, *rows))
    after = before.replace("queue->first, depth);\n", "queue->first, 0);\n\tflush_pages(queue, 8, 1);\n")
    target = lines(*TOP, *function("drain", *FLUSH[:2], *filter(None, [early]), *FLUSH[2:], *rows))
    target = target.replace("queue->first, depth)", "queue->first_area, depth)")
    pick = carry({"a.c": before}, {"a.c": after}, {"a.c": target})
    assert kinds(pick) == [HunkClass.NEEDS_HUMAN if early else HunkClass.MERGED]
