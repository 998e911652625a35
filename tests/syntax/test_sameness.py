"""What is the same C, and what only looks alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.syntax.sameness import is_same_code


def body(*rows: str) -> bytes:
    return "".join(("int f(int a, int b)\n{\n", *(f"\t{row}\n" for row in rows), "}\n")).encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("return a;", "return (a);"),
        ("if (a) g(b);", "if (a) /* often */\n\t\tg(b);"),
        ("if (a > 1 && b < 2) g();", "if ((a > 1) && (b < 2)) g();"),
        ('g("one two");', 'g("one "\n\t  "two");'),
        ('g(KERN_INFO "one two");', 'g(KERN_INFO "one " "two");'),
    ],
)
def test_layout_comments_brackets_and_cut_strings_do_not_matter(one, other):
    assert is_same_code(body(one), body(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("return a + b * 2;", "return (a + b) * 2;"),
        ("g(a, b);", "g((a, b));"),
        ("if (a) { g(); h(); }", "if (a) g(); h();"),
        ('g("a", "b");', 'g("a" "b");'),
        ('g("a b");', 'g("ab");'),
        ("g(a);", "/* g(a); */"),
    ],
)
def test_what_means_another_thing_is_not_the_same(one, other):
    assert not is_same_code(body(one), body(other))


def test_annotations_count_although_the_parser_does_not_see_them():
    assert not is_same_code(b"static int __init f(void) { return 1; }\n", b"static int f(void) { return 1; }\n")


def test_what_is_not_understood_is_not_the_same():
    assert not is_same_code(body("if (a { g();"), body("if (a { g(); "))
    assert not is_same_code(body("#if 0", "g(1);", "#endif"), body("#if 0", "g(2);", "#endif"))


ATOM = st.sampled_from(["a", "b", "2", "f(a, b)"])
EXPRESSION = st.recursive(
    ATOM, lambda part: st.tuples(part, st.sampled_from("+*&|"), part).map(lambda one: f"({one[0]} {one[1]} {one[2]})")
)


@given(EXPRESSION, EXPRESSION)
def test_with_all_of_their_brackets_expressions_are_the_same_only_if_their_words_are(one, other):
    assert is_same_code(body(f"return {one};"), body(f"return  {other} ;")) == (one == other)
