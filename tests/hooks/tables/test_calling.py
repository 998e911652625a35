"""What a macro does with its argument, read by expanding it."""

from collections.abc import Iterable

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.tables.calling import MacroReader, MacroReading, argument_at
from kpatch_tools.syntax import ParsedFile, parse_c

HEADER = RepoPath("include/linux/macros.h")
FILE = RepoPath("kernel/user.c")


def nothing(name: str) -> Iterable[tuple[RepoPath, ParsedFile]]:
    return ()


def reader(header: str, own: str = "") -> MacroReader:
    return MacroReader({HEADER: parse_c(header.encode()), FILE: parse_c(own.encode())}, nothing)


def reading(header: str, *, index: int = 0, arguments: tuple[str, ...] = ("x",)) -> MacroReading | None:
    return reader(header).reading(FILE, "M", index, arguments)


@pytest.mark.parametrize(
    ("define", "calls"),
    [
        ("#define M(op) op()", ("",)),
        ("#define M(op) (op)(1)", ("",)),
        ("#define M(op) (*op)(1)", ("",)),
        ("#define M(op) do { if (op) op(); } while (0)", ("",)),
        ("#define M(op) (op).func(1)", ("func",)),
        ("#define M(op) op->func(1)", ("func",)),
        ("#define N(op) op.func(1)\n#define M(op) N(op)", ("func",)),
        ("#define N(t, op, ...) op(__VA_ARGS__)\n#define M(op, a) N(int, op.func, ##a)", ("func",)),
        ('#define M(op) asm volatile("call *%0" : : "m" (op) : "memory")', ("",)),
        ('#define M(op) asm("nop\\n\\tcall *%c[ptr];" : "=a" (r) : [n] "i" (1), [ptr] "i" (&(op.func)))', ("func",)),
        (
            '#define T(op) [ptr] "i" (&(op))\n#define C "call *%c[ptr];"\n#define M(op) asm(C "\\n" : : T(op))',
            ("",),
        ),
        ('#define M(op) asm("mov %0, %1" : "=r" (r) : "m" (op))', ()),
        ('#define M(op) asm("call *%1" : "=r" (op) : "m" (other))', ()),
        ("#define M(op) other(op)", ()),
        ("#define M(op) if (op) (other)(1)", ()),
        ("#define M(op) x.op(1)", ()),
        ('#define M(op) "op()"', ()),
        ("#define M(op) start_##op()", ()),
    ],
)
def test_calls(define: str, calls: tuple[str, ...]) -> None:
    found = reading(define)
    assert found is not None
    assert found.calls == calls


@pytest.mark.parametrize(
    ("define", "stores"),
    [
        ("#define M(op) op = f", (("", "f"),)),
        ("#define M(op) do { if (a) op = (void *)f; else op = NULL; b(); } while (0)", (("", "f"), ("", "NULL"))),
        ("#define M(op) op.func = &f;", (("func", "f"),)),
        ("#define M(op) (op == f)", ()),
        ("#define M(op) x.op = f", ()),
    ],
)
def test_stores(define: str, stores: tuple[tuple[str, str], ...]) -> None:
    found = reading(define)
    assert found is not None
    assert found.stores == stores


@pytest.mark.parametrize(
    ("define", "evaluated"),
    [
        ("#define M(op) other(op)", True),
        ("#define M(op) (offsetof(struct all, op) / sizeof(void *))", False),
        ("#define M(op) sizeof(op)", False),
        ("#define M(op) offsetof(struct op, x)", False),
        ("#define M(op) start_##op = end_##op", False),
        ("#define M(op) #op", False),
        ("#define N(x) offsetof(struct all, x)\n#define M(op) case N(op): goto out", False),
    ],
)
def test_evaluated(define: str, evaluated: bool) -> None:
    found = reading(define)
    assert found is not None
    assert found.evaluated is evaluated


def test_members_that_are_arguments() -> None:
    found = reading("#define M(ops, what) ops->what()", arguments=("table", "reset"))
    assert found is not None
    assert found.calls == ("reset",)


def test_each_definition_counts() -> None:
    found = reading("#ifdef A\n#define M(op) op()\n#else\n#define M(op) op.func()\n#endif\n")
    assert found is not None
    assert found.calls == ("", "func")


def test_no_macro() -> None:
    assert reading("#define M 1") is None
    assert reading("void M(void);") is None


def test_a_macro_of_another_c_file_is_not_seen() -> None:
    macros = MacroReader({RepoPath("a.c"): parse_c(b"#define M(op) op()\n")}, nothing)
    assert macros.reading(FILE, "M", 0, ("x",)) is None


def test_asks_once_for_what_is_not_near() -> None:
    asked: list[str] = []

    def find(name: str) -> Iterable[tuple[RepoPath, ParsedFile]]:
        asked.append(name)
        return [(HEADER, parse_c(b"#define M(op) op()\n"))] if name == "M" else []

    macros = MacroReader({}, find)
    for _ in range(2):
        found = macros.reading(FILE, "M", 0, ("x",))
        assert found is not None
        assert found.calls == ("",)
        assert macros.reading(FILE, "N", 0, ("x",)) is None
    assert asked == ["M", "N"]


WRAPPERS = """\
#define IS(f) ((struct wrapper) { f })
#define THUNK(f) ((struct wrapper) { .func = __thunk_##f })
#ifdef A
#define IDENT IS(one)
#else
#define IDENT IS(two)
#endif
#define CALL(op) op.func()
"""


@pytest.mark.parametrize(
    ("value", "functions"),
    [
        ("IS(native)", ("native",)),
        ("IS( native )", ("native",)),
        ("THUNK(native)", ("native",)),
        ("IDENT", ("one", "two")),
        ("native", ()),
        ("a + b", ()),
        ("CALL(native)", ()),
    ],
)
def test_wrapped(value: str, functions: tuple[str, ...]) -> None:
    assert reader(WRAPPERS).wrapped(FILE, value) == functions


def test_calls_member() -> None:
    assert reader(WRAPPERS).calls_member("func")
    assert not reader(WRAPPERS).calls_member("data")
    assert not reader("#define SET(op) op.func = f\n").calls_member("func")


def test_argument_at() -> None:
    text = b'M(f(a, "),"), x.y, z)'
    assert argument_at(text, 1, text.index(b"x")) == (1, ('f(a, "),")', "x.y", "z"))
    assert argument_at(text, 1, len(text)) is None
    assert argument_at(b"M;", 1, 1) is None
