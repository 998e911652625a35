"""What an initialiser puts where."""

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.hooks.tables.initialiser import bare, initialised, literal_braces, value_name
from kpatch_tools.hooks.tables.members import find_records, read_shape
from kpatch_tools.syntax import find_initialiser, parse_c

HEADER = b"""\
struct in { void (*f)(void); void (*g)(void); };
struct ops { struct in a; void (*h)(void); struct in b; };
"""


def assigned(text: str) -> dict[str, str]:
    records = find_records(("ops", "in"), [(RepoPath("a.h"), HEADER)])
    shape = read_shape(records["ops"], "ops", records)
    parsed = parse_c(f"struct ops v = {text};\n".encode())
    declarator = find_initialiser(parsed, "v")
    assert declarator is not None
    value = declarator.child_by_field_name("value")
    braces = literal_braces(value) if value is not None else None
    assert braces is not None
    return {item.path: value_name(item.value, parsed.source) for item in initialised(braces, shape)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ .a = { .f = x, .g = y }, .h = z }", {"a.f": "x", "a.g": "y", "h": "z"}),
        ("{ .a.f = x, .b.g = y }", {"a.f": "x", "b.g": "y"}),
        ("{ { x, y }, z, { .g = w } }", {"a.f": "x", "a.g": "y", "h": "z", "b.g": "w"}),
        ("{ .h = x, { y } }", {"h": "x", "b.f": "y"}),
        ("{ a: { f: x }, h: y }", {"a.f": "x", "h": "y"}),
        ("{ .a = (struct in){ x } }", {"a.f": "x"}),
        ("{ .a = { x, y, z } }", {"a.f": "x", "a.g": "y"}),
        ("{ .a = OTHER }", {"a": "OTHER"}),
        ("{ /* none */ }", {}),
        ("(struct ops){ .h = x }", {"h": "x"}),
        ("{ .h = &x }", {"h": "x"}),
        ("{ .h = (void *)x }", {"h": "x"}),
        ("{ .h = ((x)) }", {"h": "x"}),
        ("{ .h = NULL }", {"h": "NULL"}),
        ("{ .h = 0 }", {"h": "NULL"}),
        ("{ .h = (void *)0 }", {"h": "NULL"}),
        ("{ .h = A(x,\n\t y) }", {"h": "A(x, y)"}),
        ("{ .h = a ? x : y }", {"h": "a ? x : y"}),
        ("{\n#ifdef A\n\t.h = x,\n#else\n\t.h = y,\n#endif\n}", {"h": "y"}),
    ],
)
def test_initialised(text: str, expected: dict[str, str]) -> None:
    assert assigned(text) == expected


def test_bare_stops_at_a_statement_expression() -> None:
    parsed = parse_c(b"int a = (({ f; }));\n")
    declarator = find_initialiser(parsed, "a")
    assert declarator is not None
    value = declarator.child_by_field_name("value")
    assert value is not None
    assert bare(value).type == "parenthesized_expression"
