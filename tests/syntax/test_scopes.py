"""Which declaration a name refers to."""

import pytest
from kpatch_tools.syntax import (
    Node,
    declaring_scope,
    descend,
    functions,
    is_extern,
    is_static,
    name_of,
    names_declared_by,
    parameters,
    parse_c,
)


def uses_of_x(source: str) -> list[Node]:
    """The identifiers `x` that are arguments of a call."""
    parsed = parse_c(source.encode())
    return [
        node
        for node in descend(parsed.root)
        if node.type == "identifier" and name_of(node) == "x" and node.parent and node.parent.type == "argument_list"
    ]


@pytest.mark.parametrize(
    ("body", "scopes"),
    [
        ("h(x);", ["translation_unit"]),
        ("int x; h(x);", ["compound_statement"]),
        ("h(x); int x; h(x);", ["translation_unit", "compound_statement"]),
        ("{ int x; } h(x);", ["translation_unit"]),
        ("int y, *x[2]; { h(x); }", ["compound_statement"]),
        ("extern int x; h(x);", ["translation_unit"]),
        ("for (int x = 0; ; ) h(x); h(x);", ["for_statement", "translation_unit"]),
        ("for (x = 0; ; ) h(x);", ["translation_unit"]),
        ("#ifdef A\n\tint x;\n#endif\n\th(x);", ["compound_statement"]),
        ("switch (a) { case 1: h(x); int x; h(x); }", ["translation_unit", "compound_statement"]),
        ("int (*x)(void); h(x);", ["compound_statement"]),
    ],
)
def test_scope_in_a_body(body: str, scopes: list[str]) -> None:
    found = uses_of_x(f"int x;\nvoid f(void)\n{{\n\t{body}\n}}\n")
    assert [declaring_scope(node).type for node in found] == scopes


@pytest.mark.parametrize(
    "head", ["void f(int x)", "int *f(struct a *x, int b)", "void f(x)\n\tint x;\n", "void f(int x[])"]
)
def test_parameter(head: str) -> None:
    (use,) = uses_of_x(f"{head} {{ h(x); }}\n")
    assert declaring_scope(use).type == "function_definition"


def test_parameters_of_a_function_returning_a_function_pointer() -> None:
    (definition,) = functions(parse_c(b"int (*f(int a, char *b))(void) { }\n"))
    assert [name_of(name) for item in parameters(definition) for name in names_declared_by(item)] == ["a", "b"]


def test_storage_classes() -> None:
    parsed = parse_c(b"static int a; extern int b; int c;\n")
    assert [(is_static(node), is_extern(node)) for node in parsed.root.named_children] == [
        (True, False),
        (False, True),
        (False, False),
    ]
