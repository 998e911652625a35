"""Who did what to which slot, over histories with branches, moves and splits."""

import pytest
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.hooks.history.journal import HistoryJournal
from kpatch_tools.hooks.history.walking import TableHistory
from kpatch_tools.tree import KernelTree

OPS = "arch/x86/include/asm/ops.h"
OLD_OPS = "include/asm-x86/ops.h"
PARTS = "arch/x86/include/asm/parts.h"
DEFINED = "arch/x86/kernel/ops.c"

START, STOP, COUNT = "void (*start)(void)", "void (*stop)(void)", "int (*count)(int cpu)"


@pytest.fixture
def told(history):
    """`told(base, tip)` lists (subject, kind, old name if it is another, name)."""

    def tell(base: ObjectId, tip: ObjectId, **options):
        found = TableHistory(history.tree, ("arch/x86",)).stretch(base, tip, **options)
        return [
            (
                history.tree.commit(one.commit).subject,
                event.kind.value,
                *((event.old_name,) if event.old_name != event.name else ()),
                event.name,
            )
            for one in found.changed
            for event in one.events
        ]

    return tell


def test_birth_retyping_and_death_of_a_slot(history, header, told):
    base = history.commit("first", {OPS: header(START)})
    born = history.commit("add count", {OPS: header(START, COUNT)}, base=base)
    typed = history.commit("widen count", {OPS: header(START, "long (*count)(int cpu)")}, base=born)
    dead = history.commit("drop count", {OPS: header(START)}, base=typed)
    assert told(base, dead) == [
        ("add count", "born", "board.count"),
        ("widen count", "re-typed", "board.count"),
        ("drop count", "died", "board.count"),
    ]
    # The older end is not part of the range, the newer one is.
    assert told(born, dead) == [("widen count", "re-typed", "board.count"), ("drop count", "died", "board.count")]


def test_space_and_comments_are_no_other_type(history, header, told):
    base = history.commit("first", {OPS: header(START, COUNT)})
    text = header(START, "int\t (*count) (\n\t\tint /* which */ cpu)").replace("extern", "/* It. */\n\nextern")
    tip = history.commit("beautify", {OPS: text}, base=base)
    assert told(base, tip) == []


def test_a_table_is_born_with_its_slots_and_dies_with_them(history, header, told):
    base = history.commit("first", {"arch/x86/include/asm/other.h": "int x;\n"})
    born = history.commit("a table", {OPS: header(START)}, base=base)
    dead = history.commit("no table", {OPS: None}, base=born)
    assert told(base, dead) == [
        ("a table", "born", "board"),
        ("a table", "born", "board.start"),
        ("no table", "died", "board"),
        ("no table", "died", "board.start"),
    ]


def test_a_moved_header_is_no_event(history, header, told):
    base = history.commit("first", {OLD_OPS: header(START)})
    tip = history.commit("move", {OLD_OPS: None, OPS: header(START)}, base=base)
    assert told(base, tip) == []


def test_a_struct_that_moves_to_another_header_is_no_event(history, header, told):
    nested = "struct board_irqs { void (*mask)(int irq); };\n"
    base = history.commit("first", {OPS: header(START, "struct board_irqs irqs", more=nested)})
    split = history.commit("split", {OPS: header(START, "struct board_irqs irqs"), PARTS: nested}, base=base)
    more = nested.replace("; }", "; void (*ack)(int irq); }")
    grown = history.commit("grow", {PARTS: more}, base=split)
    whole = "struct board_ops {\n\tvoid (*start)(void);\n\tstruct board_irqs irqs;\n};\n"
    moved = history.commit("move", {OPS: "extern struct board_ops board;\n", PARTS: more + whole}, base=grown)
    assert told(base, moved) == [("grow", "born", "board.irqs.ack")]


def test_a_merge_counts_only_where_it_made_something_new(history, header, told):
    base = history.commit("first", {OPS: header(START, STOP)})
    left = history.commit("left", {OPS: header(START, STOP, COUNT)}, base=base)
    right = history.commit("right", {OPS: header(START)}, base=base)
    both = history.commit("both", {OPS: header(START, COUNT)}, base=base)
    merge = history.merge("Merge", [left, right], tree_of=both)
    assert sorted(told(base, merge)) == [("left", "born", "board.count"), ("right", "died", "board.stop")]
    other = history.commit("other", {OPS: header(START, COUNT, "int (*extra)(void)")}, base=base)
    evil = history.merge("Evil", [left, right], tree_of=other)
    assert ("Evil", "born", "board.extra") in told(base, evil)
    assert len(told(base, evil)) == 3


def test_first_parents_only_see_what_a_merge_brought(history, header, told):
    base = history.commit("first", {OPS: header(START)})
    side = history.commit("side", {OPS: header(START, COUNT)}, base=base)
    main = history.commit("main", {"arch/x86/kernel/other.c": "int y;\n"}, base=base)
    result = history.commit("result", {OPS: header(START, COUNT), "arch/x86/kernel/other.c": "int y;\n"}, base=base)
    merge = history.merge("Merge", [main, side], tree_of=result)
    assert told(base, merge) == [("side", "born", "board.count")]
    assert told(base, merge, first_parent=True) == [("Merge", "born", "board.count")]


def test_what_two_branches_did_alike_is_told_of_both(history, header, told):
    base = history.commit("first", {OPS: header(START)})
    one = history.commit("one", {OPS: header(START, COUNT)}, base=base)
    two = history.commit("two", {OPS: header(START, COUNT)}, base=base)
    merge = history.merge("Merge", [one, two], tree_of=one)
    assert sorted(told(base, merge)) == [("one", "born", "board.count"), ("two", "born", "board.count")]


def definition(**defaults: str) -> str:
    filled = "".join(f"\t.{slot} = {function},\n" for slot, function in defaults.items())
    return f"#include <asm/ops.h>\nstruct board_ops board = {{\n{filled}}};\n"


def test_a_rename_is_told_by_the_default_function(history, header, told):
    old = {OPS: header(START, STOP), DEFINED: definition(start="noop", stop="halt")}
    new = {OPS: header("void (*halt_all)(void)", START), DEFINED: definition(start="noop", halt_all="halt")}
    base = history.commit("first", old)
    tip = history.commit("rename", new, base=base)
    assert told(base, tip) == [("rename", "renamed", "board.stop", "board.halt_all")]


def test_a_default_that_serves_several_slots_tells_no_rename(history, header, told):
    more = "void (*wait)(void)"
    old = {OPS: header(START, STOP, COUNT, more), DEFINED: definition(start="noop", stop="noop", wait="noop")}
    new = {
        OPS: header(START, COUNT, more, "void (*halt_all)(void)"),
        DEFINED: definition(start="noop", wait="noop", halt_all="noop"),
    }
    base = history.commit("first", old)
    tip = history.commit("replace", new, base=base)
    assert told(base, tip) == [("replace", "born", "board.halt_all"), ("replace", "died", "board.stop")]


def test_a_rename_is_told_by_the_place(history, header, told):
    base = history.commit("first", {OPS: header(START, COUNT, STOP)})
    tip = history.commit("rename", {OPS: header(START, "int (*number)(int cpu)", STOP)}, base=base)
    assert told(base, tip) == [("rename", "renamed", "board.count", "board.number")]
    typed = history.commit("replace", {OPS: header(START, "long (*number)(int cpu)", STOP)}, base=base)
    assert [kind for _, kind, *_ in told(base, typed)] == ["born", "died"]


def test_a_slot_that_moves_to_another_table_is_renamed(history, header, told):
    timers = "struct timers { int (*tick)(void); };\nextern struct timers timers;\n"
    base = history.commit("first", {OPS: header(START, COUNT), PARTS: timers})
    grown = timers.replace("; }", "; int (*count)(int cpu); }")
    tip = history.commit("move", {OPS: header(START), PARTS: grown}, base=base)
    assert told(base, tip) == [("move", "renamed", "board.count", "timers.count")]


def test_ends_without_common_history_are_compared(history, header):
    base = history.commit("ours", {OPS: header(START, STOP)})
    import_ = history.commit("vendor import", {OPS: header(START, COUNT)})
    events = TableHistory(history.tree, ("arch/x86",)).between(base, import_)
    assert [(event.kind.value, event.name) for event in events] == [("born", "board.count"), ("died", "board.stop")]


def test_a_damaged_struct_is_said(history, header):
    base = history.commit("first", {OPS: header(START)})
    tip = history.commit("damage", {OPS: header(START, "int (*count)(int cpu", STOP)}, base=base)
    found = TableHistory(history.tree, ("arch/x86",)).stretch(base, tip)
    assert [place.file for place in found.damaged] == [OPS]
    assert all(event.doubts for one in found.changed for event in one.events)


def test_the_journal_answers_the_second_time(history, header, tmp_path, monkeypatch):
    base = history.commit("first", {OPS: header(START), DEFINED: definition(start="noop")})
    tip = history.commit("rename", {OPS: header("void (*go)(void)"), DEFINED: definition(go="noop")}, base=base)

    def run():
        return TableHistory(history.tree, ("arch/x86",), HistoryJournal.open(tmp_path / "cache")).stretch(base, tip)

    first = run()
    (file,) = (tmp_path / "cache").iterdir()
    # A line that was cut off counts as absent.
    file.write_text(file.read_text() + '{"stretch": "', encoding="utf-8")
    monkeypatch.setattr("kpatch_tools.hooks.history.walking.read_header", lambda _data: pytest.fail("read again"))
    assert run() == first
    assert [event.because for one in first.changed for event in one.events] == ["the same default, noop"]


def test_where_two_commits_part_is_kept_but_not_that_they_have_nothing_in_common(
    history, header, tmp_path, monkeypatch
):
    base = history.commit("first", {OPS: header(START)})
    tip = history.commit("more", {OPS: header(START, STOP)}, base=base)
    stranger = history.commit("vendor import", {OPS: header(COUNT)})

    def fork(old, new):
        journal = HistoryJournal.open(tmp_path / "cache")
        found = TableHistory(history.tree, ("arch/x86",), journal).fork(old, new)
        journal.write()
        return found

    assert (fork(base, tip), fork(base, stranger)) == (base, None)
    monkeypatch.setattr(KernelTree, "merge_base", lambda *_: tip)
    assert (fork(base, tip), fork(base, stranger)) == (base, tip)


def test_a_journal_that_cannot_be_written_costs_time_only(history, header, tmp_path):
    base = history.commit("first", {OPS: header(START)})
    tip = history.commit("more", {OPS: header(START, STOP)}, base=base)
    (tmp_path / "cache").write_text("a file where the folder should be")
    journal = HistoryJournal.open(tmp_path / "cache")
    assert len(TableHistory(history.tree, ("arch/x86",), journal).stretch(base, tip).changed) == 1
