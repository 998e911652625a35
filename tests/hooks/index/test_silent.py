"""What is not parsed, because it can say nothing about function pointers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.hooks.index.accesses import find_spots
from kpatch_tools.hooks.index.extract import extract_facts
from kpatch_tools.hooks.index.silent import without_silent_code, without_silent_lines
from kpatch_tools.syntax import mask

SILENT = b"static int sum(int a, int b)\n{\n\tif (a) {\n\t\treturn b;\n\t}\n\treturn a + b;\n}\n"
TELLING = b"static int ask(struct shop *shop)\n{\n\treturn shop->ops->open(shop);\n}\n"


def silenced(data: bytes) -> bytes:
    masked = mask(data)
    text = without_silent_lines(masked.data, masked.code, masked.directives)
    return without_silent_code(text, masked, find_spots(text))[0]


def words(text: bytes) -> list[bytes]:
    return re.sub(rb"/\*\s*\*/", b" ", text).split()


def test_a_body_without_members_is_left_out_and_its_head_is_not() -> None:
    assert words(silenced(SILENT + TELLING)) == words(TELLING)


def test_what_is_broken_in_a_silent_body_spoils_nothing_around_it() -> None:
    facts = extract_facts(SILENT.replace(b"return b;", b"FOREVER do (( b") + TELLING)
    assert [function.name for function in facts.functions] == ["sum", "ask"]
    assert [call.chain for call in facts.calls] == ["ops.open"]
    assert facts.unread_bytes == 0


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TELLING, id="a member is called"),
        pytest.param(b"struct shop_ops ops =\n{\n\topen_shop,\n};\n", id="an initialiser"),
        pytest.param(b"struct shop_ops\n{\n\tint (*open)(void);\n};\n", id="a record"),
        pytest.param(b"typedef struct\n{\n\tint (*open)(void);\n} shop_ops_t;\n", id="a typedef"),
        pytest.param(
            b"int sum(int a)\n{\n#ifdef A\n\treturn a;\n}\n#else\n\treturn 1;\n}\n#endif\n", id="cut by a branch"
        ),
        pytest.param(
            b"int sum(int a)\n{\n\tif (a) {\n\treturn a;\n}\n\treturn 1;\n}\n", id="a brace in the first column"
        ),
        pytest.param(b"int sum(a)\nint a;\n{\n\treturn a;\n}\n", id="parameters declared below"),
    ],
)
def test_what_may_tell_something_stays(data: bytes) -> None:
    assert silenced(data) == data


def test_numbers_and_directives_are_left_out_conditionals_stay() -> None:
    data = (
        b"#include <a.h>\n#ifdef A\n#define B\nint c[] = { 1, -2, 0x3, 4UL, 5, 6, 7, 8 };\n#endif\nint d = { 1, a };\n"
    )
    assert words(silenced(data)) == words(b"#ifdef A\nint c[] = { };\n#endif\nint d = { 1, a };")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("int sum(int a)", id="plain"),
        pytest.param("static inline struct shop *\n__init sum(struct shop *shop,\n\t   int a, ...)", id="lines"),
        pytest.param("EXPORT_SYMBOL(other);\n#define A 1\n/* Sums; } */\nint __cold sum(void) /* so */", id="after"),
        pytest.param("int sum(int (*of)(int a), int b)", id="a function pointer is passed"),
        pytest.param("int (*sum(int a))(int b)", id="a function pointer is returned"),
    ],
)
def test_a_function_is_the_same_whether_it_is_left_out_or_not(head: str) -> None:
    silent = extract_facts(f"int a;\n\n{head}\n{{\n\treturn 0;\n}}\nint b;\n".encode())
    telling = extract_facts(f"int a;\n\n{head}\n{{\n\treturn shop->ops->open(0);\n}}\nint b;\n".encode())
    assert [function.name for function in silent.functions] == ["sum"]
    assert silent.functions == telling.functions
    assert not silent.calls
    assert telling.calls


def test_the_head_of_a_statement_is_no_function() -> None:
    facts = extract_facts(b"int sum(int a)\n{\n\ta = 1;\nif (a)\n{\n\treturn 1;\n}\n\treturn 0;\n}\n")
    assert "if" not in [function.name for function in facts.functions]


@pytest.mark.parametrize("mark", [b"/*", b"*/", b'"', b"'"])
def test_nothing_is_left_out_where_the_text_is_a_comment_or_a_literal(mark: bytes) -> None:
    data = b"/* for example:\n" + SILENT + b"int c[] = { 1, 2, 3, 4, 5, 6, 7, 8 };\n*/\n" + TELLING
    assert silenced(data) == data
    text = silenced(SILENT.replace(b"a + b", b"a + '" + mark + b"'") + TELLING)
    assert words(text) == words(TELLING)


@given(st.lists(st.sampled_from([SILENT, TELLING, b"#if A\n", b"#else\n", b"#endif\n", b"{\n", b"}\n", b"int f(x)\n"])))
def test_every_byte_and_line_keeps_its_place(parts: list[bytes]) -> None:
    data = b"".join(parts)
    text = silenced(data)
    assert len(text) == len(data)
    assert all(new in (old, *b" /*") and (old != 10 or new == 10) for old, new in zip(data, text, strict=True))


@given(st.lists(st.sampled_from([SILENT, TELLING, b"#if A\n" + SILENT + b"#endif\n"])))
def test_no_fact_is_lost(parts: list[bytes]) -> None:
    facts = extract_facts(b"".join(parts))
    assert len(facts.functions) == len(parts)
    assert len(facts.calls) == parts.count(TELLING)
