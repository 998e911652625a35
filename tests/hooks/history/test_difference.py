"""Two versions of a table: slots, and who fills and calls them."""

import pytest
from kpatch_tools.hooks import find_hook_tables
from kpatch_tools.hooks.history.difference import Role, SlotChange, compare_tables

HEADER = "arch/x86/include/asm/ops.h"
HOME = "arch/x86/kernel/ops.c"
BOARD = "arch/x86/platform/fast/fast.c"
CALLER = "arch/x86/kernel/setup.c"

FILES = {
    HEADER: "struct ops { void (*start)(void); int (*count)(int cpu); };\nextern struct ops board;\n",
    HOME: "struct ops board = { .start = noop, .count = count_all };\n",
    BOARD: "void fast_setup(void)\n{\n\tboard.start = fast_start;\n}\n",
    CALLER: "void setup(void)\n{\n\tboard.start();\n}\n",
}


@pytest.fixture
def compare(sources):
    """`compare(changes)` holds the files with `changes` (None deletes) against the files without."""

    def run(changes):
        after = {path: text for path, text in {**FILES, **changes}.items() if text is not None}
        old, new = (find_hook_tables(sources(files), table="board").tables for files in (FILES, after))
        return compare_tables(old, new)

    return run


def slots(tables):
    return [(one.change, one.name) for table in tables for one in table.slots]


def uses(tables):
    """(role, what went, what came) of the only slot that differs."""
    ((table,),) = (tables,)
    (slot,) = table.slots
    return [
        (
            one.role,
            *((side.function or side.where, side.file) if side is not None else None for side in (one.old, one.new)),
        )
        for one in slot.uses
    ]


def test_lines_and_space_are_no_difference(compare):
    changes = {path: "\n\n/* More. */\n" + text for path, text in FILES.items()}
    changes[HEADER] = changes[HEADER].replace("(int cpu)", "(\n\t\tint  cpu )")
    assert compare(changes) == ()


def test_added_and_removed_slots_bring_their_uses(compare):
    changes = {
        HEADER: FILES[HEADER].replace("int (*count)(int cpu)", "long (*tally)(void)"),
        HOME: "struct ops board = { .start = noop, .tally = tally_all };\n",
    }
    found = compare(changes)
    assert slots(found) == [(SlotChange.ADDED, "board.tally"), (SlotChange.REMOVED, "board.count")]
    added, removed = found[0].slots
    assert [(one.role, one.new.function) for one in added.uses if one.new] == [(Role.DEFAULT, "tally_all")]
    assert [(one.role, one.old.function) for one in removed.uses if one.old] == [(Role.DEFAULT, "count_all")]


def test_a_renamed_slot_keeps_its_uses(compare):
    changes = {path: text.replace("count)", "number)").replace(".count", ".number") for path, text in FILES.items()}
    found = compare(changes)
    assert slots(found) == [(SlotChange.RENAMED, "board.number")]
    (slot,) = found[0].slots
    assert slot.old is not None
    assert (slot.old.path, slot.because, slot.uses) == ("count", "the same default, count_all", ())


def test_a_retyped_slot(compare):
    found = compare({HEADER: FILES[HEADER].replace("int (*count)", "long (*count)")})
    assert slots(found) == [(SlotChange.RETYPED, "board.count")]


def test_another_default_and_another_override(compare):
    found = compare({HOME: FILES[HOME].replace("noop", "start_all")})
    assert slots(found) == [(SlotChange.KEPT, "board.start")]
    assert uses(found) == [(Role.DEFAULT, None, ("start_all", HOME)), (Role.DEFAULT, ("noop", HOME), None)]
    found = compare({BOARD: FILES[BOARD].replace("fast_start", "faster_start")})
    assert uses(found) == [
        (Role.OVERRIDE, None, ("faster_start", BOARD)),
        (Role.OVERRIDE, ("fast_start", BOARD), None),
    ]


def test_a_use_that_went_to_another_file_moved(compare):
    elsewhere = "arch/x86/platform/fast.c"
    found = compare({BOARD: None, elsewhere: FILES[BOARD]})
    assert uses(found) == [(Role.OVERRIDE, ("fast_start", BOARD), ("fast_start", elsewhere))]


def test_a_second_call_in_the_same_function_counts(compare):
    found = compare({CALLER: FILES[CALLER].replace("board.start();", "board.start();\n\tboard.start();")})
    assert uses(found) == [(Role.CALL, None, ("setup", CALLER))]


def test_a_table_that_only_one_version_has(sources):
    tables = find_hook_tables(sources(FILES), table="board").tables
    (came,) = compare_tables((), tables)
    assert (came.old, came.new) == (None, tables[0])
    assert {one.change for one in came.slots} == {SlotChange.ADDED}
    (went,) = compare_tables(tables, ())
    assert (went.old, went.new) == (tables[0], None)
    assert {one.change for one in went.slots} == {SlotChange.REMOVED}
