"""Names, places and finders."""

from kpatch_tools.syntax import (
    declarations,
    declared_name,
    descend,
    enclosing_function,
    find_function,
    find_initialiser,
    find_struct,
    functions,
    line_of,
    matches,
    name_of,
    parse_c,
    query,
    structs,
    text,
)

SOURCE = b"""\
struct ops {
	int (*first)(void);
	char *(*second[2])(int);
};
static struct ops table __initdata = { .first = f };
#ifdef CONFIG_X
static char *__init f(void)
{
	return g(1);
}
#else
static inline char *f(void) { return 0; }
#endif
"""


def test_functions_under_conditionals() -> None:
    parsed = parse_c(SOURCE)
    assert [line_of(node) for node in functions(parsed)] == [7, 12]
    found = find_function(parsed, "f")
    assert found is not None
    assert line_of(found) == 7
    assert parsed.text(found).startswith(b"static char *__init f")
    assert text(found, parsed.source) == parsed.text(found)
    assert [note.name for note in parsed.annotations] == ["__initdata", "__init"]
    assert find_function(parsed, "g") is None


def test_enclosing_function() -> None:
    parsed = parse_c(SOURCE)
    call = next(node for node in descend(parsed.root) if node.type == "call_expression")
    assert enclosing_function(call) == "f"
    assert enclosing_function(parsed.root) is None


def test_struct_members_and_initialiser() -> None:
    parsed = parse_c(SOURCE)
    struct = find_struct(parsed, "ops")
    assert struct is not None
    names = [
        declared_name(node.child_by_field_name("declarator"))
        for node in descend(struct)
        if node.type == "field_declaration"
    ]
    assert [name_of(name) for name in names if name is not None] == ["first", "second"]
    assert find_struct(parsed, "other") is None
    assert find_initialiser(parsed, "table") is not None
    assert find_initialiser(parsed, "ops") is None
    assert len(list(declarations(parsed))) == 1


def test_records_in_file_order() -> None:
    parsed = parse_c(
        b"struct a { struct { union b { int x; } c; } d; struct e f; enum g { H }; };\nstruct i { int j; };\n"
    )
    starts = [parsed.text(node)[:8] for node in structs(parsed)]
    assert starts == [b"struct a", b"struct {", b"struct i"]
    assert find_struct(parsed, "b", kind="union") is not None
    assert find_struct(parsed, "g", kind="enum") is not None
    assert find_struct(parsed, "e") is None


def test_query_by_name_and_by_text() -> None:
    parsed = parse_c(SOURCE)
    assert len(query("functions", parsed.root)["function"]) == 2
    assert len(matches("(call_expression function: (identifier) @f)", parsed.root)) == 1
