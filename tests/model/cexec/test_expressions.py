"""Operators, conversions and the values of expressions. Each snippet's value is C's, and gcc agrees."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.model.cexec import Program

SNIPPETS: Mapping[str, tuple[str, int]] = {
    "signed overflow wraps": ("long test(void) { int x = 2147483647; x = x + 1; return x; }", -(2**31)),
    "signed product wraps": ("long test(void) { int x = 65536; return x * x + 7; }", 7),
    "negating the least int": ("long test(void) { int x = -2147483647 - 1; return -x; }", -(2**31)),
    "least int divided by -1": (
        "long test(void) { int x = -2147483647 - 1, y = 3; y -= 4; return (x + 1) / y; }",
        2**31 - 1,
    ),
    "long overflow wraps": (
        "long test(void) { long x = 0x7fffffffffffffffL; x += 2; return x; }",
        -(2**63) + 1,
    ),
    "unsigned subtraction wraps": ("long test(void) { unsigned x = 0; return x - 1; }", 2**32 - 1),
    "unsigned long wraps": ("long test(void) { unsigned long x = 0; return (x - 1) >> 60; }", 15),
    "a mask needs no wrap": ("long test(void) { unsigned long x = 0; return (x - 1) & 511; }", 511),
    "division towards zero": ("long test(void) { int x = -7; return x / 2 * 100 + x % 2; }", -301),
    "unsigned division": ("long test(void) { unsigned x = -7; return x / 2; }", (2**32 - 7) // 2),
    "arithmetic shift right": ("long test(void) { int x = -5; return x >> 1; }", -3),
    "logical shift right": ("long test(void) { unsigned x = -5; return x >> 1; }", (2**32 - 5) >> 1),
    "shift left drops bits": ("long test(void) { unsigned x = 0xf0000001; return x << 4; }", 16),
    "shift by a variable": ("long test(void) { int n = 40; return 1UL << n; }", 1 << 40),
    "char is signed": ("long test(void) { char c = 200; return c; }", -56),
    "short truncates": ("long test(void) { short s = 70000; return s; }", 4464),
    "bool is 0 or 1": ("long test(void) { _Bool b = 256; b += 1; return b; }", 1),
    "bool from a pointer": ("long test(void) { int x; _Bool b = &x; return b; }", 1),
    "mixed comparison": ("long test(void) { int a = -1; unsigned b = 1; return a < b; }", 0),
    "comparison in long": ("long test(void) { int a = -1; unsigned b = 1; return (long)a < b; }", 1),
    "promotion of unsigned char": ("long test(void) { unsigned char c = 255; return ~c; }", -256),
    "complement of unsigned": ("long test(void) { unsigned c = 5; return ~c; }", 2**32 - 6),
    "hexadecimal constant is unsigned": ("long test(void) { return 0xffffffff > -1; }", 0),
    "decimal constant is long": ("long test(void) { return 4294967295 > -1; }", 1),
    "octal constant": ("long test(void) { return 0755; }", 0o755),
    "character constants": (r"long test(void) { return 'a' + '\n' * 256 + '\377'; }", 97 + 2560 - 1),
    "logical and stops": ("long test(void) { int n = 0; (n && n++) || (n += 5); return n; }", 5),
    "logical or stops": ("long test(void) { int n = 1; int r = n || n++; return n * 10 + r; }", 11),
    "not": ("long test(void) { int n = 3; return !n + !!n * 10; }", 10),
    "conditional": ("long test(void) { int n = 3; return n > 2 ? n * 2 : n; }", 6),
    "conditional converts to the common type": (
        "long test(void) { int n = -1; unsigned u = 1; return n ? n : u; }",
        2**32 - 1,
    ),
    "conditional with omitted middle": (
        "static int calls; static int next(void) { return ++calls; }"
        " long test(void) { int a = next() ?: 7; int z = 0; return a * 100 + calls * 10 + (z ?: 4); }",
        114,
    ),
    "omitted middle with a constant converts": ("long test(void) { unsigned u = 1; return -6 ?: u; }", 2**32 - 6),
    "comma": ("long test(void) { int n = 1; int r = (n++, n * 3); return r; }", 6),
    "assignment as a value": ("long test(void) { int a, b; a = b = 7; return a + b; }", 14),
    "assignment converts its value": ("long test(void) { unsigned char c; int r = (c = 300); return r; }", 44),
    "compound assignment": ("long test(void) { unsigned char c = 250; c += 10; c <<= 1; c |= 1; return c; }", 9),
    "postfix increment": ("long test(void) { int a[2] = {5, 6}; int *p = a; int x = *p++; return x * 10 + *p; }", 56),
    "prefix decrement": ("long test(void) { unsigned n = 0; return --n; }", 2**32 - 1),
    "increment of an element": ("long test(void) { int a[3] = {1, 2, 3}; int i = 1; a[i]++; ++a[i]; return a[1]; }", 4),
    "increment of a bit-field": (
        "struct b { unsigned f : 3; }; long test(void) { struct b s = { 7 }; int old = s.f++; return old * 10 + s.f; }",
        70,
    ),
    "pointer difference": ("long test(void) { long a[9]; return &a[7] - &a[2]; }", 5),
    "pointer difference backwards": ("long test(void) { long a[9]; return &a[2] - &a[7]; }", -5),
    "pointer comparison": ("long test(void) { int a[2]; return &a[1] > &a[0]; }", 1),
    "negative index": ("long test(void) { int a[3] = {1, 2, 3}; int *p = a + 2; return p[-1]; }", 2),
    "an unsigned index stands for a negative one": (
        "long test(void) { int a[3] = {1, 2, 3}; int *p = a + 2; unsigned long i = -1UL; return p[i]; }",
        2,
    ),
    "index on the left": ("long test(void) { int a[3] = {1, 2, 3}; return 2[a]; }", 3),
    "arithmetic on void pointers": (
        "long test(void) { char a[4] = {1, 2, 3, 4}; void *p = a; return *(char *)(p + 2); }",
        3,
    ),
    "container of a member": (
        "struct in { int i; }; struct out { long l; struct in in; };"
        " long test(void) { struct out o = { 9, { 1 } }; struct in *p = &o.in;"
        " struct out *q = (struct out *)((char *)p - (unsigned long)&((struct out *)0)->in); return q->l; }",
        9,
    ),
    "sizeof": (
        "struct s { char c; long l; }; long test(void) { int a[5]; char *p = 0;"
        " return sizeof(struct s) + sizeof a * 100 + sizeof(*p) * 10000 + sizeof(long) * 100000; }",
        16 + 2000 + 10000 + 800000,
    ),
    "sizeof does not evaluate": ("long test(void) { int n = 1; int s = sizeof(n++); return n * 10 + s; }", 14),
    "sizeof of a string": ('long test(void) { return sizeof("abc"); }', 4),
    "alignof": ("struct s { char c; long l; }; long test(void) { return __alignof__(struct s); }", 8),
    "offsetof": (
        "struct s { char c; struct { int x[4]; } n; }; long test(void) { return __builtin_offsetof(struct"
        " s, n.x[2]); }",
        12,
    ),
    "typeof a variable": ("long test(void) { unsigned char c = 250; typeof(c) d = c + 10; return d; }", 4),
    "typeof an expression": ("long test(void) { char *p = 0; __typeof__(*p) c = 200; return c; }", -56),
    "typeof a type": ("long test(void) { typeof(unsigned short) s = -1; return s; }", 65535),
    "typeof inside typeof": (
        "long test(void) { unsigned char c = 1; typeof((typeof(c))300) d = 300; return d; }",
        44,
    ),
    "statement expression": ("long test(void) { int a = 3; return ({ int b = a * 2; b + 1; }) * 10; }", 70),
    "statement expression in a condition": (
        "long test(void) { int n = 0; while (({ n++; n < 5; })) ; return n; }",
        5,
    ),
    "statement expression behind a short circuit": (
        "long test(void) { int n = 0, z = 0; if (z && ({ n = 9; 1; })) n += 100; return n; }",
        0,
    ),
    "statement expression in a branch": (
        "long test(void) { int n = 0, z = 0; int r = z ? ({ n = 9; 1; }) : ({ n += 2; n; }); return r * 10 + n; }",
        22,
    ),
    "statement expression keeps its value": (
        "long test(void) { int x = 1; int y = ({ int t = x; t; }) + ({ x = 5; x; }); return y; }",
        6,
    ),
    "nested statement expressions": (
        "#define MAX(a, b) ({ typeof(a) a_ = (a); typeof(b) b_ = (b); a_ > b_ ? a_ : b_; })\n"
        "long test(void) { int i = 3; return MAX(MAX(i++, 2), MAX(1, i)); }",
        4,
    ),
    "builtin expect": ("long test(void) { int n = 3; return __builtin_expect(n > 2, 0); }", 1),
    "builtin constant_p": ("long test(void) { volatile int n = 3; return __builtin_constant_p(4) * 2; }", 2),
    "builtin types compatible": (
        "long test(void) { int a; unsigned b; return __builtin_types_compatible_p(typeof(a), typeof(b)) * 10"
        " + __builtin_types_compatible_p(typeof(a), typeof(a)); }",
        1,
    ),
    "builtin choose_expr": ("long test(void) { return __builtin_choose_expr(sizeof(long) == 8, 5, (void)0); }", 5),
    "builtin bits": (
        "long test(void) { unsigned n = 0x50; unsigned long l = 1UL << 40;"
        " return __builtin_ffs(n) + __builtin_ctzl(l) * 100 + __builtin_clz(n) * 10000 +"
        " __builtin_popcount(n) * 1000000; }",
        5 + 4000 + 250000 + 2000000,
    ),
    "builtin byte swap": ("long test(void) { unsigned n = 0x11223344; return __builtin_bswap32(n); }", 0x44332211),
    "enumeration constants": (
        "enum e { A, B = 5, C, D = -2, E }; long test(void) { enum e x = C; return x * 100 + B * 10 + E + A; }",
        649,
    ),
    "an enum without negative values is unsigned": (
        "enum e { A, B }; long test(void) { enum e x = -1; return x > 0; }",
        1,
    ),
    "an enum with negative values is signed": (
        "enum e { A = -1 }; long test(void) { enum e x = -1; return x > 0; }",
        0,
    ),
    "local enumeration": ("long test(void) { enum { A = 3, B }; return B; }", 4),
    "128-bit-free product": (
        "long test(void) { unsigned long a = 0xffffffffffUL; return a * a; }",
        0xFFFFFFFFFF**2 % 2**64,
    ),
}


@pytest.mark.parametrize("name", SNIPPETS)
def test_value(name: str, program: Callable[..., Program]) -> None:
    text, expected = SNIPPETS[name]
    assert _signed(program(text).call("test")) == _signed(expected)


def test_gcc_agrees(native: Callable[[Mapping[str, str]], dict[str, int]]) -> None:
    results = native({name: text for name, (text, _) in SNIPPETS.items()})
    assert results == {name: _signed(expected) for name, (_, expected) in SNIPPETS.items()}


def test_the_name_of_the_function(program: Callable[..., Program]) -> None:
    text = (
        "static long my_name(void) { return sizeof(__func__) + __func__[1] * 100;"
        " } long test(void) { return my_name(); }"
    )
    assert program(text).call("test") == 8 + ord("y") * 100


def _signed(value: int) -> int:
    value &= 2**64 - 1
    return value - 2**64 if value >> 63 else value
