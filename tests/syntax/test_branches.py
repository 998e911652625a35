"""Conditionals that cut through a statement or a list."""

import pytest
from kpatch_tools.syntax import errors_in, find_function, parse_c

BODY = "void f(void)\n{{\n{}\n\tlast();\n}}\n"


@pytest.mark.parametrize(
    "body",
    [
        "\tif (a) {\n\t\tx();\n#ifdef B\n\t} else if (b) {\n\t\ty();\n#endif\n\t}",
        "\tif (a)\n#ifdef B\n\t\tif (b)\n#endif\n\t\t\tx();",
        "\tint x =\n#ifdef B\n\t\t1\n#else\n\t\t2\n#endif\n\t\t;",
        "\tg(a,\n#ifdef B\n\t  b,\n#endif\n\t  c);",
        "#ifdef B\n\tif (a) {\n#else\n\tif (b) {\n#endif\n\t\tx();\n\t}",
        "#ifdef B\n\tif (a)\n\t\tx();\n\telse\n#endif\n\t\ty();",
        "\tif (a) {\n\t}\n#ifdef B\n\t/* why */\n\telse {\n\t}\n#endif",
    ],
)
def test_statement_is_read(body: str) -> None:
    parsed = parse_c(BODY.format(body).encode())
    assert parsed.errors == ()
    function = find_function(parsed, "f")
    assert function is not None
    assert b"last();" in parsed.text(function)
    assert len(parsed.masked) == len(parsed.source)


def test_both_branches_of_a_list_are_kept() -> None:
    source = b"struct s t = {\n\t.a = f,\n#ifdef B\n\t.b = g,\n#else\n\t.b = h,\n#endif\n};\n"
    parsed = parse_c(source)
    assert parsed.errors == ()
    assert parsed.hidden == ()
    assert b".b = g" in parsed.masked
    assert b".b = h" in parsed.masked


def test_left_out_branch_is_hidden_not_disabled() -> None:
    source = b"void f(void)\n{\n#ifdef B\n\tif (a) {\n#else\n\tif (other) {\n#endif\n\t}\n}\n"
    parsed = parse_c(source)
    (span,) = parsed.hidden
    assert b"other" in source[span.start : span.end]
    assert not parsed.is_disabled(span.start + 1)


def test_whole_statements_and_members_stay_conditional() -> None:
    source = b"struct s {\n#ifdef B\n\tint a;\n#endif\n};\nenum e {\n\tA,\n#ifdef B\n\tC,\n#endif\n};\nint x = (;\n"
    parsed = parse_c(source)
    assert parsed.masked == source
    assert errors_in(parsed.root) == parsed.errors != ()
