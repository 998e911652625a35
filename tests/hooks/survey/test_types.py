"""Which types with slots there are, and their variables."""

from collections.abc import Callable

from kpatch_tools.hooks.index.memory import MemoryFacts
from kpatch_tools.hooks.survey.atlas import TableKind, TableType
from kpatch_tools.hooks.survey.types import list_types

Survey = Callable[..., MemoryFacts]


def listed(facts: MemoryFacts) -> dict[str, TableType]:
    return {table.type: table for table in list_types(facts).tables}


def test_types_with_slots_and_structs_of_them_are_tables(survey: Survey) -> None:
    tables = listed(survey())
    assert list(tables) == ["struct board_clocks", "struct board_ops", "struct clerk", "struct shop_ops"]
    assert [slot.path for slot in tables["struct board_ops"].slots] == ["clocks.start", "clocks.stop", "irqs.mask"]
    assert [slot.path for slot in tables["struct shop_ops"].slots] == ["open", "close", "count"]
    assert tables["struct shop_ops"].slots[2].signature == "int (*count)(struct shop *shop)"


def test_kinds_and_instances(survey: Survey) -> None:
    tables = listed(survey())
    assert tables["struct board_ops"].kind is TableKind.OWN
    (board,) = tables["struct board_ops"].instances
    assert (board.name, str(board.location), board.prefix) == ("board", "arch/x86/kernel/board.c:1", "")
    assert (board.private, board.array, board.elements, board.annotation) == (False, False, 1, "__initdata")
    assert [(item.name, item.prefix) for item in tables["struct board_clocks"].instances] == [("board", "clocks")]
    assert tables["struct shop_ops"].kind is TableKind.MANY
    ops, many = tables["struct shop_ops"].instances
    assert (ops.name, ops.private, ops.array, ops.elements) == ("corner_ops", True, False, 1)
    assert (many.name, many.array, many.elements) == ("many", True, 2)
    assert tables["struct clerk"].kind is TableKind.NONE


def test_a_struct_with_a_table_among_other_members_is_no_table(survey: Survey) -> None:
    files = {"drivers/a.c": "struct a { struct { int (*f)(void); } ops; int n; struct b *b; };"}
    assert list(listed(survey(files, alone=True))) == ["struct a"]
    files = {"drivers/a.c": "struct b { int (*f)(void); };\nstruct a { struct b b; int n; };\nstruct a x, *y;\n"}
    tables = listed(survey(files, alone=True))
    assert list(tables) == ["struct b"]
    assert [(item.name, item.prefix) for item in tables["struct b"].instances] == [("x", "b")]


def test_types_of_one_name_in_two_files_are_two(survey: Survey) -> None:
    text = "struct ops { int (*f)(void); };\nstruct ops mine;\n"
    found = list_types(survey({"drivers/a.c": text, "drivers/b.c": text}, alone=True)).tables
    assert [(table.location.file, len(table.instances)) for table in found] == [("drivers/a.c", 1), ("drivers/b.c", 1)]


def test_a_typedef_names_the_type_too(survey: Survey) -> None:
    text = "typedef struct ops { int (*f)(void); } ops_t;\nops_t mine;\nstruct box { ops_t ops; int n; } box;\n"
    (table,) = list_types(survey({"drivers/a.c": text}, alone=True)).tables
    assert [(item.name, item.prefix) for item in table.instances] == [("mine", ""), ("box", "ops")]
