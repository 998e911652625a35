"""Lines as words."""

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.backport.adapt.tokens import text_of, tokens_of

LINES = st.lists(st.text(alphabet="ab1 \t(){};,->=&|/*\"'.", max_size=12).map(lambda line: line.encode() + b"\n"))


@given(LINES)
def test_words_and_white_space_are_all_there_is(lines: list[bytes]) -> None:
    assert text_of(tokens_of(lines)) == b"".join(lines)


@given(LINES)
def test_every_line_with_a_word_begins_once(lines: list[bytes]) -> None:
    filled = sum(bool(line.strip()) for line in lines)
    assert sum(token.begins_line for token in tokens_of(lines) if token.text) == filled
