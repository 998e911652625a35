"""Rare constructs, each met in a kernel or one step beside one. gcc agrees."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.model.cexec import Program, Unsupported

SNIPPETS: Mapping[str, tuple[str, int]] = {
    "labels in a statement expression": (
        "long test(void) { int n = 0; ({ again: n++; if (n < 4) goto again; }); return n; }",
        4,
    ),
    "goto out of a statement expression": (
        "long test(void) { int n = 1; int m = ({ if (n) goto out; 5; }); return m; out: return 7; }",
        7,
    ),
    "break out of a statement expression": (
        "long test(void) { int n = 0; while (1) { n += ({ if (n > 3) break; 2; }); } return n; }",
        4,
    ),
    "statement expression of void": (
        "static int n; static void f(void) { n = 3; } long test(void) { (void)({ int x = 1; f(); });"
        " ({ f(); n++; }); return n; }",
        4,
    ),
    "return inside a statement expression": (
        "long test(void) { int n = 2; n += ({ if (n) return 9; 1; }); return n; }",
        9,
    ),
    "a statement expression as a loop's step": (
        "long test(void) { int s = 0; for (int i = 0; i < 6; i += ({ int k = 2; k;"
        " })) { if (i == 2) continue; s += i; } return s; }",
        4,
    ),
    "a pointer declared by a product": ("typedef int T; long test(void) { int n = 4; T * p; p = &n; return *p; }", 4),
    "a qualified local typedef": ("long test(void) { typedef const int T; T n = 3; return n; }", 3),
    "while false": ("long test(void) { int n = 1; while (0) n = 2; for (; 0;) n = 3; return n; }", 1),
    "do while true": ("long test(void) { int n = 1; do { if (n++ > 3) break; } while (1); return n; }", 5),
    "switch with default only": ("long test(void) { int n = 1; switch (n) { default: n = 5; } return n; }", 5),
    "empty switch": ("long test(void) { int n = 1; switch (n++) { } return n; }", 2),
    "statements of a section in blocks": (
        "long test(void) { int n = 1; switch (n) { case 1: { n += 2; } { n += 3; } case 2: n *= 2; } return n; }",
        12,
    ),
    "nested switches": (
        "static int f(int a, int b) { switch (a) { case 1: switch (b) { case 1: return 11;"
        " default: break; } return 10; case 2:"
        " switch (b) { case 1: break; case 2: return 22; } break; } return 0; }"
        " long test(void) { return f(1, 1) + f(1, 2) * 100 + f(2, 1) * 10000 + f(2, 2) * 10000; }",
        11 + 1000 + 220000,
    ),
    "goto from a switch into a label behind a loop": (
        "long test(void) { int i; for (i = 0; i < 5; i++) { switch (i) { case 3: goto done; } } i = 50;"
        " done: return i; }",
        3,
    ),
    "a label at the end": ("long test(void) { int n = 1; if (n) goto end; n = 2; end:; return n; }", 1),
    "function pointer from a comma": (
        "static int a(int n) { return n; } static int k; long test(void) { return (k = 5, a)(3) + k; }",
        8,
    ),
    "call of what a call returned": (
        "static int inc(int n) { return n + 1; } static int (*pick(void))(int) { return inc;"
        " } long test(void) { return (pick())(3); }",
        4,
    ),
    "cast around what looks like a cast": (
        "static int f(void) { return 300; } long test(void) { int x = 2; return (unsigned char)(f()) + x; }",
        46,
    ),
    "comma under a cast": ("typedef unsigned char T; long test(void) { int n = 0; return (T)(n++, 300) + n; }", 45),
    "a pointer as a condition": (
        "long test(void) { int n, *p = &n, *q = 0; return (p ? 1 : 2) * 10 + (q && *q) + !q; }",
        11,
    ),
    "null pointer constants in a conditional": (
        "long test(void) { char a[2] = { 1, 2 }; int n = 1; char *p = n ? a : (void *)0;"
        " void *q = n ? (void *)a : 0; return p[1] + (q == a); }",
        3,
    ),
    "pointer to an array": (
        "long test(void) { int a[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } }; int (*p)[3] = a; p++;"
        " return (*p)[1] * 10 + sizeof(*p); }",
        62,
    ),
    "pointer to a pointer": ("long test(void) { int n = 1, *p = &n, **pp = &p; **pp = 8; return n; }", 8),
    "integer plus pointer": ("long test(void) { int a[3] = { 1, 2, 3 }; return *(2 + a); }", 3),
    "pointer compound assignment": (
        "long test(void) { int a[4] = { 1, 2, 3, 4 }, *p = a; p += 3; p -= 1; return *p; }",
        3,
    ),
    "constant pointer difference": ("static int a[8]; long test(void) { return &a[6] - &a[1]; }", 5),
    "alignment of a variable": ("long test(void) { short s; return __alignof__(s) * 10 + sizeof s; }", 22),
    "sizeof an element": (
        "long test(void) { struct { char c[3]; } a[4]; return sizeof(a) / sizeof(a[0]) * 10 + sizeof(a[0].c); }",
        43,
    ),
    "address of a returned struct's member": (
        "struct p { int x[3]; }; static struct p f(int n) { struct p p = { { n, n + 1, n + 2 } }; return p; }"
        " long test(void) { return f(4).x[2]; }",
        6,
    ),
    "assignment of a struct as a value": (
        "struct p { int x, y, z; }; long test(void) { struct p a = { 1, 2, 3 }, b, c; c = b = a;"
        " return c.z * 10 + (b = c).y; }",
        32,
    ),
    "struct in an array through a pointer": (
        "struct p { int x, y, z; }; long test(void) { struct p a[2] = { { 1 }, { 2 } }, *p = a;"
        " struct p t = p[1]; p[1] = *p; *p = t;"
        " return a[0].x * 10 + a[1].x; }",
        21,
    ),
    "union punning": (
        "union u { unsigned long l; unsigned int i[2]; }; long test(void) { union u u;"
        " u.l = 5UL << 32; return u.i[1]; }",
        5,
    ),
    "an addressed bool": ("static void f(_Bool *b) { *b = 7; } long test(void) { _Bool b = 0; f(&b); return b; }", 1),
    "an addressed short": (
        "static void f(short *s) { *s += 40000; } long test(void) { short s = 30000; f(&s); return s; }",
        4464,
    ),
    "a misaligned access": (
        "struct s { char c; unsigned long l; } __attribute__((packed)); long test(void) { struct s a[2];"
        " a[1].l = 0x1122334455667788UL;"
        " return a[1].l >> 40; }",
        0x112233,
    ),
    "bytes of an int": (
        "long test(void) { int n = 0x01020304; unsigned char *p = (unsigned char *)&n; p[3] = 9; return n; }",
        0x09020304,
    ),
    "bit-field of an array's element": (
        "static struct b { unsigned a : 4, b : 12; } t[3]; long test(void) { int i = 1; t[i].b = 0xabc;"
        " t[i].a += 3; t[i].b ^= 0xf; return t[1].b + t[i].a; }",
        (0xABC ^ 0xF) + 3,
    ),
    "bit-field through a pointer": (
        "struct b { int s : 5; unsigned u : 3; }; static int f(struct b *p) { p->s = 15; p->s++;"
        " return p->s * 10 + --p->u; }"
        " long test(void) { struct b b = { 0, 0 }; return f(&b); }",
        -153,
    ),
    "float members have a size": (
        "struct s { float f; double d; long double l; int n; }; long test(void) { return sizeof(struct s); }",
        48,
    ),
    "specifiers in any order": (
        "long test(void) { long unsigned int long a = -1; short unsigned b = -1; char unsigned c = -1;"
        " return (a > 0) + b + c; }",
        65535 + 255 + 1,
    ),
    "aligned without a value": (
        "struct s { char c; } __attribute__((aligned)); long test(void) { return sizeof(struct s); }",
        16,
    ),
    "builtins of constants": (
        "long test(void) { return __builtin_ffs(8) + __builtin_ctz(16) * 10 + __builtin_bswap16(0x0102) * 100; }",
        4 + 40 + 0x0201 * 100,
    ),
    "object size is unknown": ("long test(void) { char *p = 0; return __builtin_object_size(p, 0) == -1UL; }", 1),
    "a shadowed function": ("static int f(void) { return 1; } long test(void) { int f = 5; return f + 1; }", 6),
    "a parameter that shadows a type": (
        "typedef int T; static int f(int T) { return (T) + 1; } long test(void) { return f(2); }",
        3,
    ),
    "a member named like a type": (
        "typedef int T; struct s { T T; }; long test(void) { struct s s = { .T = 4 }; return s.T; }",
        4,
    ),
    "a struct tag, a variable and a label of one name": (
        "struct x { int x; }; long test(void) { struct x x = { 3 }; goto x; x.x = 9; x: return x.x; }",
        3,
    ),
}


@pytest.mark.parametrize("name", SNIPPETS)
def test_value(name: str, program: Callable[..., Program]) -> None:
    text, expected = SNIPPETS[name]
    assert (program(text).call("test") + 2**63) % 2**64 - 2**63 == expected


def test_gcc_agrees(native: Callable[[Mapping[str, str]], dict[str, int]]) -> None:
    results = native({name: text for name, (text, _) in SNIPPETS.items()})
    assert results == {name: expected for name, (_, expected) in SNIPPETS.items()}


def test_library_builtins_are_the_functions(program: Callable[..., Program]) -> None:
    text = (
        "void *memcpy(void *, const void *, unsigned long); long test(void) { return"
        " (long)__builtin_memcpy((void *)8, 0, 3); }"
    )
    assert program(text, primitives={"memcpy": lambda to, source, count: to + source + count}).call("test") == 11


def test_a_call_of_a_void_pointer_is_the_models_own(program: Callable[..., Program]) -> None:
    """The macros that stand for paravirtual calls make such calls; no compiler takes them."""
    text = "static int f(int n) { return -n; } static void *op = f; long test(void) { return ((int)(op)(5)); }"
    assert program(text).call("test") == -5


@pytest.mark.parametrize(
    "text",
    [
        "static int f(int a) { return a; } long test(void) { return f(1, 2); }",
        "static int f(int a) { return a; } long test(void) { return f(); }",
        "long test(void) { int n = 3; return n(); }",
        "long test(void) { int n = 3; return *n; }",
        "long test(void) { int n = 3; return n.x; }",
        "struct s { int a; }; long test(void) { struct s s = { 1 }; return s.b; }",
        "long test(void) { return 1 / 0; }",
        "long test(void) { int n = 2; int a[n]; return sizeof(a); }",
        "struct a { int x, y; }; struct b { int x, y; }; long test(void) { struct a a = { 1 };"
        " struct b b; b = a; return b.x; }",
    ],
)
def test_what_is_no_c_or_not_supported_is_said(text: str, program: Callable[..., Program]) -> None:
    with pytest.raises(Unsupported):
        program(text).call("test")


def test_a_bool_bit_field_leaves_its_neighbours_alone(
    program: Callable[..., Program], native: Callable[[Mapping[str, str]], dict[str, int]]
) -> None:
    """Its unit is a byte that other fields are in, and what is stored in it is whether the value is not 0."""
    text = (
        "struct s { int f : 9; unsigned g : 6; _Bool n : 1; }; long test(void) { struct s s = { 3, 5, 2 };"
        " long kept = (s.n = 4); s.n++; s.f--; return s.f * 1000 + s.g * 100 + s.n * 10 + kept; }"
    )
    assert program(text).call("test") == native({"test": text})["test"] == 2511


def test_a_sign_before_a_number_that_is_an_index_is_not_guessed_at(program: Callable[..., Program]) -> None:
    """To C it negates the element; the grammar makes it part of the number."""
    with pytest.raises(Unsupported, match="element '-2"):
        program('long test(void) { return -2["abc"]; }').call("test")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("sizeof", "while (n < 9) { n += sizeof(({ for (;;) break; 'a'; })); n++; }"),
        (
            "typeof",
            "for (; n < 9; n++) { typeof(({ for (int i = 0; i < 3; i++) { if (i) continue; } n; })) x = 2; n += x; }",
        ),
        ("arm", "do { n += 0 ? ({ while (n) { if (n > 3) continue; break; } 1; }) : 2; n += 1; } while (n < 9);"),
        (
            "known",
            "while (n < 9) { n += __builtin_constant_p(({ int i = n; do { i--; continue; } while (i); i; })); n++; }",
        ),
        ("goto", "while (n < 9) { n += sizeof(({ int i = 1; goto out; out: i; })); n++; }"),
    ],
)
def test_jumps_in_what_is_not_evaluated_go_nowhere(
    name: str, body: str, program: Callable[..., Program], native: Callable[[Mapping[str, str]], dict[str, int]]
) -> None:
    text = f"long test(void) {{ int n = 0; {body} return n; }}"
    assert program(text).call("test") == native({name: text})[name]


@pytest.mark.parametrize(
    "loop",
    [
        "while ((n++, 0)) n = 50;",
        "do n += 3; while (({ n++; 0; }));",
        "for (; ({ n += 2; 0; }); n = 70) n = 60;",
        "while (({ n += 1; 1; })) if (n > 3) break;",
        "do { if (n > 3) continue; n++; } while ((n += 2, 0));",
    ],
)
def test_a_condition_of_known_value_has_its_effects(
    loop: str, program: Callable[..., Program], native: Callable[[Mapping[str, str]], dict[str, int]]
) -> None:
    text = f"long test(void) {{ int n = 0; {loop} return n; }}"
    assert program(text).call("test") == native({"test": text})["test"]
