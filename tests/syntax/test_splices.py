"""Identifiers in two lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.syntax import parse_c
from kpatch_tools.syntax.splices import split_identifiers


def split(text: str) -> list[str]:
    parsed = parse_c(text.encode())
    return [parsed.source[span.start : span.end].decode() for span in split_identifiers(parsed)]


@pytest.mark.parametrize(
    "text",
    [
        "int f(void)\n{\n\treturn ta\\\nble.call();\n}\n",
        "#define CALL ta\\\nble.call()\n",
        "ta\\\r\nble\n",
        'char *s = "a"; int ta\\\nble;\n',
    ],
)
def test_one_identifier_is_split(text: str) -> None:
    assert [one.replace("\r", "") for one in split(text)] == ["ta\\\nble"]


def test_in_more_than_two_lines() -> None:
    assert split("int t\\\nab\\\nle;\n") == ["t\\\nab\\\nle"]


@pytest.mark.parametrize(
    "text",
    [
        'char *s = "ta\\\nble";\n',
        '#define TEXT "ta\\\nble"\n',
        "/* ta\\\nble */\n",
        "// ta\\\nble\nint x;\n",
        "#if 0\nint ta\\\nble;\n#endif\n",
        "#define CALL(a) f(a, \\\nb)\n",
        "int x = 12\\\n34;\n",
        "int ta\nble;\n",
    ],
)
def test_no_identifier_is_split(text: str) -> None:
    assert split(text) == []


@given(name=st.from_regex(r"[a-z_][a-z0-9_]{3,9}", fullmatch=True), at=st.integers(1, 3))
def test_found_wherever_it_is_split(name: str, at: int) -> None:
    broken = f"{name[:at]}\\\n{name[at:]}"
    assert split(f"int f(void)\n{{\n\t{broken} = 1;\n}}\n") == [broken]
