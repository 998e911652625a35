"""printk's formats, as early boot messages use them."""

import pytest
from kpatch_tools.model import parse_layout
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.primitives.text import format_text, primitives
from kpatch_tools.model.machine import BugHit, Panic
from kpatch_tools.model.trace import ignore


@pytest.fixture
def guest(kernel: Guest) -> Guest:
    kernel.power_on(parse_layout("64M"), ignore)
    return kernel


@pytest.mark.parametrize(
    ("template", "arguments", "expected"),
    [
        ("plain", (), "plain"),
        ("%lx-%lx", (0x1000, 0x2000), "1000-2000"),
        ("%#010lx", (0x1000,), "0x00001000"),
        ("%08llx", (0xABC,), "00000abc"),
        ("%d %u", ((1 << 64) - 5, 7), "-5 7"),
        ("%5d|", (42,), "   42|"),
        ("%*d|", (5, 42), "   42|"),
        ("100%%", (), "100%"),
        ("%c%c", (0x4F, 0x4B), "OK"),
        ("%p", (0xFFFF880000000000,), "ffff880000000000"),
        ("%lx", (), "?"),
        ("%s", (8,), "?"),
    ],
)
def test_formats(guest: Guest, template: str, arguments: tuple[int, ...], expected: str) -> None:
    assert format_text(guest, guest.literal(template), arguments) == expected


def test_a_string_argument(guest: Guest) -> None:
    assert format_text(guest, guest.literal("<%s>"), (guest.literal("text"),)) == "<text>"


def test_level_prefix_and_newline_are_not_part_of_the_message(guest: Guest) -> None:
    printk = primitives(guest)["__model_printk"]
    printk(guest.literal("<7>one\n"))
    printk(guest.literal("\x016two\n"))
    assert guest.seen.printed == ["one", "two"]


def test_bug_and_panic_are_faults(guest: Guest) -> None:
    functions = primitives(guest)
    with pytest.raises(BugHit, match=r"BUG_ON at mm/a\.c:12"):
        functions["__model_bug"](guest.literal("mm/a.c"), 12, guest.literal("BUG_ON"))
    with pytest.raises(Panic, match="panic: out of memory: 4"):
        functions["panic"](guest.literal("out of memory: %d"), 4)


def test_warn_is_only_said(guest: Guest) -> None:
    assert primitives(guest)["__model_warn"](guest.literal("mm/a.c"), 12, guest.literal("x > y")) == 1
    assert guest.seen.printed == ["WARNING: at mm/a.c:12: x > y"]
