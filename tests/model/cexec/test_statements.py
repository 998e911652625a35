"""Control flow. Each snippet's value is C's, and gcc agrees."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.model.cexec import Program

SNIPPETS: Mapping[str, tuple[str, int]] = {
    "if and else": ("long test(void) { int n = 3; if (n > 5) return 1; else if (n > 2) return 2; else return 3; }", 2),
    "while": ("long test(void) { int n = 0; while (n < 7) n += 2; return n; }", 8),
    "for": ("long test(void) { int s = 0; for (int i = 0; i < 5; i++) s += i; return s; }", 10),
    "for without parts": ("long test(void) { int n = 0; for (;;) { if (++n == 4) break; } return n; }", 4),
    "for with two counters": (
        "long test(void) { int i, j, s = 0; for (i = 0, j = 9; i < j; i++, j--) s += j - i; return s; }",
        25,
    ),
    "continue takes the step": (
        "long test(void) { int s = 0; for (int i = 0; i < 6; i++) { if (i & 1) continue; s += i; } return s; }",
        6,
    ),
    "a counter beyond its bound's type wraps": (
        "long test(void) { unsigned char i; int n = 0; for (i = 250; i < 255; i++) n++; return n; }",
        5,
    ),
    "a counter up to the largest int": (
        "long test(void) { int i, n = 0; for (i = 2147483645; i < 2147483647; i++) n++; return i + (long)n; }",
        2147483649,
    ),
    "a counter compared in a wider type wraps": (
        "long test(void) { int i; long end = 2147483650L; int n = 0;"
        " for (i = 2147483646; i < end; i++) { if (++n == 4) break; } return i; }",
        -(2**31) + 1,
    ),
    "a counter that the body changes": (
        "long test(void) { int i, n = 0; for (i = 0; i < 2147483647; i++) { n++;"
        " if (i < 5) i = 2147483645; } return n; }",
        2,
    ),
    "do once": ("long test(void) { int n = 5; do { n++; } while (0); return n; }", 6),
    "do with break": ("long test(void) { int n = 5; do { n++; if (n > 2) break; n = 100; } while (0); return n; }", 6),
    "do tests after continue": (
        "long test(void) { int n = 0, m = 0; do { n++; if (n < 3) continue; m += n; } while (n < 5); return m; }",
        12,
    ),
    "do with a statement expression as its condition": (
        "long test(void) { int n = 0; do { if (n == 1) continue; } while (({ n++; n < 4; })); return n; }",
        4,
    ),
    "nested loops": (
        "long test(void) { int s = 0; for (int i = 0; i < 4; i++) { for (int j = 0; j < 4; j++)"
        " { if (j > i) break; if (j == 1) continue; s += 10 * i + j; } } return s; }",
        147,
    ),
    "switch": (
        "static int f(int n) { switch (n) { case 1: return 10; case 2: case 3: n = 20; break;"
        " default: n = 30; } return n; }"
        " long test(void) { return f(1) + f(2) * 100 + f(3) * 10000 + f(4) * 1000000; }",
        10 + 2000 + 200000 + 30000000,
    ),
    "switch falls through": (
        "static int f(int n) { int r = 0; switch (n) { case 1: r += 1; case 2: r += 2; break;"
        " case 3: r += 4; } return r; }"
        " long test(void) { return f(1) + f(2) * 10 + f(3) * 100 + f(4) * 1000; }",
        423,
    ),
    "switch with default in the middle": (
        "static int f(int n) { int r = 0; switch (n) { case 1: r = 1; default: r += 2; case 5: r += 4; } return r; }"
        " long test(void) { return f(1) + f(9) * 10 + f(5) * 100; }",
        7 + 60 + 400,
    ),
    "case ranges": (
        "static int f(int n) { switch (n) { case 0 ... 9: return 1; case 'a' ... 'f': return 2; default: return 3; } }"
        " long test(void) { return f(9) + f('c') * 10 + f(10) * 100; }",
        321,
    ),
    "break inside an if inside a switch": (
        "static int f(int n) { int r = 1; switch (n) { case 1: if (r) break; r = 2; break; case 2: r = 3; } return r; }"
        " long test(void) { return f(1) * 10 + f(2); }",
        13,
    ),
    "continue inside a switch": (
        "long test(void) { int s = 0; for (int i = 0; i < 5; i++) { switch (i) { case 1: continue;"
        " case 3: s += 100; break;"
        " default: s += 1; } s += 10; } return s; }",
        100 + 3 + 40,
    ),
    "continue in a loop in a switch in a loop": (
        "long test(void) { int s = 0; for (int i = 0; i < 3; i++) { switch (i) { case 0: s++; case 1:"
        " for (int j = 0; j < 3; j++) { if (j == 1) continue; s += 10; } break; case 2: s += 1000; } } return s; }",
        1 + 40 + 1000,
    ),
    "switch without a match": ("long test(void) { int n = 7; switch (n) { case 1: n = 0; } return n; }", 7),
    "switch on a long": (
        "long test(void) { unsigned long n = 1UL << 40; switch (n) { case 1UL << 40: return 1; } return 2; }",
        1,
    ),
    "declarations in a switch": (
        "long test(void) { int n = 2; switch (n) { case 2: { int m = 5; n = m; break; } case 3: n = 0; } return n; }",
        5,
    ),
    "goto forward": ("long test(void) { int n = 1; if (n) goto out; n = 100; out: return n + 1; }", 2),
    "goto backward": ("long test(void) { int n = 0; again: n++; if (n < 5) goto again; return n; }", 5),
    "goto out of nested loops": (
        "long test(void) { int i, j; for (i = 0; i < 9; i++) for (j = 0; j < 9; j++) if (i * j == 20) goto found;"
        " return -1; found: return i * 10 + j; }",
        45,
    ),
    "goto to the next of several labels": (
        "long test(void) { int n = 0; goto b; a: n += 1; goto c; b: n += 10; goto a; c: n += 100; return n; }",
        111,
    ),
    "goto inside a loop's body": (
        "long test(void) { int s = 0; for (int i = 0; i < 4; i++) { if (i == 2) goto skip; s += 10;"
        " skip: s += 1; } return s; }",
        34,
    ),
    "goto out of a switch": (
        "long test(void) { int n = 2; switch (n) { case 2: goto out; case 3: n = 0; } n = 50; out: return n; }",
        2,
    ),
    "break out of a block with labels": (
        "long test(void) { int n = 0; while (1) { n++; if (n > 2) break; if (n == 1) goto next; n += 10;"
        " next: ; } return n; }",
        13,
    ),
    "continue out of a block with labels": (
        "long test(void) { int s = 0; for (int i = 0; i < 5; i++) { if (i == 1) continue;"
        " if (i == 2) goto two; s += 1; two: s += 10; }"
        " return s; }",
        43,
    ),
    "return out of a block with labels": (
        "static int f(int n) { while (1) { if (n > 2) return n; n++; goto l; l: ; } }"
        " long test(void) { return f(0) * 10 + f(7); }",
        37,
    ),
    "two labels on one statement": (
        "long test(void) { int n = 0; if (n == 0) goto b; a: b: n++; if (n < 3) goto a; return n; }",
        3,
    ),
    "scopes hide": ("long test(void) { int n = 1; { int n = 2; { int n = 3; n++; } n++; } return n; }", 1),
    "a variable of an outer scope": (
        "long test(void) { int n = 1; { n = 2; int m = n; { int n = m + 1; m = n; } n += m; } return n; }",
        5,
    ),
    "recursion": (
        "static long fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); } long test(void) { return fib(15); }",
        610,
    ),
    "recursion with memory on the stack": (
        "static int depth(int n, int *from) { int mine = n + *from; if (n == 0) return mine;"
        " return depth(n - 1, &mine); }"
        " long test(void) { int zero = 0; return depth(10, &zero); }",
        55,
    ),
    "parameters are variables": (
        "static int f(int n) { n *= 2; return n; } long test(void) { int n = 4; return f(n) + n; }",
        12,
    ),
    "an addressed parameter": (
        "static void set(int *p) { *p = 9; } static int f(int n) { set(&n); return n;"
        " } long test(void) { return f(1); }",
        9,
    ),
    "static local": (
        "static int next(void) { static int n = 5; return n++; } long test(void) { next(); next(); return next(); }",
        7,
    ),
    "static locals of two functions": (
        "static int a(void) { static int n = 1; return n++; } static int b(void) { static int n = 5; return n++; }"
        " long test(void) { a(); b(); return a() * 10 + b(); }",
        26,
    ),
    "an expression statement that looks like a declaration": (
        "long test(void) { int a = 3, b = 4; a * b; return a; }",
        3,
    ),
    "a variable left uninitialised on purpose": ("long test(void) { int x = x; x = 4; return x; }", 4),
    "local typedef": ("long test(void) { typedef unsigned char byte; byte b = 257; return b; }", 1),
    "local struct": (
        "long test(void) { struct pair { int a, b; } p = { 1, 2 }; struct pair q = p; q.a = 5;"
        " return p.a * 10 + q.a; }",
        15,
    ),
    "a local name that is a type elsewhere": ("typedef int T; long test(void) { int T = 5; return (T) - 2; }", 3),
}


@pytest.mark.parametrize("name", SNIPPETS)
def test_value(name: str, program: Callable[..., Program]) -> None:
    text, expected = SNIPPETS[name]
    result = program(text).call("test")
    assert (result + 2**63) % 2**64 - 2**63 == expected


def test_gcc_agrees(native: Callable[[Mapping[str, str]], dict[str, int]]) -> None:
    results = native({name: text for name, (text, _) in SNIPPETS.items()})
    assert results == {name: expected for name, (_, expected) in SNIPPETS.items()}
