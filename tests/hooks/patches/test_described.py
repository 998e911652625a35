"""A hook of one's own: read from a description, written, recognised, taken out again."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks.patches.described.catalogue import described_hooks, load_description, read_description
from kpatch_tools.hooks.patches.described.generate import generate_described
from kpatch_tools.hooks.patches.described.presence import probe_described
from kpatch_tools.hooks.patches.described.removal import TakenOut, take_out
from kpatch_tools.hooks.patches.description import HookDescription
from kpatch_tools.hooks.patches.written import Refused, Written

Sources = Callable[[Mapping[str, str]], BlobSource]

HEADER, TABLE, PLATFORM, CALLER = "arch/x86/include/asm/shop.h", "shop/table.c", "shop/corner.c", "shop/day.c"
FILES = {
    HEADER: """\
#ifndef SHOP_H
#define SHOP_H

/**
 * struct shop_ops - what shops do in their own ways
 * @greet:	say something
 */
struct shop_ops {
	void (*greet)(void);
};

extern struct shop_ops shop;
void shop_noop(void);
int begin_day(int key);

#endif
""",
    TABLE: """\
#include <asm/shop.h>

void shop_noop(void) { }

struct shop_ops shop = {
	.greet		= shop_noop,
};
""",
    PLATFORM: """\
#include <asm/shop.h>

static void corner_greet(void)
{
}

void corner_setup(void)
{
	shop.greet = corner_greet;
}
""",
    CALLER: """\
#include <asm/shop.h>

void switch_on(void);
static void unlock_door(int key);

static void unlock_door(int key)
{
}

int begin_day(int key)
{
	int customers = 0;

	switch_on();
	unlock_door(key);
	return customers;
}
""",
}
BASE = """\
name = "closed"
summary = "let a shop stay closed"
scope = ["shop", "arch/x86"]

[table]
variable = "shop"
type = "shop_ops"
declared_in = "arch/x86/include/asm/shop.h"
defined_in = "shop/table.c"
"""
ASKED = (
    BASE
    + """
[slot]
name = "closed"
returns = "int"
parameters = [["int", "key"]]
about = "whether to stay at home"

[default]
function = "never_closed"
file = "shop/table.c"

[call]
function = "begin_day"
file = "shop/day.c"
first = true
arguments = ["key"]
answer = "0"
guard = "CONFIG_X86"

[[override]]
function = "corner_closed"
file = "shop/corner.c"
installer = "corner_setup"
beside = "shop.greet"
"""
)
NEW_CALL = (
    BASE
    + """
[slot]
name = "closed"
returns = "void"
parameters = []
about = "what to do before the door opens"

[default]
origin = "no-op"

[call]
function = "begin_day"
file = "shop/day.c"
after = "switch_on"
"""
)
REPLACED = (
    BASE
    + """
[slot]
name = "closed"
returns = "void"
parameters = [["int", "key"]]
about = "open the door"
before = "greet"

[default]
origin = "existing"
function = "unlock_door"
file = "shop/day.c"
prototype = "arch/x86/include/asm/shop.h"

[call]
function = "begin_day"
file = "shop/day.c"
replaces = "unlock_door"
"""
)
SHAPES = {"asked": ASKED, "new-call": NEW_CALL, "replaced": REPLACED}
EXPECTED = {
    "asked": {
        HEADER: ["int (*closed)(int key);"],
        TABLE: ["static int never_closed(int key)", ".closed = never_closed,"],
        CALLER: ["if (shop.closed(key))", "return 0;"],
        PLATFORM: ["static int corner_closed(int key)", "shop.closed = corner_closed;"],
    },
    "new-call": {
        HEADER: ["void (*closed)(void);"],
        TABLE: [".closed = shop_noop,"],
        CALLER: ["switch_on(); shop.closed(); unlock_door(key);"],
    },
    "replaced": {
        HEADER: ["void (*closed)(int key); void (*greet)(void);", "void unlock_door(int key);"],
        TABLE: [".closed = unlock_door, .greet"],
        CALLER: ["shop.closed(key); return", "void unlock_door(int key) {"],
    },
}


def describe(folder: Path, text: str) -> HookDescription:
    (folder / "closed").mkdir(exist_ok=True)
    for name, body in (
        ("message.txt", "shop: add the {{ spec.path }} hook\n\nSo that shops can stay closed.\n"),
        ("default.c", "{{ head }} {{ name }}({{ spec.signature }})\n{\n\treturn 0;\n}\n"),
        ("override.c", "{{ head }} {{ name }}({{ spec.signature }})\n{\n\treturn 1;\n}\n"),
    ):
        (folder / "closed" / f"{name}.j2").write_text(body)
    file = folder / "closed.toml"
    file.write_text(text)
    return read_description(file)


def plain(data: bytes | None) -> str:
    return " ".join((data or b"").decode().split())


def with_hook(source: BlobSource, hook: HookDescription) -> Overlay:
    written = generate_described(source, hook)
    assert isinstance(written, Written), written
    return Overlay(source, written.changes)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_part_is_written(sources: Sources, tmp_path: Path, shape: str) -> None:
    hook = describe(tmp_path, SHAPES[shape])
    source = sources(FILES)
    written = generate_described(source, hook)
    assert isinstance(written, Written), written
    assert set(written.changes) == set(EXPECTED[shape])
    for path, parts in EXPECTED[shape].items():
        text = plain(written.changes[RepoPath(path)])
        assert all(part in text for part in parts), text
    assert written.messages[0].startswith(b"shop: add the shop.closed hook\n\n")


@pytest.mark.parametrize("shape", SHAPES)
def test_what_was_written_is_recognised_and_refused_a_second_time(sources: Sources, tmp_path: Path, shape: str) -> None:
    hook, source = describe(tmp_path, SHAPES[shape]), sources(FILES)
    assert probe_described(source, hook).state == "absent"
    after = with_hook(source, hook)
    assert probe_described(after, hook).state == "present"
    again = generate_described(after, hook)
    assert isinstance(again, Refused)
    assert "already" in again.lacks[0].message


@pytest.mark.parametrize("shape", SHAPES)
def test_taken_out_the_files_are_as_before(sources: Sources, tmp_path: Path, shape: str) -> None:
    hook, source = describe(tmp_path, SHAPES[shape]), sources(FILES)
    taken = take_out(with_hook(source, hook), hook)
    assert isinstance(taken, TakenOut), taken
    # Taking it out adds no storage class in front of a declaration that had one; what the function was stays.
    assert {path: plain(data) for path, data in taken.changes.items()} == {
        path: plain(source.read(path)) for path in taken.changes
    }


@settings(deadline=None)
@given(shape=st.sampled_from(sorted(SHAPES)), path=st.sampled_from(sorted(FILES)), lines=st.integers(1, 4))
def test_lines_above_only_move_the_parts(
    tmp_path_factory: pytest.TempPathFactory, shape: str, path: str, lines: int
) -> None:
    hook = describe(tmp_path_factory.mktemp("hook"), SHAPES[shape])
    above = b"/* one more */\n" * lines
    base = {RepoPath(one): text.encode() for one, text in FILES.items()}
    nothing: BlobSource = Nothing()
    plainly = generate_described(Overlay(nothing, base), hook)
    moved = generate_described(Overlay(nothing, {**base, RepoPath(path): above + base[RepoPath(path)]}), hook)
    assert isinstance(plainly, Written)
    assert isinstance(moved, Written)
    assert {one: (data or b"").removeprefix(above if one == path else b"") for one, data in moved.changes.items()} == (
        plainly.changes
    )


class Nothing:
    def read(self, path: RepoPath) -> bytes | None:
        return None

    def paths(self, *prefixes: str) -> "list[RepoPath]":  # type: ignore[override]
        return []


@pytest.mark.parametrize(
    ("path", "old", "new", "reason"),
    [
        (HEADER, "struct shop_ops {", "struct other_ops {", "struct shop_ops"),
        (TABLE, "struct shop_ops shop = {", "struct shop_ops stall = {", "no initialiser of shop"),
        (CALLER, "int begin_day", "int end_day", "no function begin_day()"),
        (CALLER, "\tswitch_on();\n", "", "begin_day() does not call switch_on()"),
        (CALLER, "\tswitch_on();\n", "\tswitch_on();\n\tswitch_on();\n", "calls switch_on() 2 times"),
        (CALLER, "\tswitch_on();\n", "\tswitch_on(;\n", "not understood"),
        (CALLER, "\tswitch_on();\n", "#ifdef A\n\tswitch_on();\n#endif\n", "some configurations"),
        (TABLE, "= shop_noop", "= shop_hello", "no default that does nothing"),
    ],
)
def test_refused_with_the_reason(sources: Sources, tmp_path: Path, path: str, old: str, new: str, reason: str) -> None:
    assert FILES[path].count(old) == 1
    source = sources({**FILES, path: FILES[path].replace(old, new)})
    refused = generate_described(source, describe(tmp_path, NEW_CALL))
    assert isinstance(refused, Refused)
    assert any(reason in lack.message for lack in refused.lacks), refused


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "closed"\nsummary', 'name = "closed\nsummary', "is no TOML"),
        ("[call]", "[calls]", "call: missing"),
        ('type = "shop_ops"', "type = 3", "table.type: expected the tag of the table's struct, found 3"),
        ('about = "whether', 'abuot = "whether', "slot.about: missing"),
        ("first = true", "first = true\nlast = true", "call.last: unknown field"),
        ("first = true", 'after = "a"\nbefore = "b"', "expected exactly one of them"),
        ('arguments = ["key"]', "arguments = []", "call.arguments: expected 1"),
        ('returns = "int"', 'returns = "void"', "call.answer: a slot that returns void"),
        ('[["int", "key"]]', '[["int"]]', "slot.parameters: expected a list of [type, name] pairs"),
        ('file = "shop/day.c"', 'file = "../day.c"', "call.file: expected a path in the tree"),
        ('installer = "corner_setup"', "", "override.installer, override.variable: expected exactly one"),
        ('guard = "CONFIG_X86"', 'guard = "X86"', "call.guard: expected a CONFIG_ symbol"),
        ('name = "closed"\nsummary', 'name = "opened"\nsummary', "its template opened/message.txt.j2 is not beside it"),
        ("[call]", '[probing]\nkind = "page-table-buffer"\n[call]', "unknown field"),
    ],
)
def test_a_description_that_cannot_be_used_says_where_and_what_next(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert ASKED.count(old) >= 1
    with pytest.raises(KpatchError) as error:
        describe(tmp_path, ASKED.replace(old, new, 1))
    assert error.value.code == "malformed-hook"
    assert error.value.message.startswith(f"{tmp_path / 'closed.toml'}: ")
    assert said in error.value.message
    assert re.search(r"descriptions in .*hooks$", error.value.hint)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KpatchError) as error:
        read_description(tmp_path / "none.toml")
    assert (error.value.code, "none.toml" in error.value.message) == ("unreadable-file", True)
    assert "NAME.toml" in error.value.hint


def test_a_probing_is_not_for_others(tmp_path: Path) -> None:
    bundled = load_description("pagetable_reserve")
    with pytest.raises(KpatchError, match="probing"):
        read_description(bundled.templates / "pagetable_reserve.toml")


@pytest.mark.parametrize("name", described_hooks())
def test_bundled_descriptions_can_be_read(name: str) -> None:
    hook = load_description(name)
    assert (hook.name, hook.slot.name) == (name, name)
    assert hook.summary
