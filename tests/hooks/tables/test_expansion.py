"""Macros through which a table is reached."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.tables.expansion import TableMacro, expand, table_macros
from kpatch_tools.syntax import parse_c


def macros_of(source: str) -> Mapping[str, TableMacro]:
    return table_macros({RepoPath("a.c"): parse_c(source.encode())}, "ops")


def expanded(source: str) -> str:
    return expand(source.encode(), macros_of(source).values()).decode()


@pytest.mark.parametrize(
    ("define", "use", "result"),
    [
        ("#define A ops.a", "A = f;", "ops.a = f;"),
        ("#define A(x) ops.x", "A(a) = f;", "ops.a = f;"),
        ("#define A(x, y) (ops.x = y)", "A(a, g(1, 2));", "(ops.a = g(1, 2));"),
        ("#define A() ops.a()", "A();", "ops.a();"),
        ("#define A(x) ops.a(x, \"x\", 'x')", "A(1);", "ops.a(1, \"x\", 'x');"),
        ("#define A(x) ops.a(x)", 'A(")");', 'ops.a(")");'),
        ("#define A ops.a", "AA = my_A;", "AA = my_A;"),
        ("#define A(x) ops.x", "int A;", "int A;"),
        ("#define A ops.a /* not /* here */", "A = f;", "ops.a = f;"),
        ("#define A ops.a", 'p("A"); /* A */', 'p("A"); /* A */'),
    ],
)
def test_expand(define: str, use: str, result: str) -> None:
    assert expanded(f"{define}\n{use}\n") == f"{define}\n{result}\n"


def test_lines_stay() -> None:
    source = "#define A(x, y) do { \\\n\tops.x = y; \\\n} while (0)\nA(a,\n  f);\nlast\n"
    result = expanded(source)
    assert result.count("\n") == source.count("\n")
    assert result.split("\n")[3].startswith("do {")
    assert result.split("\n")[5] == "last"


def test_macros_of_macros() -> None:
    found = macros_of("#define B A.b\n#define A ops.a\n#define C c\n")
    assert set(found) == {"A", "B"}


@pytest.mark.parametrize(
    "define", ["#define A(ops) ops.a", "#define A xops.a", '#define A "ops"', "#if 0\n#define A ops\n#endif"]
)
def test_no_table_macro(define: str) -> None:
    assert macros_of(define + "\n") == {}


@pytest.mark.parametrize(
    "define", ["#define A(x) ops.a ## x", "#define A(x) ops.f(#x)", "#define A(...) ops.a(__VA_ARGS__)"]
)
def test_pasting_is_not_followed(define: str) -> None:
    (macro,) = macros_of(define + "\n").values()
    assert not macro.expandable
    assert expanded(define + "\nA(1);\n") == define + "\nA(1);\n"


def test_a_macro_of_itself_ends() -> None:
    assert expanded("#define A ops.A\nA;\n").endswith(".A;\n")


@given(st.lists(st.sampled_from(["A", "(", ")", ",", "\n", '"', "/*", "*/", " ", "x", "#", "\\\n"])).map("".join))
def test_line_count_is_kept(text: str) -> None:
    macro = TableMacro("A", ("x",), b"ops.x", RepoPath("a.c"), 1)
    assert expand(text.encode(), [macro]).count(b"\n") == text.count("\n")
