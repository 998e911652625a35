"""Preprocessing tokens and logical lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.syntax.lexer import logical_text, tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a+++b", ["a", "++", "+", "b"]),
        ("x<<=3>>y->z", ["x", "<<=", "3", ">>", "y", "->", "z"]),
        ("0x1e+2 1.5e-3 .5f 1..2", ["0x1e+2", "1.5e-3", ".5f", "1..2"]),
        ('"a \\" b" L"w" \'\\\'\'', ['"a \\" b"', 'L"w"', "'\\''"]),
        ("f(a,...)", ["f", "(", "a", ",", "...", ")"]),
        ("a##b # c", ["a", "##", "b", "#", "c"]),
        ("a\nb", ["a", "\n", "b"]),
        ("don't", ["don", "'", "t"]),
        ("caf\xe9", ["caf", "\xe9"]),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


@pytest.mark.parametrize(
    ("text", "logical"),
    [
        ("a /* b */ c", "a   c"),
        ("a // b\nc", "a  \nc"),
        ("a /* b\nc */ d\ne", "a   d\n\ne"),
        ("a\\\nb\nc", "ab\n\nc"),
        ("// a \\\nb\nc", " \n\nc"),
        ('"/* a */" \'"\' /* " */', '"/* a */" \'"\'  '),
        ("#define A /* x\n*/ 1\nb", "#define A   1\n\nb"),
        ("a /* never ends", "a  "),
        ("a/**/b/***/c", "a b c"),
    ],
)
def test_comments_and_continuations(text: str, logical: str) -> None:
    assert logical_text(text) == logical


@given(st.text(alphabet="ab/*\\\n\"' ", max_size=60))
def test_logical_text_keeps_the_number_of_lines(text: str) -> None:
    assert logical_text(text).count("\n") == text.count("\n")


@given(st.text(alphabet="ab1.<>=+-&|#(),\"'\\ \n", max_size=60))
def test_tokens_leave_out_only_white_space(text: str) -> None:
    assert "".join(tokenize(text)).replace(" ", "") == text.replace(" ", "").replace("\t", "")
