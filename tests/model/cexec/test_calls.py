"""Calls and names: pointers to functions, structs by value, primitives, files with names of their own."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.model.cexec import Primitive, Program, Trap, Unsupported

SNIPPETS: Mapping[str, tuple[str, int]] = {
    "arguments are converted": (
        "static long f(unsigned char c, int i) { return c * 1000 + i; } long test(void) { return f(300, 5UL); }",
        44005,
    ),
    "results are converted": ("static unsigned char f(void) { return 300; } long test(void) { return f(); }", 44),
    "negative results": (
        "static int f(void) { return -22; } long test(void) { return f() + (long)(unsigned)f(); }",
        2**32 - 44,
    ),
    "pointer to a function": (
        "static int add(int a, int b) { return a + b; } long test(void) { int (*f)(int, int) = add;"
        " return f(1, 2) + (*f)(3, 4); }",
        10,
    ),
    "table of functions": (
        "static int a(void) { return 1; } static int b(void) { return 2; } static int (*table[])(void) = { a, b };"
        " long test(void) { int s = 0; for (int i = 0; i < 2; i++) s = s * 10 + table[i](); return s; }",
        12,
    ),
    "function as an argument": (
        "static int twice(int (*f)(int), int n) { return f(f(n)); } static int inc(int n) { return n + 1; }"
        " long test(void) { return twice(inc, 5) + twice(&inc, 0); }",
        9,
    ),
    "comparing functions": (
        "static int a(void) { return 1; } static int b(void) { return 2; }"
        " long test(void) { int (*f)(void) = a; return (f == a) * 10 + (f == b) + !f; }",
        10,
    ),
    "function returning a pointer to a function": (
        "static int one(void) { return 1; } static int (*pick(void))(void) { return one;"
        " } long test(void) { return pick()(); }",
        1,
    ),
    "struct by value": (
        "struct p { int x, y; long z; }; static struct p swap(struct p v) { int t = v.x; v.x = v.y;"
        " v.y = t; v.z++; return v; }"
        " long test(void) { struct p a = { 1, 2, 3 }; struct p b = swap(a);"
        " return a.x * 1000 + b.x * 100 + b.y * 10 + b.z; }",
        1214,
    ),
    "member of a returned struct": (
        "struct p { int x, y; long z; }; static struct p make(int n) { return (struct p){ n, n + 1, n + 2 }; }"
        " long test(void) { return make(1).y * 10 + make(4).z; }",
        26,
    ),
    "wrapping struct by value": (
        "typedef struct { unsigned long v; } w_t; static w_t mk(unsigned long v) { return (w_t){ v }; }"
        " static unsigned long val(w_t w) { w.v += 1; return w.v; }"
        " long test(void) { w_t w = mk(5); w_t *p = &w; unsigned long a = val(*p); p->v |= 8; return a * 100 + w.v; }",
        613,
    ),
    "wrapping struct in a wrapping struct": (
        "typedef struct { unsigned long v; } w_t; typedef struct { w_t w; } ww_t;"
        " static ww_t mk(unsigned long v) { ww_t r; r.w.v = v; return r; } long test(void) { return mk(7).w.v; }",
        7,
    ),
    "a struct with one function pointer": (
        "struct ops { int (*f)(int); }; struct all { struct ops a, b; }; static int inc(int n) { return n + 1; }"
        " static struct all all = { .b = { .f = inc } }; static struct ops copy;"
        " long test(void) { copy = all.b; all.a.f = copy.f; return all.a.f(1) * 10 + copy.f(2); }",
        23,
    ),
    "struct through a conditional": (
        "struct p { int x, y; long z; }; long test(void) { struct p a = { 1 }, b = { 2 }; int n = 1;"
        " struct p c = n ? a : b; return c.x; }",
        1,
    ),
    "array parameter": (
        "static int f(int a[4]) { return sizeof(a) * 10 + a[1]; } long test(void) { int a[4] = { 1, 2 };"
        " return f(a); }",
        82,
    ),
    "old-style declaration": ("static int f(); static int f(int n) { return n; } long test(void) { return f(4); }", 4),
    "void function in a conditional": (
        "static int n; static void a(void) { n = 1; } static void b(void) { n = 2;"
        " } long test(void) { int z = 0; z ? a() : b(); return n; }",
        2,
    ),
    "void returns void": (
        "static int n; static void a(void) { n = 1; } static void b(void) { return a();"
        " } long test(void) { b(); return n; }",
        1,
    ),
    # What the grammar misreads
    "cast that looks like a call": ("typedef unsigned char T; long test(void) { int x = 300; return (T)(x); }", 44),
    "casts that look like calls of calls": (
        "typedef int W; typedef unsigned char T; typedef long L; long test(void) { int x = 300;"
        " return (L)(W)(T)(x) + (W)(T)(x); }",
        88,
    ),
    "a function declared inside another": (
        "long test(void) { extern int later(int); return later(3); } int later(int n) { return n * 2; }",
        6,
    ),
    "a variable declared inside a function": (
        "long test(void) { extern int later_n; return later_n; } int later_n = 6;",
        6,
    ),
    "cast that looks like a subtraction": (
        "typedef unsigned char T; long test(void) { int x = 1; return (T) - x * 2; }",
        510,
    ),
    "cast of an address": (
        "typedef unsigned long T; long test(void) { int x = 1; return (T) & x == (unsigned long)&x; }",
        1,
    ),
    "cast of a dereference": ("typedef unsigned char T; long test(void) { int x = 300, *p = &x; return (T) * p; }", 44),
    "subtraction that looks like a cast": (
        "static int f(void) { return 9; } long test(void) { int x = 2; return (f()) - x * 3; }",
        3,
    ),
    "cast before what looks like a cast": (
        "typedef unsigned char T; static int f(void) { return 300; } long test(void) { int x = 2;"
        " return (T)(f()) + x; }",
        46,
    ),
    "unary before what looks like a cast": (
        "static int f(void) { return 3; } long test(void) { int x = 2; return -(f()) + x; }",
        -1,
    ),
    "logical operators after it": (
        "static int f(void) { return 0; } long test(void) { int x = 2; return (f()) - x && x || 0; }",
        1,
    ),
    "conjunction that looks like a cast": (
        "static int one(void) { return 1; } static int e = 2; long test(void) { int b = 4, c = 2;"
        " return ((one()) && e) * 1000 + ((b * (c)) && (e == 2)) * 100 + ((one()) && e == 3 || (b * (c)) &"
        " e) * 10 + ((one()) & 3); }",
        1101,
    ),
    "address behind what looks like a cast": (
        "static int one(void) { return 1; } static int e = 2;"
        " long test(void) { return ((one()) * *&e) * 10 + ((one()) & (long)&e); }",
        20,
    ),
    "prefixes of what looks like a cast": (
        "static int v = 4; static int *f(void) { return &v; } static int g(void) { return 0; } static int x = 2;"
        " typedef unsigned char T; long test(void) { int n = 0; if (!(g()) && x) n = 1;"
        " int *p = &v, **pp = &p; (void)pp;"
        " return n + (*(f()) + x) * 10 + (-*(f()) + x * 8) * 100 + ((T)*(f()) - x) * 10000 + (!(g()) == 1"
        " && !(g()) && x) * 100000; }",
        1 + 60 + 1200 + 20000 + 100000,
    ),
    "what looks like a cast in the middle": (
        "static int f(void) { return 3; } long test(void) { int x = 20, y = 5;"
        " return x - (f()) - y + (x - (f()) * y) * 100"
        " + (x > 1 && (f()) && y > 4 && (f()) - 3 == 0) * 10000; }",
        12 + 500 + 10000,
    ),
    "cast of a member": (
        "typedef unsigned char T; struct s { int x; }; long test(void) { struct s s = { 300 }, *p = &s;"
        " return (T)(p)->x + (T)(s).x; }",
        88,
    ),
    "cast of an element": ("typedef unsigned char T; long test(void) { int a[2] = { 1, 300 }; return (T)(a)[1]; }", 44),
    "cast of a call through a pointer": (
        "typedef unsigned char T; static int f(int n) { return n; } long test(void) { int (*p)(int) = f;"
        " return (T)(p)(300); }",
        44,
    ),
    "sizeof in parentheses": (
        "typedef char T; long test(void) { int n = 3; return sizeof(T) * n + sizeof(n) - 1; }",
        6,
    ),
}


@pytest.mark.parametrize("name", SNIPPETS)
def test_value(name: str, program: Callable[..., Program]) -> None:
    text, expected = SNIPPETS[name]
    assert (program(text).call("test") + 2**63) % 2**64 - 2**63 == expected


def test_gcc_agrees(native: Callable[[Mapping[str, str]], dict[str, int]]) -> None:
    results = native({name: text for name, (text, _) in SNIPPETS.items()})
    assert results == {name: expected for name, (_, expected) in SNIPPETS.items()}


def test_primitive_replaces_a_definition(program: Callable[..., Program]) -> None:
    text = "int f(int n) { return n; } long test(void) { return f(1) + (&f)(2); }"
    assert program(text, primitives={"f": lambda n: n * 100}).call("test") == 300


def test_primitive_for_a_declaration_gets_converted_arguments(program: Callable[..., Program]) -> None:
    seen: list[tuple[int, ...]] = []

    def note(*arguments: int) -> None:
        seen.append(arguments)

    text = "void note(unsigned char, long, const char *); void test(void) { note(300, -1, 0); }"
    assert program(text, primitives={"note": note}).call("test") == 0
    assert seen == [(44, -1, 0)]


def test_primitives_result_is_converted(program: Callable[..., Program]) -> None:
    text = "unsigned long f(void); long test(void) { return f() > 0 && (f() >> 60) == 15; }"
    assert program(text, primitives={"f": lambda: -22}).call("test") == 1


def test_undeclared_primitive_has_the_type_it_gives(program: Callable[..., Program]) -> None:
    text = "long test(void) { return frames() >> 60; }"
    primitives = {"frames": Primitive(lambda: 2**64 - 1, result="unsigned long")}
    assert program(text, primitives=primitives).call("test") == 15


def test_fallback_only_where_nothing_is_defined(program: Callable[..., Program]) -> None:
    text = "int f(void) { return 1; } int g(void); long test(void) { return f() * 10 + g(); }"
    assert program(text, fallbacks={"f": lambda: 5, "g": lambda: 7}).call("test") == 17


def test_variadic_primitive(program: Callable[..., Program]) -> None:
    seen: list[object] = []

    def show(text: int, *arguments: int) -> int:
        seen.append((running.string(text), *arguments))
        return 0

    text = 'int show(const char *text, ...); void test(void) { char c = -1; show("%d %lx", c, 5UL); }'
    running = program(text, primitives={"show": show})
    running.call("test")
    assert seen == [("%d %lx", -1, 5)]


def test_variadic_definition_ignores_what_it_does_not_name(program: Callable[..., Program]) -> None:
    assert program("static int f(int a, ...) { return a; } int test(void) { return f(4, 5, 6); }").call("test") == 4


def test_struct_by_value_is_bytes_in_a_primitive(program: Callable[..., Program]) -> None:
    seen: list[object] = []
    text = "struct p { int x, y, z; }; void f(struct p); void test(void) { struct p p = { 1, 2, 3 }; f(p); }"
    program(text, primitives={"f": seen.append}).call("test")
    assert seen == [b"\1\0\0\0\2\0\0\0\3\0\0\0"]


def test_missing_function_is_unsupported_where_it_is_called(program: Callable[..., Program]) -> None:
    text = "int gone(void);\nint test(int n) {\n\tif (n)\n\t\treturn gone();\n\treturn 5;\n}"
    running = program(text)
    assert running.call("test", 0) == 5
    with pytest.raises(Unsupported, match=r"test\.c:4: call of 'gone'"):
        running.call("test", 1)


def test_undeclared_function_is_unsupported(program: Callable[..., Program]) -> None:
    with pytest.raises(Unsupported, match="call of undeclared function 'gone'"):
        program("int test(void) { return gone(); }").call("test")


def test_call_through_a_bad_pointer_traps(program: Callable[..., Program]) -> None:
    with pytest.raises(Trap, match="call of 0x10") as caught:
        program("int test(void) { int (*f)(void) = (int (*)(void))16; return f(); }").call("test")
    assert (caught.value.kind, caught.value.address) == ("wild-call", 16)


def test_static_functions_of_two_files_are_different(program: Callable[..., Program]) -> None:
    files = {
        "a.c": "static int n = 1; static int own(void) { return n; } int a(void) { return own(); }",
        "b.c": "static int n = 2; static int own(void) { return n * 10; } int b(void) { return own(); }",
    }
    running = program(files)
    assert (running.call("a"), running.call("b")) == (1, 20)


def test_a_definition_wins_over_a_weak_one(program: Callable[..., Program]) -> None:
    files = {
        "a.c": "int __attribute__((weak)) f(void) { return 1; } int test(void) { return f(); }",
        "b.c": "int f(void) { return 2; }",
    }
    assert program(files).call("test") == 2


def test_variable_of_another_file(program: Callable[..., Program]) -> None:
    files = {"a.c": "extern int n; int test(void) { return n; }", "b.c": "int n = 4;"}
    running = program(files)
    assert (running.call("test"), running.undefined_globals) == (4, ())
