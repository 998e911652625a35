"""What is rewritten before the grammar sees a translation unit."""

from collections.abc import Callable

from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax.preprocessor import Preprocessor
from kpatch_tools.syntax.translation_unit import TranslationUnit, definitions, parse_expression, parse_unit


def _unit(text: str, sources: Callable[..., object]) -> TranslationUnit:
    preprocessor = Preprocessor(sources({"t.c": text}))
    preprocessor.include(RepoPath("t.c"))
    return parse_unit(preprocessor.output())


def test_typeof_becomes_a_name(sources: Callable[..., object]) -> None:
    unit = _unit("void f(int a) { typeof(a) b; __typeof__(typeof(a) *) c; typeof(a) d; }", sources)
    assert not unit.root.has_error
    assert dict(unit.typeof_operands) == {"__typeof_0": "a", "__typeof_1": "__typeof_0 *"}


def test_typeof_over_lines(sources: Callable[..., object]) -> None:
    unit = _unit("void f(int a)\n{\n\ttypeof(a +\n\t\t1) b;\n\ta = 2;\n}", sources)
    assert dict(unit.typeof_operands) == {"__typeof_0": "a + 1"}
    assert [line for _, line in unit.places] == [1, 2, 3, 5, 6]


def test_case_ranges(sources: Callable[..., object]) -> None:
    unit = _unit('void f(int a) { switch (a) { case 1 ... 5: g("case 1 ... 2:"); } }', sources)
    assert not unit.root.has_error
    assert b"__case_range ( 1 , 5 )" in unit.text
    assert b'"case 1 ... 2:"' in unit.text


def test_attributes_are_kept_by_position(sources: Callable[..., object]) -> None:
    text = 'struct s { int a; } __attribute__((packed)) __attribute__((unused));\nint b __attribute__((section(")")));'
    unit = _unit(text, sources)
    assert not unit.root.has_error
    assert unit.attributes(0, len(unit.text)) == ("((packed))",)
    (record,) = definitions(unit.root)["struct_specifier"]
    assert unit.attributes(record.start_byte, record.end_byte) == ()
    assert unit.attributes(record.end_byte, record.end_byte + 2) == ("((packed))",)


def test_offsetof(sources: Callable[..., object]) -> None:
    unit = _unit("unsigned long n = __builtin_offsetof(struct s, a.b[1]);", sources)
    assert not unit.root.has_error
    assert b"__builtin_offsetof" not in unit.text


def test_expressions() -> None:
    node = parse_expression("a = b + 1")
    assert node is not None
    assert (node.type, node.text) == ("assignment_expression", b"a = b + 1")
    assert parse_expression("a +") is None
