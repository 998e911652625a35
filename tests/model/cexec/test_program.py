"""The program as its callers see it: data, places, what stops it."""

from collections.abc import Callable

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model.cexec import GlobalVariable, Program, Trap, Unsupported

Build = Callable[..., Program]


def test_reads_and_writes_globals(program: Build) -> None:
    running = program("int n = -5; unsigned long u; struct { long v; } w = { 7 }; long test(void) { return n + u; }")
    running.write_global("u", -1)
    running.write_global("n", 2**32 + 3)
    assert (running.read_global("n"), running.read_global("u"), running.read_global("w")) == (3, 2**64 - 1, 7)
    assert running.call("test") == 2


def test_global_that_is_no_scalar(program: Build) -> None:
    with pytest.raises(KpatchError, match="'a' is a int"):
        program("int a[3];").read_global("a")


def test_unknown_names(program: Build) -> None:
    running = program("int n;")
    for attempt in (running.address_of, running.type_of, running.read_global, running.call):
        with pytest.raises(KpatchError) as caught:
            attempt("nothing")
        assert caught.value.code == "unknown-symbol"
    with pytest.raises(KpatchError) as caught:
        running.struct("nothing")
    assert caught.value.code == "unknown-struct"


def test_a_variable_of_unknown_layout(program: Build) -> None:
    running = program("struct hidden; extern struct hidden h; int test(void) { return &h != 0; }")
    with pytest.raises(Unsupported, match="'h': struct hidden has no definition"):
        running.address_of("h")


def test_a_result_that_is_not_returned(program: Build) -> None:
    text = "static int f(int n) { if (n) return 1; } int test(int n) { return f(n) + 1; }"
    running = program(text)
    assert running.call("test", 1) == 2
    with pytest.raises(Unsupported, match="returned none"):
        running.call("test", 0)


def test_what_the_unit_has(program: Build) -> None:
    running = program("int gone(void); extern int e; int f(void) { return 1; } enum { A = 4 };", primitives={"p": int})
    assert (running.has_function("f"), running.has_function("gone"), running.has_function("p")) == (True, False, False)
    assert (running.has_global("e"), running.has_global("f")) == (True, False)
    assert running.constant("A * 2") == 8


def test_struct_paths(program: Build) -> None:
    running = program("struct in { long a; int b; }; struct out { int n; struct in v[3]; union { int x; long y; }; };")
    out = running.struct("out")
    assert (out.size, out.offset("v[2].b"), out.offset("y"), out.has("v[0].c")) == (64, 48, 56, False)
    assert running.has_member("out", "n")
    assert not running.has_member("out", "m")


def test_reset_restores_initial_data(program: Build) -> None:
    running = program("static int n = 5; static int z; int test(void) { z += 1; return n++ * 10 + z; }")
    assert [running.call("test"), running.call("test")] == [51, 62]
    running.reset()
    assert running.call("test") == 51


def test_translation_is_on_demand(program: Build) -> None:
    running = program("int f(void) { return 1; } int g(void) { return 2; } int test(void) { return f(); }")
    assert running.compiled == ()
    running.call("test")
    assert running.compiled == ("test", "f")


def test_call_chain_inside_a_primitive_and_after_a_fault(program: Build) -> None:
    chains: list[list[str]] = []

    def look(stop: int) -> int:
        chains.append([str(frame) for frame in running.call_chain()])
        if stop:
            raise ArithmeticError
        return 0

    text = (
        "int look(int);\nint inner(int s) {\n\treturn look(s);\n}\nint test(int s)\n{\n\tint n ="
        " 1;\n\treturn n +\n\t\tinner(s);\n}"
    )
    running = program(text, primitives={"look": look})
    running.call("test", 0)
    assert running.call_chain() == ()
    with pytest.raises(ArithmeticError):
        running.call("test", 1)
    expected = ["inner (test.c:3)", "test (test.c:8)"]
    assert chains == [expected, expected]
    assert [str(frame) for frame in running.call_chain()] == expected


def test_primitive_may_call_back(program: Build) -> None:
    text = "int back(int); int f(int n) { return n + 1; } int test(void) { int x = 3; return back(x) * 10 + x; }"
    running = program(text, primitives={"back": lambda n: running.call("f", n)})
    assert running.call("test") == 43


def test_calls_by_address(program: Build) -> None:
    running = program("int f(int n) { return n + 1; } int (*slot)(int) = f;")
    address = running.read_global("slot")
    assert (running.call_address(address, 2), running.function_name(address)) == (3, "f")
    assert running.address_of("f") == address
    with pytest.raises(Trap):
        running.call_address(address + 1)


def test_uninitialised_local_is_unsupported(program: Build) -> None:
    running = program("int test(int n)\n{\n\tint x;\n\tif (n)\n\t\tx = 5;\n\treturn x;\n}")
    assert running.call("test", 1) == 5
    with pytest.raises(Unsupported, match=r"test\.c:6: read of the uninitialised variable 'x'"):
        running.call("test", 0)


def test_frame_fill_shows_a_dependence_on_uninitialised_memory(program: Build) -> None:
    text = (
        "int test(void) { unsigned char a[4]; a[1] = 1; return a[2] + a[1];"
        " } int sound(void) { int a[2] = { 3 }; return a[0]; }"
    )
    results = [
        (running.call("test"), running.call("sound"))
        for running in (program(text, frame_fill=fill) for fill in (0, 0xA5))
    ]
    assert results == [(1, 3), (0xA6, 3)]


def test_inline_assembly_is_unsupported_where_it_is_reached(program: Build) -> None:
    running = program('int test(int n) {\n\tif (n)\n\t\tasm volatile("cli" ::: "memory");\n\treturn 5;\n}')
    assert running.call("test", 0) == 5
    with pytest.raises(Unsupported) as caught:
        running.call("test", 1)
    assert (caught.value.place, caught.value.construct) == (("test.c", 3), "inline assembly")


@pytest.mark.parametrize(
    ("text", "construct"),
    [
        ("int test(void) { double d = 1.5; return d > 1; }", "1.5"),
        ("int test(int n) { goto in; if (n) { in: return 1; } return 0; }", "goto in"),
        ("int test(int n) { switch (n) { case 0: if (n) { case 1: return 1; } } return 0; }", "case label"),
        ("struct s; int test(struct s *p) { return sizeof(*p); }", "no definition"),
        ("struct s { int a; frob(x) int b; }; int test(void) { return sizeof(struct s); }", "unparsed member"),
        ("enum { A, B = 3 4, C }; int test(void) { return C; }", "unknown identifier 'C'"),
        ("int a[] = { 1, 2 + }; int test(void) { return a[0]; }", "unparsed initialiser"),
        ("int test(void) { return nothing; }", "unknown identifier 'nothing'"),
        ("int test(void) { void *p = &&l; l: return p != 0; }", ""),
        ("int test(void) { int n = 3 +; return n; }", "unparsed"),
    ],
)
def test_what_is_not_executed_is_said(text: str, construct: str, program: Build) -> None:
    with pytest.raises(Unsupported) as caught:
        program(text).call("test", *([1] if "test(void)" not in text else []))
    assert construct in caught.value.construct
    assert caught.value.place is not None


def test_the_place_of_what_stands_in_a_typeof(program: Build) -> None:
    text = (
        "int first(void) { return 1; }\nint test(int n) {\n\tif (n)\n\t\treturn"
        " sizeof(typeof(nothing));\n\treturn 0;\n}"
    )
    with pytest.raises(Unsupported) as caught:
        program(text).call("test", 1)
    assert caught.value.place == ("test.c", 4)


def test_lines_of_a_loop(program: Build) -> None:
    text = (
        "int at(int);\nint test(void)\n{\n\tint i;\n\tfor (i = at(0); at(1) + i < 2;\n\t     i += at(2))\n"
        "\t\tat(3);\n\tdo {\n\t\tat(4);\n\t} while (at(5));\n\treturn 0;\n}"
    )
    lines: list[tuple[int, int]] = []

    def at(where: int) -> int:
        lines.append((where, running.call_chain()[0].line))
        return 1 if where == 2 else 0

    running = program(text, primitives={"at": at})
    running.call("test")
    assert dict(lines) == {0: 5, 1: 5, 2: 6, 3: 7, 4: 9, 5: 10}


def test_division_by_zero_traps(program: Build) -> None:
    running = program("int s(int a, int b) { return a / b; } unsigned u(unsigned a, unsigned b) { return a % b; }")
    for name in ("s", "u"):
        with pytest.raises(Trap) as caught:
            running.call(name, 1, 0)
        assert caught.value.kind == "divide-error"


def test_endless_recursion_traps(program: Build) -> None:
    with pytest.raises(Trap) as caught:
        program("int test(int n) { return test(n + 1) + 1; }").call("test", 0)
    assert caught.value.kind == "stack-overflow"


def test_long_chains_of_else_if(program: Build) -> None:
    chain = "".join(f"if (n == {number}) return {number * 2}; else " for number in range(150))
    assert program(f"int test(int n) {{ {chain} return -1; }}").call("test", 149) == 298


def test_what_is_nested_too_deeply_is_no_verdict_about_the_guest(program: Build) -> None:
    sums = "(" * 900 + "n" + "+ 1)" * 900
    with pytest.raises(Unsupported, match="nested too deeply"):
        program(f"int test(int n) {{ return {sums}; }}").call("test", 1)


def test_large_frames_are_checked(program: Build) -> None:
    text = "int test(int n) { char room[65536]; room[n] = 1; return n ? test(n - 1) + room[n] : 0; }"
    running = program(text)
    assert running.call("test", 3) == 3
    with pytest.raises(Trap) as caught:
        running.call("test", 30)
    assert caught.value.kind == "stack-overflow"
    assert running.call("test", 3) == 3


def test_placement(program: Build) -> None:
    asked: dict[str, GlobalVariable] = {}

    def place(variable: GlobalVariable) -> int | None:
        asked[variable.name] = variable
        return 0xFFFF_FFFF_8123_4000 if variable.name == "_end" else None

    text = "extern char _end[]; int n = 1; unsigned long test(void) { return (unsigned long)_end + n; }"
    running = program(text, placement=place)
    assert running.call("test") == 0xFFFF_FFFF_8123_4001
    assert (asked["_end"].size, asked["_end"].defined, asked["n"].size, asked["n"].defined) == (0, False, 4, True)
    assert running.undefined_globals == ("_end",)


def test_aligned_variable(program: Build) -> None:
    running = program("char a[3] __attribute__((aligned(4096))); long test(void) { return (long)a & 4095; }")
    assert running.call("test") == 0


def test_strings_are_shared_and_readable(program: Build) -> None:
    running = program('const char *a(void) { return "text"; } const char *b(void) { return "te" "xt"; }')
    address = running.call("a")
    assert running.call("b") == address == running.string_address(b"text")
    assert running.string(address) == "text"


def test_source_is_readable(program: Build) -> None:
    assert "(p_n>3)" in program("int test(int n) { while (n > 3) n--; return n; }").source_of("test")
