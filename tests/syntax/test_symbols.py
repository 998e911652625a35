"""Names used and names declared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.span import Span
from kpatch_tools.syntax import functions, parse_c
from kpatch_tools.syntax.symbols import (
    KEYWORDS,
    called_functions,
    declared_names,
    declares,
    identifiers,
    spans_of_lines,
)


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (b"a = b(0x1fUL, c.d->e);", ["a", "b", "c", "d", "e"]),
        (b"log(\"x y\", 'z'); /* no */ // nor this\n", ["log"]),
        (b"/* never closed", []),
        (b"int f(void) __attribute__((section(quiet)));", ["f"]),
        (b"if (__builtin_expect(p, 1)) return sizeof(q);", ["p", "q"]),
        (b"1e5f 0b1 7.name x1", ["x1"]),
        (b'"a \\" b" c', ["c"]),
    ],
)
def test_identifiers_are_what_the_compiler_would_look_up(code: bytes, names: list[str]) -> None:
    assert list(identifiers(code)) == names


NAME = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in KEYWORDS)


@given(st.lists(NAME, max_size=6), st.sampled_from([" ", "\n", " + ", "(", " /* gap */ ", ' "gap" ']))
def test_each_name_is_found_where_it_first_stands(names: list[str], between: str) -> None:
    code = between.join(names).encode()
    found = identifiers(code)
    assert set(found) == set(names)
    assert all(code[offset:].startswith(name.encode()) for name, offset in found.items())


def test_everything_a_file_brings_into_being_is_declared() -> None:
    source = b"""\
#define LIMIT 3
#define TWICE(arg) ((arg) * 2)
typedef unsigned long word_t;
struct point { int x, *y; struct { int deep; } in; };
enum colour { RED, GREEN = 2 };
static struct point *(*handler)(int when), table[LIMIT];
DEFINE_THING(thing);
int f(int first, char *second)
{
	int local = RED, (*pointer)(void);
again:
	other(local);
	goto again;
}
"""
    found = declared_names(parse_c(source))
    assert {"LIMIT", "TWICE", "arg", "word_t", "point", "x", "y", "deep", "in", "colour", "RED", "GREEN"} <= found
    assert {"handler", "when", "table", "thing", "f", "first", "second", "local", "pointer", "again"} <= found
    assert "other" not in found


def test_a_macro_around_a_variables_name_declares_it() -> None:
    found = declared_names(parse_c(b"void f(void)\n{\n\tunsigned long not_set(wrapped);\n\twrapped = 1;\n}\n"))
    assert "wrapped" in found
    assert "thing_t" not in declared_names(parse_c(b"void f(thing_t);\n"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"extern int x;", True),
        (b"int x(void);", True),
        (b"static int y, *x[3];", True),
        (b"#ifdef A\nint x(void)\n{\n}\n#endif\n", True),
        (b"int f(int x)\n{\n\tint x;\n}\n", False),
        (b"struct s { int x; };", False),
        (b"int z = x;", False),
    ],
)
def test_only_file_level_functions_and_variables_count_as_declared(source: bytes, expected: bool) -> None:
    assert declares(parse_c(source), "x") is expected


def test_only_calls_by_name_are_calls() -> None:
    parsed = parse_c(b"void f(void)\n{\n\tg(h());\n\tops->run(1);\n\t(*late)();\n\tg(2);\n\tuse(name);\n}\n")
    (definition,) = functions(parsed)
    found = called_functions(definition)
    assert list(found) == ["g", "h", "use"]
    assert parsed.source[found["g"] :].startswith(b"g(h")


def test_lines_beyond_the_end_have_no_span() -> None:
    assert spans_of_lines(b"ab\nc\n", (1, 2, 3, 4, 0)) == (Span(0, 3), Span(3, 5), Span(5, 5))
    assert spans_of_lines(b"ab\nc", (2,)) == (Span(3, 4),)
    assert spans_of_lines(b"", (1,)) == (Span(0, 0),)
