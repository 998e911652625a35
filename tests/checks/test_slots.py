"""The five slot checks: each with a change it accepts and changes it must refuse."""

from collections.abc import Callable

from kpatch_tools.checks import prototype_visible, slot_called, slot_declared, slot_default, slot_signature
from kpatch_tools.checks.check import Change
from kpatch_tools.core.finding import Finding, Status

H, D, U = "arch/x86/include/asm/table.h", "arch/x86/kernel/table.c", "arch/x86/kernel/setup.c"
TREE = {
    H: "#ifndef TABLE_H\nstruct timer_ops { void (*start)(int when); };\n"
    "struct board_ops { void (*probe)(void); struct timer_ops timer; };\nextern struct board_ops board;\n#endif\n",
    D: "#include <asm/table.h>\nstruct board_ops board = { .timer = { .start = 0 } };\n",
}
USER = "#include <asm/table.h>\nvoid setup(void)\n{\n\tboard.probe();\n}\n"
NEW_HEADER = """\
#ifndef TABLE_H
#define TABLE_H
struct timer_ops { void (*start)(int when); };
struct memory_ops { void (*reserve)(unsigned long start, unsigned long end); };
struct board_ops {
	void (*probe)(void);
	struct timer_ops timer;
	struct memory_ops memory;
	int flags;
};
extern struct board_ops board;
void native_probe(void);
void native_start(int when);
void native_reserve(unsigned long start, unsigned long end);
#endif
"""
NEW_DEFAULTS = """\
#include <asm/table.h>
void native_probe(void) { }
void native_start(int when) { }
void native_reserve(unsigned long start, unsigned long end) { }
struct board_ops board = {
	.probe = native_probe,
	.timer = {
		.start = native_start,
	},
	.memory = {
		.reserve = native_reserve,
	},
};
"""
NEW_USER = """\
#include <asm/table.h>
void setup(void)
{
	board.probe();
	board.memory.reserve(0, 4096);
	board.timer.start(3);
}
"""
Build = Callable[..., Change]


def statuses(findings: object) -> set[Status]:
    return {finding.status for finding in findings}  # type: ignore[attr-defined]


def failure(findings: object) -> Finding:
    return next(finding for finding in findings if finding.status is Status.FAIL)  # type: ignore[attr-defined]


def test_a_complete_hook_passes_every_slot_check(change: Build) -> None:
    whole = change({H: NEW_HEADER, D: NEW_DEFAULTS, U: NEW_USER})
    for check in (slot_declared, slot_default, slot_signature, prototype_visible, slot_called):
        assert statuses(check.run(whole)) == {Status.PASS}, check.ID


def test_a_change_without_hook_tables_is_skipped_not_passed(change: Build) -> None:
    other = change({"lib/sort.c": "int sort(void) { return 1; }\n"})
    for check in (slot_declared, slot_default, slot_signature, prototype_visible, slot_called):
        assert statuses(check.run(other)) == {Status.SKIP}, check.ID


def test_a_slot_that_no_struct_declares_is_refused(change: Build) -> None:
    found = failure(slot_declared.run(change({U: NEW_USER})))
    assert "board.memory.reserve is not declared" in found.message
    assert (found.file, found.line) == (U, 5)


def test_a_data_member_of_the_table_is_no_missing_slot(change: Build) -> None:
    touched = change({U: "#include <asm/table.h>\nvoid setup(void)\n{\n\tboard.timer.start(board.flags);\n}\n"})
    assert statuses(slot_declared.run(touched)) == {Status.PASS}


def test_a_chain_in_a_comment_or_string_is_no_use(change: Build) -> None:
    call = '\tboard.timer.start("board.no.slot"[0]);\n'
    text = "#include <asm/table.h>\n/* board.memory.reserve */\nvoid setup(void)\n{\n" + call + "}\n"
    assert statuses(slot_declared.run(change({U: text}))) == {Status.PASS}


def test_a_new_slot_called_without_default_is_refused(change: Build) -> None:
    found = failure(slot_default.run(change({H: NEW_HEADER, U: NEW_USER})))
    assert "board.memory.reserve" in found.message
    assert found.file == U


def test_a_new_slot_that_is_tested_before_the_call_needs_no_default(change: Build) -> None:
    guarded = NEW_USER.replace("board.memory.reserve(0", "if (board.memory.reserve)\n\t\tboard.memory.reserve(0")
    assert statuses(slot_default.run(change({H: NEW_HEADER, U: guarded}))) == {Status.PASS}


def test_a_new_slot_that_nothing_calls_is_refused(change: Build) -> None:
    found = failure(slot_called.run(change({H: NEW_HEADER, D: NEW_DEFAULTS})))
    assert found.message == "board.memory.reserve is never called"


def test_a_default_of_another_type_is_refused(change: Build) -> None:
    header = NEW_HEADER.replace(
        "void native_reserve(unsigned long start, unsigned long end)", "void native_reserve(int size)"
    )
    source = NEW_DEFAULTS.replace(
        "void native_reserve(unsigned long start, unsigned long end)", "void native_reserve(int size)"
    )
    found = failure(slot_signature.run(change({H: header, D: source, U: NEW_USER})))
    assert (
        "native_reserve is void (int), but board.memory.reserve is void (unsigned long, unsigned long)" in found.message
    )


def test_a_slot_retyped_under_its_old_default_is_refused(change: Build) -> None:
    header = TREE_HEADER_RETYPED
    found = failure(slot_signature.run(change({H: header})))
    assert "native_start" in found.message


def test_a_default_whose_prototype_is_out_of_sight_is_refused(change: Build) -> None:
    header = NEW_HEADER.replace("void native_reserve(unsigned long start, unsigned long end);\n", "")
    source = NEW_DEFAULTS.replace("void native_reserve(unsigned long start, unsigned long end) { }\n", "")
    found = failure(prototype_visible.run(change({H: header, D: source, U: NEW_USER})))
    assert "native_reserve" in found.message
    assert found.file == D


TREE_HEADER_RETYPED = """\
#ifndef TABLE_H
#define TABLE_H
struct timer_ops { void (*start)(long when, int mode); };
struct board_ops {
	void (*probe)(void);
	struct timer_ops timer;
	int flags;
};
extern struct board_ops board;
void native_probe(void);
void native_start(int when);
#endif
"""


def test_a_typedef_of_the_same_type_agrees(change: Build) -> None:
    typedefs = "typedef unsigned long word;\ntypedef word addr_t;\nstruct timer_ops"
    header = NEW_HEADER.replace("struct timer_ops", typedefs, 1)
    source = NEW_DEFAULTS.replace("(unsigned long start, unsigned long end)", "(addr_t start, word end)")
    header = header.replace("native_reserve(unsigned long start, unsigned long end)", "native_reserve(addr_t, word)")
    found = set(slot_signature.run(change({H: header, D: source, U: NEW_USER})))
    assert statuses(found) == {Status.PASS}


def test_a_slot_handed_to_a_macro_counts_as_used(change: Build) -> None:
    user = NEW_USER.replace("board.memory.reserve(0, 4096)", "CALL2(board.memory.reserve, 0, 4096)")
    assert statuses(slot_called.run(change({H: NEW_HEADER, D: NEW_DEFAULTS, U: user}))) == {Status.PASS}


def test_a_slot_called_through_a_pointer_to_its_table_is_called(change: Build) -> None:
    user = (
        "#include <asm/table.h>\nstatic struct board_ops *now = &board;\n"
        "void setup(void)\n{\n\tnow->memory.reserve(0, 1);\n}\n"
    )
    assert statuses(slot_called.run(change({H: NEW_HEADER, D: NEW_DEFAULTS, U: user}))) == {Status.PASS}


def test_a_member_of_that_name_that_is_only_read_or_written_is_no_call(change: Build) -> None:
    user = "#include <asm/table.h>\nint reserve(int);\n/* now->reserve(1) */\nint x(void)\n{\n\treturn reserve(3);\n}\n"
    found = failure(slot_called.run(change({H: NEW_HEADER, D: NEW_DEFAULTS, U: user})))
    assert found.message == "board.memory.reserve is never called"


def test_a_slot_that_only_an_untouched_driver_calls_is_called(change: Build) -> None:
    tree = {**TREE, "drivers/char/late.c": USER.replace("board.probe();", "board.memory.reserve(0, 1);")}
    found = slot_called.run(change({H: NEW_HEADER, D: NEW_DEFAULTS}, tree=tree))
    assert statuses(found) == {Status.PASS}


def test_a_definition_that_left_its_prototype_behind_is_refused(change: Build) -> None:
    other = "arch/x86/mm/reserve.c"
    defaults = NEW_DEFAULTS.replace("void native_reserve(unsigned long start, unsigned long end) { }\n", "")
    define = "#include <asm/table.h>\nvoid native_reserve(unsigned long start) { }\n"
    found = failure(slot_signature.run(change({H: NEW_HEADER, D: defaults, U: NEW_USER, other: define})))
    assert found.file == other
    assert "native_reserve is defined as void (unsigned long)" in found.message
    private = define.replace("void native", "static void native")
    passed = slot_signature.run(change({H: NEW_HEADER, D: defaults, U: NEW_USER, other: private}))
    assert statuses(passed) == {Status.PASS}


def test_a_slot_that_is_emptied_has_nothing_to_compare(change: Build) -> None:
    user = USER.replace("board.probe();", "board.probe = NULL;")
    assert [one.message for one in slot_signature.run(change({U: user}))] == ["the patch puts nothing into a slot"]


def test_an_included_header_is_no_member_of_the_table_it_is_named_after(change: Build) -> None:
    header = H.replace("table.h", "board.h")
    tree = {**{path: text.replace("asm/table.h", "asm/board.h") for path, text in TREE.items() if path != H}}
    tree[header] = TREE[H]
    user = "#include <asm/board.h>\nvoid setup(void)\n{\n\tboard.timer.start(1);\n}\n"
    found = slot_declared.CHECK.run(change({U: user}, tree=tree))
    assert Status.FAIL not in {one.status for one in found}
