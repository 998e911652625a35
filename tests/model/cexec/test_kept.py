"""A program made from what an earlier one knew: it does the same, and needs the unit for nothing that is known."""

import marshal
from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.model.cexec import COMPILER, FlatMemory, Program, Trap, Unit, Unsupported, load_unit
from kpatch_tools.model.cexec.encoding import decode_type, encode_type
from kpatch_tools.model.cexec.types import BOOL, IncompleteType

Load = Callable[[str], Unit]


@pytest.fixture
def load(sources: Callable[[Mapping[str, str]], object]) -> Load:
    return lambda text: load_unit(sources({"test.c": text}), [RepoPath("test.c")], COMPILER)  # type: ignore[arg-type]


def never() -> Unit:
    raise AssertionError("the unit is asked for")


def again(program: Program, unit: Callable[[], Unit] = never, **options: object) -> Program:
    """A program of what is kept of another, as if read from a disk."""
    return Program(unit, FlatMemory(), kept=marshal.loads(marshal.dumps(program.state())), **options)


TEXT = """
typedef unsigned long ulong; typedef _Bool flag;
enum { FIVE = 5, SIX };
struct pair { int a; struct { short b; unsigned c : 3, d : 9; } in; ulong list[3]; struct pair *next; };
struct pair pairs[2] = { { 1, { 2, 3, 4 }, { 5, 6, 7 }, pairs + 1 }, { 8 } };
static int count = 40;
int ticks;
const char *words = "some words";
static int add(int a, signed char b) { static int calls = 2; calls++; return a + b + calls; }
static flag odd(ulong x) { return x & 1; }
int (*hook)(int, signed char) = add;
typedef flag tester(ulong);
tester *test = odd;
int go(int by) { ticks++; count += hook(by, 300); return count + test(by) + pairs[0].in.d + words[1]; }
int late(int by) { static int late_calls = 100; return go(by) + pairs[1].a + ticks + late_calls++; }
"""


def test_it_does_the_same_without_the_unit(load: Load) -> None:
    program = Program(load(TEXT), FlatMemory())
    expected = []
    for _ in range(2):
        program.reset()
        expected.append([program.call("go", 3), program.call("go", 4), program.read_global("count")])
    kept = again(program)
    assert not kept.is_loaded
    assert [kept.call("go", 3), kept.call("go", 4), kept.read_global("count")] == expected[1]
    kept.reset()
    assert [kept.call("go", 3), kept.call("go", 4), kept.read_global("count")] == expected[0] == expected[1]
    assert kept.compiled == program.compiled


def test_it_answers_what_was_asked(load: Load) -> None:
    program = Program(load(TEXT), FlatMemory())

    def answers(of: Program) -> list[object]:
        pair = of.struct("pair")
        fields = [pair.member(path) for path in ("a", "in.b", "in.c", "in.d", "list[2]", "next")]
        return [
            pair.size,
            [(field.offset, field.type.size, field.shift, field.width) for field in fields],
            of.constant("SIX * 2"),
            [of.enumerator(name) for name in ("SIX", "SEVEN")],
            [of.has_function(name) for name in ("go", "come")],
            [of.has_global(name) for name in ("count", "go")],
            [of.has_member(*path) for path in (("pair", "in.b"), ("pair", "in.x"), ("trio", "a"))],
            [of.mentions("go", name) for name in ("ticks", "tick")],
            of.address_of("pairs"),
            of.type_of("pairs").size,
            of.address_of("add"),
            of.function_name(of.address_of("add")),
            of.profile_name,
        ]

    first = answers(program)
    kept = again(program)
    assert answers(kept) == first
    assert not kept.is_loaded


def test_what_is_new_is_found_in_the_unit_and_shares_what_exists(load: Load) -> None:
    program = Program(load(TEXT), FlatMemory())
    program.call("go", 3)
    kept = again(program, lambda: load(TEXT))
    program.reset()
    expected = program.call("late", 3)
    assert kept.call("late", 3) == expected
    assert kept.is_loaded
    assert [kept.address_of(name) for name in ("pairs", "count", "words")] == [
        program.address_of(name) for name in ("pairs", "count", "words")
    ]
    further = again(kept)
    assert further.call("late", 3) == expected
    assert further.compiled == kept.compiled


def test_a_pointer_to_what_is_not_translated_yet_still_works(load: Load) -> None:
    text = "static int one(void) { return 1; } int (*f)(void) = one;"
    text += "int get(void) { return f != 0; } int use(void) { return f(); }"
    program = Program(load(text), FlatMemory())
    program.call("get")
    kept = again(program, lambda: load(text))
    address = kept.read_global("f")
    assert kept.function_name(address) == "one"
    assert (kept.call_address(address), kept.call("use")) == (1, 1)


def test_calls_keep_their_places(load: Load) -> None:
    text = (
        "int zero;\nint inner(int x)\n{\n\treturn x /\n\t\tzero;\n}\nint outer(int x)\n{\n\treturn inner(x) + 1;\n}\n"
    )
    program = Program(load(text), FlatMemory())
    chains = []
    for each in (program, None):
        current = each or again(program)
        with pytest.raises(Trap):
            current.call("outer", 3)
        chains.append([str(frame) for frame in current.call_chain()])
    assert chains[0] == chains[1]
    assert chains[0][1] == "outer (test.c:9)"


def test_a_function_of_an_incomplete_type_is_kept_as_an_address(load: Load) -> None:
    text = "struct s; struct s f(void); void *get(void) { return f; } int use(void) { return f != 0; }"
    program = Program(load(text), FlatMemory())
    address = program.call("get")
    kept = again(program)
    assert kept.call("get") == address
    assert kept.function_name(address) == "f"
    with pytest.raises(Unsupported):
        kept.call_address(address)


def test_primitives_and_fallbacks_are_the_new_programs_own(load: Load) -> None:
    text = "int there(void); int own(void) { return 1; } int use(void) { return 10 * there() + own(); }"
    options = {"primitives": {"there": lambda: 4}, "fallbacks": {"own": lambda: 9}}
    program = Program(load(text), FlatMemory(), **options)  # type: ignore[arg-type]
    assert program.call("use") == 41
    assert again(program, **{**options, "primitives": {"there": lambda: 7}}).call("use") == 71


def test_a_bool_stays_one() -> None:
    """It is told by identity from an unsigned char."""
    assert decode_type(marshal.loads(marshal.dumps(encode_type(BOOL)))) is BOOL


def test_an_incomplete_record_is_not_kept(load: Load) -> None:
    program = Program(load("struct s; extern struct s x;"), FlatMemory())
    with pytest.raises(IncompleteType):
        encode_type(program.declarations.record("s"))
