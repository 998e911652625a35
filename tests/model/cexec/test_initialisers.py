"""Initialisers and layouts. Each snippet's value is C's, and gcc agrees."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.model.cexec import Program

_POINT = "struct point { int x, y; }; struct line { struct point a, b; int tag; };"
_BYTES = (
    "static long sum(const unsigned char *p, int n) { long s = 0; for (int i = 0; i < n;"
    " i++) s = s * 3 + p[i]; return s; }"
)


def _both(declaration: str, use: str, *, before: str = "") -> tuple[str, str]:
    """The same initialiser for an object of static and one of automatic duration."""
    return (
        f"{before} static {declaration} long test(void) {{ return {use}; }}",
        f"{before} long test(void) {{ {declaration} return {use}; }}",
    )


_CASES: Mapping[str, tuple[str, str, str, int]] = {
    "in order": (_POINT, "struct point p = { 3, 4 };", "p.x * 10 + p.y", 34),
    "the rest is zero": (_POINT, "struct line l = { { 1 } };", "l.a.x * 1000 + l.a.y + l.b.x + l.b.y + l.tag", 1000),
    "empty": (_POINT, "struct line l = { };", "l.a.x + l.tag", 0),
    "empty braces count": (_POINT, "struct point a[] = { { 1, 2 }, {}, { 3 }, {} };", "sizeof(a) * 10 + a[2].x", 323),
    "only empty braces": (_POINT, "struct point a[] = { {} };", "sizeof(a)", 8),
    "empty braces clear": (
        _POINT,
        "struct line l = { .a = { 1, 2 }, .tag = 3, .a = {} };",
        "l.a.x * 10 + l.a.y + l.tag",
        3,
    ),
    "designated": (_POINT, "struct line l = { .tag = 7, .b = { .y = 2 } };", "l.tag * 10 + l.b.y", 72),
    "nested designators": (
        _POINT,
        "struct line l = { .b.y = 2, .a.x = 1, 5 };",
        "l.a.x * 100 + l.a.y * 10 + l.b.y",
        152,
    ),
    "designator goes on in order": (
        _POINT,
        "struct line l = { .b = { 1, 2 }, 9 };",
        "l.b.x * 100 + l.b.y * 10 + l.tag",
        129,
    ),
    "old designators": (_POINT, "struct point p = { y: 4, x: 3 };", "p.x * 10 + p.y", 34),
    "later wins": (_POINT, "struct point p = { .x = 1, .x = 2 };", "p.x", 2),
    "without inner braces": (
        _POINT,
        "struct line l = { 1, 2, 3, 4, 5 };",
        "l.a.y * 1000 + l.b.x * 100 + l.b.y * 10 + l.tag",
        2345,
    ),
    "array": ("", "int a[4] = { 1, 2, 3 };", "a[0] * 1000 + a[1] * 100 + a[2] * 10 + a[3]", 1230),
    "array of inferred length": ("", "short a[] = { 1, 2, 3, [6] = 4 };", "sizeof(a) * 10 + a[6]", 144),
    "array designators": ("", "int a[6] = { [4] = 1, 2, [1] = 3 };", "a[4] * 100 + a[5] * 10 + a[1]", 123),
    "array ranges": (
        "",
        "int a[8] = { [0 ... 3] = 2, [4 ... 7] = 5 };",
        "a[0] + a[3] * 10 + a[4] * 100 + a[7] * 1000",
        5522,
    ),
    "array in two dimensions": (
        "",
        "int a[2][3] = { { 1, 2 }, { 4, 5, 6 } };",
        "a[0][2] * 100 + a[1][2] * 10 + a[0][1]",
        62,
    ),
    "two dimensions without inner braces": ("", "int a[2][3] = { 1, 2, 3, 4 };", "a[0][2] * 10 + a[1][0]", 34),
    "array of structs": (_POINT, "struct point a[] = { { 1, 2 }, { 3, 4 } };", "sizeof(a) * 10 + a[1].x", 163),
    "array of structs by designator": (
        _POINT,
        "struct point a[3] = { [1].y = 5, [2] = { 6, 7 } };",
        "a[1].y * 10 + a[2].x",
        56,
    ),
    "range of structs": (
        _POINT,
        "struct point a[4] = { [1 ... 2] = { .y = 5 } };",
        "a[0].y + a[1].y * 10 + a[2].y * 100",
        550,
    ),
    "string": ("", 'char s[] = "abc";', "sizeof(s) * 1000 + s[1]", 4098),
    "string cut off": ("", 'char s[2] = "abc";', "s[0] * 1000 + s[1]", 97098),
    "string longer than its text": ("", 'char s[6] = "ab";', "s[1] * 10 + s[5]", 980),
    "string in braces": ("", 'char s[] = { "ab" };', "sizeof(s)", 3),
    "strings in a struct": (
        "struct n { char name[4]; int k; };",
        'struct n n = { "ab", 5 };',
        "n.name[1] * 10 + n.k",
        985,
    ),
    "adjacent strings": ("", 'char *s = "ab" "\\x41" "c";', "s[2] * 1000 + s[3]", 65099),
    "array of pointers to strings": ("", 'const char *s[] = { "one", "two" };', "s[1][1] * 10 + sizeof(s)", 1206),
    "union": ("union u { int i; unsigned char c[4]; };", "union u u = { 0x01020304 };", "u.c[0] * 10 + u.c[3]", 41),
    "union by designator": ("union u { int i; long l; };", "union u u = { .l = 1L << 33 };", "(u.l >> 30) + u.i", 8),
    "anonymous members": (
        "struct s { int a; union { int b; char c; }; struct { int d, e; }; };",
        "struct s s = { 1, { 2 }, { 3, 4 } };",
        "s.a * 1000 + s.b * 100 + s.d * 10 + s.e",
        1234,
    ),
    "designated anonymous members": (
        "struct s { int a; union { int b; char c; }; struct { int d, e; }; };",
        "struct s s = { .e = 4, .b = 2, .a = 1 };",
        "s.a * 1000 + s.b * 100 + s.d * 10 + s.e",
        1204,
    ),
    "a second semicolon": (
        "struct s { union { struct { int a;; }; long l; }; int b; };",
        "struct s s = { .a = 1, .b = 2 };",
        "s.a * 100 + s.b * 10 + __builtin_offsetof(struct s, b)",
        128,
    ),
    "bit-fields": (
        "struct b { unsigned a : 3, b : 5; int c : 4; };",
        "struct b b = { 9, 17, 15 };",
        "b.a * 1000 + b.b * 10 + b.c + sizeof(b) * 100000",
        401169,
    ),
    "scalar in braces": ("", "int n = { 5 };", "n", 5),
    "compound literal": (_POINT, "struct point p = (struct point){ 3, 4 };", "p.x * 10 + p.y", 34),
    "compound literal inside": (
        _POINT,
        "struct line l = { .b = (struct point){ 3, 4 }, .tag = 1 };",
        "l.b.y * 10 + l.tag",
        41,
    ),
    "wrapping struct": ("struct w { unsigned long v; };", "struct w w = { 5 };", "w.v", 5),
    "wrapping struct by designator": ("struct w { unsigned long v; };", "struct w w = { .v = 5 };", "w.v", 5),
    "conversion": ("", "unsigned char c[2] = { 300, -1 };", "c[0] * 1000 + c[1]", 44255),
    "enumeration as index": ("enum k { K0, K1, K2 };", "int a[] = { [K2] = 7, [K0] = 3 };", "a[2] * 10 + a[0]", 73),
}

SNIPPETS: dict[str, tuple[str, int]] = {
    f"{name} ({duration})": (text, expected)
    for name, (before, declaration, use, expected) in _CASES.items()
    for duration, text in zip(("static", "automatic"), _both(declaration, use, before=before), strict=True)
} | {
    "addresses of others": (
        "static int a[3] = { 1, 2, 3 }; static int *p = &a[1]; static int **pp = &p;"
        " static char *end = (char *)(a + 3);"
        " long test(void) { return **pp * 10 + (end - (char *)p); }",
        28,
    ),
    "a cycle of addresses": (
        "struct n { struct n *next; int v; }; static struct n b; static struct n a = { &b, 1 };"
        " static struct n b = { &a, 2 };"
        " long test(void) { return a.next->v * 10 + a.next->next->v; }",
        21,
    ),
    "functions": (
        "static int one(void) { return 1; } static int two(void) { return 2; }"
        " static struct { int (*f[2])(void); int (*g)(void); } ops = { { one, &two }, .g = two };"
        " long test(void) { return ops.f[0]() * 100 + ops.f[1]() * 10 + ops.g(); }",
        122,
    ),
    "address of a compound literal": (
        "struct p { int x, y; }; static struct p *p = &(struct p){ 3, 4 }; static int *q = (int[]){ 5, 6 };"
        " long test(void) { return p->y * 10 + q[1]; }",
        46,
    ),
    "flexible array": (
        "struct f { int n; short v[]; }; static struct f f = { 2, { 7, 8 } };"
        " long test(void) { return f.v[1] * 100 + f.v[0] * 10 + sizeof(struct f); }",
        874,
    ),
    "sizeof in an initialiser": (
        "static int a[sizeof(long)]; static int n = sizeof(a) / sizeof(a[0]); long test(void) { return n; }",
        8,
    ),
    "a later definition": ("extern int n; static int *p = &n; int n = 6; long test(void) { return *p; }", 6),
    "tentative definitions": ("int t_n; int t_n = 6; int t_n; long test(void) { return t_n; }", 6),
    "automatic initialisers run in order": (
        "static int k; static int next(void) { return ++k; } struct p { int x, y; };"
        " long test(void) { struct p p = { next(), next() }; return p.x * 10 + p.y; }",
        12,
    ),
    "a copy": (
        _POINT + " long test(void) { struct point a = { 1, 2 }; struct point b = a; b.x = 9; return a.x * 10 + b.x; }",
        19,
    ),
    "an array member is copied": (
        "struct s { int a[3]; }; long test(void) { struct s a = { { 1, 2, 3 } }, b; b = a; b.a[1] = 9;"
        " return a.a[1] * 10 + b.a[1]; }",
        29,
    ),
    "layout with padding": (
        "struct s { char a; short b; char c; long d; char e; };"
        " long test(void) { return __builtin_offsetof(struct s, b) + __builtin_offsetof(struct s, c) * 10"
        " + __builtin_offsetof(struct s, d) * 100 + sizeof(struct s) * 10000; }",
        2 + 40 + 800 + 240000,
    ),
    "packed": (
        "struct s { char a; int b; } __attribute__((packed)); struct __attribute__((packed)) t { char a; long b; };"
        " long test(void) { return sizeof(struct s) * 10 + sizeof(struct t); }",
        59,
    ),
    "aligned": (
        "struct s { char a; } __attribute__((aligned(16))); struct t { char a; int b __attribute__((aligned(8))); };"
        " long test(void) { return sizeof(struct s) * 1000 + sizeof(struct t) * 10 +"
        " __builtin_offsetof(struct t, b); }",
        16168,
    ),
    "a packed struct as a member": (
        "struct p { char a; int b; } __attribute__((packed)); struct s { char c; struct p p; int d; };"
        " long test(void) { return sizeof(struct s) * 10 + __builtin_offsetof(struct s, p); }",
        121,
    ),
    "bit-fields share units with what precedes": (
        "struct s { char a; int b : 4; int c : 20; int d : 10; };"
        + _BYTES
        + "long test(void) { struct s s; for (int i = 0; i < (int)sizeof(s); i++) ((char *)&s)[i] = 0;"
        " s.a = 1; s.b = 2; s.c = 3;"
        " s.d = 4; return sum((unsigned char *)&s, sizeof(s)) * 10 + sizeof(s); }",
        0,
    ),
    "bit-fields of width 0 and without name": (
        "struct s { unsigned a : 3; int : 0; unsigned b : 3; unsigned : 7; unsigned c : 2; };"
        + _BYTES
        + "long test(void) { struct s s; for (int i = 0; i < (int)sizeof(s); i++) ((char *)&s)[i] = 0;"
        " s.a = 1; s.b = 2; s.c = 3;"
        " return sum((unsigned char *)&s, sizeof(s)) * 100 + sizeof(s); }",
        0,
    ),
    "long bit-fields": (
        "struct s { unsigned long a : 12, b : 40, c : 12; }; long test(void) { struct s s = { 1, 1UL << 39, 0xfff };"
        " s.b |= 5; return s.a + (s.b >> 36) * 10 + (s.b & 15) * 100 + s.c * 1000 + sizeof(s) * 10000000; }",
        1 + 80 + 500 + 4095000 + 80000000,
    ),
    "signed bit-fields": ("struct s { int a : 3; }; long test(void) { struct s s; s.a = 7; return s.a; }", -1),
    "a narrow unsigned bit-field is an int": (
        "struct s { unsigned a : 3; }; long test(void) { struct s s = { 1 }; return s.a - 2 < 0; }",
        1,
    ),
    "the value of a bit-field's assignment": (
        "struct s { unsigned a : 3; }; long test(void) { struct s s; return s.a = 13; }",
        5,
    ),
}
_GCC_ONLY = ("bit-fields share units with what precedes", "bit-fields of width 0 and without name")


@pytest.mark.parametrize("name", [name for name in SNIPPETS if name not in _GCC_ONLY])
def test_value(name: str, program: Callable[..., Program]) -> None:
    text, expected = SNIPPETS[name]
    assert program(text).call("test") == expected


def test_gcc_agrees(native: Callable[[Mapping[str, str]], dict[str, int]], program: Callable[..., Program]) -> None:
    """Also where the bytes in memory are the point: those values are gcc's only."""
    results = native({name: text for name, (text, _) in SNIPPETS.items()})
    for name in _GCC_ONLY:
        assert program(SNIPPETS[name][0]).call("test") == results.pop(name)
    assert results == {name: expected for name, (_, expected) in SNIPPETS.items() if name not in _GCC_ONLY}
