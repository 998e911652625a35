"""Two changes of one text, merged word by word."""

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.backport.adapt.tokens import align_tokens, text_of, tokens_of
from kpatch_tools.backport.adapt.weave import weave

WORD = st.sampled_from(["a", "b", "call", "x1", "(", ")", ",", ";", "{", "}", "if", "->", "&&"])
LINE = st.lists(WORD, max_size=6).map(lambda words: " ".join(words).encode() + b"\n")
TEXT = st.lists(LINE, max_size=6)


def woven(base, ours, theirs):
    old, own, new = tokens_of(base), tokens_of(ours), tokens_of(theirs)
    found = weave(old, own, new, align_tokens(old, own), align_tokens(old, new))
    return None if found is None else text_of(found.tokens).decode()


@given(TEXT, TEXT)
def test_a_target_that_is_upstreams_gets_upstreams_text(base, theirs):
    assert woven(base, base, theirs) == b"".join(theirs).decode()


@given(TEXT, TEXT)
def test_no_change_leaves_the_target_as_it_is(base, ours):
    assert woven(base, ours, base) == b"".join(ours).decode()


@given(TEXT, TEXT, TEXT)
def test_no_bracket_is_lost_or_gained(base, ours, theirs):
    result = woven(base, ours, theirs)
    if result is not None:
        for opening, closing in ("()", "{}"):

            def more(text, opening=opening, closing=closing):
                return text.count(opening) - text.count(closing)

            old, own, new = (b"".join(text).decode() for text in (base, ours, theirs))
            assert more(result) - more(own) == more(new) - more(old)


def test_both_change_other_words():
    assert woven([b"f(a, b, c);\n"], [b"g(a, b, c);\n"], [b"f(a, b, d);\n"]) == "g(a, b, d);\n"


def test_both_change_the_same_word():
    assert woven([b"f(a, b);\n"], [b"f(a, c);\n"], [b"f(a, d);\n"]) is None
