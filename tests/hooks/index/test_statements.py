"""Which statements of a body are not parsed: the facts must be the same as if all were."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kpatch_tools.core.span import Span
from kpatch_tools.hooks.index import silent
from kpatch_tools.hooks.index.extract import extract_facts
from kpatch_tools.hooks.index.facts import Facts
from kpatch_tools.hooks.index.statements import silent_statements


def kept(body: str) -> str:
    """`body`, in which a spot is written `@`, without what is silent; single blanks between words."""
    code = body.encode()
    spots = [number for number, byte in enumerate(code) if byte == ord("@")]
    out = bytearray(code)
    for start, end in silent_statements(code, Span(0, len(code)), [*spots, len(code) + 1]):
        out[start:end] = b" " * (end - start)
    return " ".join(out.decode().split())


@pytest.mark.parametrize(
    ("body", "left"),
    [
        pytest.param(" int a; @f(a); return a; ", "@f(a);", id="statements"),
        pytest.param(" if (a) { b(); } else { @c(); d(); } e(); ", "if (a) { } else { @c(); }", id="else"),
        pytest.param(" if (a) b(); else @c(); d(); ", "if (a) b(); else @c();", id="else without braces"),
        pytest.param(" if (a) @b(); else c(); d(); ", "if (a) @b();", id="a silent else"),
        pytest.param(
            " if (a) b(); else if (c) d(); else { @e(); } ", "if (a) b(); else if (c) d(); else { @e(); }", id="chain"
        ),
        pytest.param(" if (a) { b(); } else if (c) @d(); ", "if (a) { } else if (c) @d();", id="else after a block"),
        pytest.param(" do { a(); @b(); } while (c); d(); ", "do { @b(); } while (c);", id="do"),
        pytest.param(" do { a(); } while (@c); d(); ", "do { } while (@c);", id="do with a spot in its condition"),
        pytest.param(
            " do_each(g, p) { @b(); c(); } while_each_thread(g, p); d(); ",
            "do_each(g, p) { @b(); } while_each_thread(g, p);",
            id="do of macros",
        ),
        pytest.param(" for (a = 0; a < b; a++) { @c(); d(); } e(); ", "for (a = 0; a < b; a++) { @c(); }", id="for"),
        pytest.param(" x(); for (a = 0; @b(a); a++) c(); d(); ", "for (a = 0; @b(a); a++) c();", id="for, inside"),
        pytest.param(" x(); for (a = 0; b; a++) @c(); d(); ", "for (a = 0; b; a++) @c();", id="for without braces"),
        pytest.param(" if (@a()) { b(); c(); } d(); ", "if (@a()) { }", id="a spot in the head"),
        pytest.param(
            " switch (a) { case 1: b(); break; case 2: @c(); break; default: d(); } ",
            "switch (a) { case 2: @c(); }",
            id="switch",
        ),
        pytest.param(" switch (a) { case 1: { @b(); c(); } d(); } ", "switch (a) { case 1: { @b(); } }", id="case {"),
        pytest.param(" a(); goto out; @b(); out: ; ", "@b();", id="a label"),
        pytest.param(" a(); @b(); out: ", "@b(); out:", id="a label at the end"),
        pytest.param(" int a; struct b c @= { 1, { 2 } }, d; e(); ", "struct b c @= { 1, { 2 } }, d;", id="values"),
        pytest.param(" struct a @{ int b; int c; } d; e(); ", "struct a @{ int b; int c; } d;", id="a record"),
        pytest.param(" a = (struct b) { c }; @d(); ", "@d();", id="silent values"),
        pytest.param(" a @= (struct b) { c; d; }; e(); ", "a @= (struct b) { c; d; };", id="values behind a cast"),
        pytest.param(" a(({ b(); c; })); @d(); ", "@d();", id="a statement in an expression"),
        pytest.param(" { a(); @b(); } c(); ", "{ @b(); }", id="a bare block"),
        pytest.param(" if (a) { b(); } c(); { d(); } ", "", id="nothing"),
    ],
)
def test_only_statements_with_a_spot_are_left(body: str, left: str) -> None:
    assert kept(body) == left


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(" a(); } { @b(); ", id="braces that do not match"),
        pytest.param(" a(); { @b(); ", id="one that is not closed"),
        pytest.param(" a((b); @c(); ", id="parentheses"),
        pytest.param(" x(); if (a) do @b(); while (c); else d(); ", id="do without braces"),
        pytest.param(" a @= { { 1 }, { 2 } } ", id="no end"),
        pytest.param(" a = { 1 }, @b = { 2 }; ", id="values twice"),
    ],
)
def test_what_is_not_understood_stays_whole(body: str) -> None:
    assert kept(body) == " ".join(body.split())


_SIMPLE = st.sampled_from(
    [
        *("a = b;", "f(a, (b));", "shop->ops->open(shop);", "shop->ops = &other;", "shop->clerk[a][b] = take;", ";"),
        *("CALL(shop->ops.close, a);", "return a;", "ops = (struct shop_ops) { .open = take };", "goto out;"),
        "for (a = 0; shop->ops->more(shop); a++) f(a);",
    ]
)


def _statements(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    block = st.lists(inner, max_size=3).map(lambda items: "{\n" + "\n".join(items) + "\n}")
    body = st.one_of(inner, block)
    return st.one_of(
        block,
        body.map(lambda one: f"if (a) {one}"),
        st.tuples(block, body).map(lambda two: f"if (shop->ops) {two[0]} else {two[1]}"),
        st.tuples(_SIMPLE, body).map(lambda two: f"if (a) {two[0]} else {two[1]}"),
        block.map(lambda one: f"do {one} while (shop->ops->more(shop));"),
        _SIMPLE.map(lambda one: f"do {one} while (a);"),
        body.map(lambda one: f"for (a = 0; a < b; a++) {one}"),
        block.map(lambda one: f"switch (a) {{\ncase 1: {one}\ndefault: f(a);\n}}"),
    )


def _facts(data: bytes) -> Facts:
    facts = extract_facts(data)
    assert facts.unread_bytes == 0
    return facts


@settings(max_examples=300)
@given(st.lists(st.recursive(_SIMPLE, _statements, max_leaves=12), min_size=1, max_size=6))
def test_the_facts_are_those_of_the_whole_text(statements: list[str]) -> None:
    body = "\n".join(statements)
    data = f"int serve(struct shop *shop, int a, int b)\n{{\n{body}\nout:\n\treturn a;\n}}\n".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(silent, "silent_statements", lambda *_: [])
        whole = _facts(data)
    assert _facts(data) == whole
