"""The preprocessor: what C says, and what it says when it cannot know."""

from collections.abc import Callable, Sequence

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax.preprocessor import Preprocessor, Trouble
from kpatch_tools.syntax.preprocessor_lines import LineCache


@pytest.fixture
def expand(sources: Callable[..., object]) -> Callable[..., str]:
    """The tokens that a text expands to, separated by single spaces."""

    def run(text: str, **options: object) -> str:
        preprocessor = Preprocessor(sources({"t.c": text}), **options)
        preprocessor.include(RepoPath("t.c"))
        return " ".join(" ".join(preprocessor.output().lines).split())

    return run


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("#define N 3\nint a[N];", "int a [ 3 ] ;"),
        ("#define F(x) (x+x)\nF(F(1))", "( ( 1 + 1 ) + ( 1 + 1 ) )"),
        ("#define F(x) x\nF F (1) F", "F 1 F"),
        ("#define F() z\nF() F( )", "z z"),
        ('#define S(x) #x\nS(a + 1) S("q\\n")', '"a + 1" "\\"q\\\\n\\""'),
        ("#define C(a, b) a ## b\nC(x, 1) C(, y) C(x, ) C(,)", "x1 y x"),
        ("#define A 1\n#define C(a, b) a ## b A\nC(A, B)", "AB 1"),
        ("#define C(a, b, c) a ## b ## c\nC(x, y, z)", "xyz"),
        ("#define X a ## b\nX", "ab"),
        ("#define V(f, ...) f(__VA_ARGS__)\nV(g, 1, (2, 3))", "g ( 1 , ( 2 , 3 ) )"),
        ("#define V(f, a...) p(f, ## a)\nV(1) V(1, 2) V(1, 2, 3)", "p ( 1 ) p ( 1 , 2 ) p ( 1 , 2 , 3 )"),
        ("#define V(f, ...) p(f, ##__VA_ARGS__)\n#define N 5\nV(1, N)", "p ( 1 , 5 )"),
        ("#define F(x) x\nF(\n1\n)", "1"),
        ("#define f(x) g(x)\n#define g(x) f(x)\nf(1) g(f(2))", "f ( 1 ) g ( f ( 2 ) )"),
        ("#define foo foo + 1\n#define id(x) x\nfoo id(foo) id(id(foo))", "foo + 1 foo + 1 foo + 1"),
        ("#define f(a) a*g\n#define g(a) f(a)\nf(2)(9)", "2 * 9 * g"),
        ("#define EMPTY\n#define F(x) [x]\nF(EMPTY) EMPTY F()", "[ ] [ ]"),
        ("#define A B\n#undef A\nA", "A"),
        ("#define L() __LINE__\n\nL() __LINE__\n__FILE__", '3 3 "t.c"'),
        ("__COUNTER__ __COUNTER__\n__COUNTER__", "0 1 2"),
        ("#define A 1\n#if A + 1 == 2 && defined(A) && !defined B\nyes\n#else\nno\n#endif", "yes"),
        ("#if 0\na\n#elif 1\nb\n#elif 1\nc\n#else\nd\n#endif", "b"),
        ("#if 0\n#if 1\na\n#else\nb\n#endif\n#else\nc\n#endif", "c"),
        ("#ifdef A\na\n#endif\n#ifndef A\nb\n#endif", "b"),
        ("#if X\na\n#else\nb\n#endif", "b"),
        ("#define IS defined(A)\n#define A\n#if IS\na\n#endif", "a"),
        ("#if 'a' == 97 && '\\n' == 10 && -1 < 0u\na\n#else\nb\n#endif", "b"),
        ("#if (2 ? 3 : 4) == 3 && (1 << 63) < 0 && 0xffffffffffffffff == -1\na\n#endif", "a"),
        ("#if 010 == 8 && 10 / 3 == 3 && -7 % 2 == -1 && ~0 == -1\na\n#endif", "a"),
        ("#if 0 && (1 / 0)\na\n#else\nb\n#endif", "b"),
        ('#pragma once\n#warning x\n#ident "y"\na', "a"),
        ("  #  define A 1\nA", "1"),
        ("#define M(x) x \\\n  + x\nM(2)\nb", "2 + 2 b"),
        ("#define P(x) #x #x\nP( a   b )", '"a b" "a b"'),
        ("#define E(x) #x\n#define F(x) E(x)\n#define A 1\nE(A) F(A)", '"A" "1"'),
    ],
)
def test_expansion(text: str, expanded: str, expand: Callable[..., str]) -> None:
    assert expand(text) == expanded


def test_defines_and_overrides(expand: Callable[..., str]) -> None:
    text = "#define A tree\n#undef A\n#define A tree\n#define B tree\n#undef C\nA B C K(1)"
    result = expand(text, defines={"B": "given", "C": "given", "K(x)": "x+"}, overrides=("A model",), undefinable={"B"})
    assert result == "model given C 1 +"


def test_include_search(sources: Callable[..., object]) -> None:
    files = {
        "a/t.c": '#include "n.h"\n#include <n.h>\n#include <asm/only.h>\n#include NAME\n#include <v.h>',
        "a/n.h": "near",
        "inc/n.h": "far",
        "include/asm-generic/only.h": "generic",
        "inc/v.h": "tree",
    }
    preprocessor = Preprocessor(
        sources(files),
        include_dirs=("inc",),
        defines={"NAME": "<n.h>"},
        virtual_files={RepoPath("inc/v.h"): b"virtual"},
    )
    preprocessor.include(RepoPath("a/t.c"))
    assert preprocessor.output().lines == ("near", "far", "generic", "far", "virtual")
    assert preprocessor.files == ("a/t.c", "a/n.h", "inc/n.h", "include/asm-generic/only.h", "inc/v.h")


def test_guards_carry_over_from_file_to_file(sources: Callable[..., object]) -> None:
    files = {"h.h": "#ifndef H\n#define H\nonce\n#endif", "a.c": '#include "h.h"\na', "b.c": '#include "h.h"\nb'}
    preprocessor = Preprocessor(sources(files))
    for path in ("a.c", "b.c"):
        preprocessor.include(RepoPath(path))
    assert preprocessor.output().lines == ("once", "a", "b")


def test_lines_are_mapped(sources: Callable[..., object]) -> None:
    text = '#define F(x) x\n\na /* 1\n2 */\n\nF(b\n  c)\nd\n#include "h.h"\ne'
    preprocessor = Preprocessor(sources({"t.c": text, "h.h": "\nh"}))
    preprocessor.include(RepoPath("t.c"))
    output = preprocessor.output()
    expected = [("a", "t.c", 3), ("b c", "t.c", 6), ("d", "t.c", 8), ("h", "h.h", 2), ("e", "t.c", 10)]
    assert [
        (" ".join(line.split()), *place) for line, place in zip(output.lines, output.places, strict=True)
    ] == expected


@pytest.mark.parametrize(
    ("text", "troubles"),
    [
        ("#include <no.h>\na", [("missing-include", 1, "no.h")]),
        ("\n#error not here", [("error-directive", 2, "not here")]),
        ("#if 0\n#include <no.h>\n#error x\n#endif", []),
        ("#if 1 +\na\n#endif", [("condition", 1, "1 +: the expression ends too early")]),
        ("#if 1.5\n#endif", [("condition", 1, "1.5: '1.5' is no integer")]),
        ("#else\n#endif", [("malformed", 1, "#else without #if"), ("malformed", 2, "#endif without #if")]),
        ("#if 1\na", [("malformed", 0, "#if without #endif")]),
        ("#define 3", [("malformed", 1, "no macro name in '3'")]),
        ("#include x", [("malformed", 1, "#include x")]),
        ("#frobnicate", [("malformed", 1, "#frobnicate")]),
    ],
)
def test_troubles_are_reported(
    text: str, troubles: Sequence[tuple[str, int, str]], sources: Callable[..., object]
) -> None:
    preprocessor = Preprocessor(sources({"t.c": text}))
    preprocessor.include(RepoPath("t.c"))
    assert preprocessor.troubles == tuple(Trouble(kind, RepoPath("t.c"), line, what) for kind, line, what in troubles)


def test_a_file_that_is_not_there(sources: Callable[..., object]) -> None:
    with pytest.raises(KpatchError) as caught:
        Preprocessor(sources({})).include(RepoPath("no.c"))
    assert caught.value.code == "file-not-found"


def test_dos_line_ends(expand: Callable[..., str]) -> None:
    assert expand("#define M(x) x \\\r\n + 1\r\nM(2)\r\n") == "2 + 1"


def test_bytes_beyond_ascii_survive(sources: Callable[..., object]) -> None:
    preprocessor = Preprocessor(sources({"t.c": b'#define N "caf\xe9"\nN'}))
    preprocessor.include(RepoPath("t.c"))
    assert preprocessor.output().lines[0].encode("latin-1") == b'"caf\xe9"'


def test_a_cache_is_shared_by_content(sources: Callable[..., object]) -> None:
    cache = LineCache()
    assert cache.lines(b"#define A 1\nA") is cache.lines(b"#define A 1\nA")
    first, second = (Preprocessor(sources({"t.c": text}), cache=cache) for text in ("a", "b"))
    for preprocessor in (first, second):
        preprocessor.include(RepoPath("t.c"))
    assert (first.output().lines, second.output().lines) == (("a",), ("b",))
