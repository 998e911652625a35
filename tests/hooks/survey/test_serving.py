"""Which slots a function serves."""

from collections.abc import Callable

from kpatch_tools.hooks.index.memory import MemoryFacts
from kpatch_tools.hooks.survey.atlas import Services
from kpatch_tools.hooks.survey.serving import services_of

Survey = Callable[..., MemoryFacts]


def served(found: Services) -> list[tuple[str, str, str, str]]:
    return [(item.type, item.path, item.put.variable, str(item.put.location)) for item in found.services]


def test_initialisers_and_assignments(survey: Survey) -> None:
    assert served(services_of(survey(), "corner_open")) == [
        ("struct shop_ops", "open", "corner_ops", "drivers/shops/corner.c:3"),
        ("struct shop_ops", "open", "many", "drivers/shops/corner.c:7"),
        ("struct shop_ops", "open", "many", "drivers/shops/corner.c:8"),
    ]
    found = services_of(survey(), "guest_start")
    assert served(found) == [("struct board_ops", "clocks.start", "board", "arch/x86/guest/guest.c:5")]
    assert (found.services[0].file, found.services[0].put.location.function) == (
        "arch/x86/include/asm/board.h",
        "guest_init",
    )
    assert not found.unresolved
    assert not found.unread


def test_a_table_in_a_struct_of_other_things_is_told_itself(survey: Survey) -> None:
    text = "struct box { struct shop_ops ops; int n; };\nstruct box box = { .ops = { .close = box_close }, .n = 1 };\n"
    found = services_of(survey({"drivers/box.c": text}), "box_close")
    assert served(found) == [("struct shop_ops", "close", "box", "drivers/box.c:2")]


def test_what_is_not_known_is_told(survey: Survey) -> None:
    text = "void f(void)\n{\n\tnobody->open = lost;\n\tshop->broken(;;= lost ) if {;\n}\n"
    found = services_of(survey({"drivers/lost.c": text}), "lost")
    assert [(item.text, item.ambiguous) for item in found.unresolved] == [("nobody.open", False)]
    assert [part.file for part in found.unread] == ["drivers/lost.c"]
    assert services_of(survey(), "nobody").services == ()


def test_a_number_is_no_slot(survey: Survey) -> None:
    text = (
        "struct row { unsigned long data; struct shop *shop; };\nstruct row row = { .data = (unsigned long)worker };\n"
    )
    found = services_of(survey({"drivers/row.c": text}), "worker")
    assert (found.services, found.unresolved) == ((), ())
