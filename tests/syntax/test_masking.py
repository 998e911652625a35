"""Masking: offsets and newlines stay, the grammar meets no error, the annotation remains findable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.syntax import find_function, mask, name_of, names_declared_by, parameters, parse_c


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("static int __init f(void)\n{\n\treturn 0;\n}\n", ["__init"]),
        ("static void __init_refok f(void) { }\n", ["__init_refok"]),
        ("struct ops table __initdata = {\n\t.a = f,\n};\n", ["__initdata"]),
        ('extern int x __attribute__((section(".data"), aligned(4)));\n', ["__attribute__"]),
        ("asmlinkage long f(const char __user *p, void __iomem *q);\n", ["asmlinkage", "__user", "__iomem"]),
        ("int x;\nEXPORT_SYMBOL_GPL(x);\n", ["EXPORT_SYMBOL_GPL"]),
        ("static int f(void) { return 0; }\nmodule_init(f)\nint y;\n", ["module_init"]),
        ("static DEFINE_PER_CPU(struct foo, bar) = { 1 };\n", ["DEFINE_PER_CPU"]),
        ("void f(void)\n{\n\tlist_for_each_entry(a, &b, c) {\n\t\tg(a);\n\t}\n}\n", ["list_for_each_entry"]),
        ("void f(void)\n{\n\tfor_each_cpu(i, m)\n\t\tg(i);\n}\n", ["for_each_cpu"]),
        ("void f(void)\n{\n\tx = container_of(p, struct foo, bar)->z;\n}\n", []),
        ("void f(void)\n{\n\tx = min_t(unsigned long, a, b);\n}\n", []),
        ("void f(void)\n{\n\tx = va_arg(ap, struct foo *);\n}\n", []),
        ("SYSCALL_DEFINE2(f, int, a, char __user *, b)\n{\n\treturn a;\n}\n", ["SYSCALL_DEFINE2", "__user"]),
        ("static DEFINE_PER_CPU(struct a [2], b);\n", ["DEFINE_PER_CPU"]),
        ("static DEVICE_ATTR(a, 0444, show, NULL);\n", ["DEVICE_ATTR"]),
        (
            "void f(void)\n{\n\tdo_each_thread(g, p) {\n\t\th(p);\n\t} while_each_thread(g, p);\n}\n",
            ["do_each_thread", "while_each_thread"],
        ),
        ("static DECLARE_WORK(w, f);\n", ["DECLARE_WORK"]),
        ("static DECLARE_BITMAP(a, 3);\n", ["DECLARE_BITMAP"]),
        ("static RESERVE_BRK_ARRAY(pte_t, a, 3);\n", ["RESERVE_BRK_ARRAY"]),
        ("void f(void)\n{\n\tswitch (a) {\n\tcase 0 ... 3:\n\t\tbreak;\n\t}\n}\n", ["..."]),
        ('void f(void)\n{\n\tprintk(KERN_ERR PREFIX "a");\n}\n', ["KERN_ERR"]),
        ("int a = offsetof(struct foo, b.c[2]);\n", []),
        ("void f(void)\n{\n\ttypeof(a.b) *p = &a.b;\n}\n", ["typeof"]),
        ("FOO_HANDLE(a, unsigned char);\nBAR(x, y)\nint z;\n", ["FOO_HANDLE", "BAR"]),
        ("static __always_inline __printf(1, 2) void f(const char *s, ...);\n", ["__always_inline", "__printf"]),
    ],
)
def test_annotation_is_blanked_and_kept(source: str, names: list[str]) -> None:
    parsed = parse_c(source.encode())
    assert parsed.errors == ()
    assert [note.name for note in parsed.annotations] == names
    for note in parsed.annotations:
        assert parsed.source[note.span.start :].startswith(note.name.encode())
        assert not parsed.masked[note.span.start :].startswith(note.name.encode())


@pytest.mark.parametrize(
    "source",
    [
        'char *s = "static int __init f(void)";\n',
        "/* __init and list_for_each(x) */ int x;\n",
        "// __user\nint x;\n",
        "#define __init __section(.init.text)\n",
        "#define X(a) \\\n\tint __init a(void)\n",
        "#ifdef __init\n#endif\n",
        "static DEFINE_SPINLOCK(lock);\n",
        "SOME_FOO(a)\n{\n}\n",
        "int __init_begin, my__init;\n",
        "void f(void) { for_each_thing(a, b); x = for_each_thing(a) + 1; }\n",
        "int for_each_thing(struct thing *a)\n{\n}\nstruct thing *\nthing_for_each(int a)\n{\n}\n",
    ],
)
def test_nothing_else_is_touched(source: str) -> None:
    masked = mask(source.encode())
    assert masked.data == source.encode()
    assert masked.annotations == ()


def test_comments_in_a_macro_do_not_end_it() -> None:
    data = mask(b"#define A /* a\n b */ \\\n\tf(); /* c */ \\\n\tg() /* d */\n").data
    assert data == b"#define A    \\\n      \\\n\tf();         \\\n\tg() /* d */\n"


@pytest.mark.parametrize(
    ("operands", "left"),
    [
        (': OUT(x), "=m" (y) : "r" (z)', ':"=m"(y):"r"(z)'),
        (': "=m" (y), OUT : "r" (z) : "memory"', ':"=m"(y):"r"(z):"memory"'),
        (': "=m" (y), OUT(a, b), "=r" (w)', ':"=m"(y),"=r"(w)'),
        (": OUT : IN(x)", "::"),
        (': [a] "=m" (f(x ? y : z)) : : CLOBBER', ':[a]"=m"(f(x?y:z))::CLOBBER'),
        (': /* , */ "=m" (x)', ':/*,*/"=m"(x)'),
    ],
)
def test_assembly_operands_that_are_macros(operands: str, left: str) -> None:
    before, after = 'void f(void)\n{\n\tasm volatile(LOCK "a: b\\n" ', ");\n}\n"
    parsed = parse_c((before + operands + after).encode())
    inner = parsed.masked.decode()[len(before) : -len(after)]
    assert "".join(inner.split()) == left
    assert len(parsed.masked) == len(parsed.source)


def test_named_rest_of_macro_parameters() -> None:
    assert mask(b"#define f(a, args...) g(args)\n").data == b"#define f(a,     ...) g(args)\n"


def test_rewritten_macros_still_declare() -> None:
    data = mask(b"static DECLARE_WORK(w, f); DECLARE_BITMAP(a, 3); RESERVE_BRK_ARRAY(pte_t, b, 3);").data
    assert b"".join(data.split()) == b"staticintw;unsignedlonga[3];pte_t*b;"


def test_system_call_is_a_function() -> None:
    parsed = parse_c(b"SYSCALL_DEFINE2(f, int, a, char __user *, b)\n{\n}\n")
    definition = find_function(parsed, "f")
    assert definition is not None
    assert [name_of(name) for item in parameters(definition) for name in names_declared_by(item)] == ["a", "b"]


def test_per_cpu_variable_becomes_a_declaration() -> None:
    data = mask(b"DEFINE_PER_CPU(struct foo, bar);\n").data
    assert data.split() == [b"struct", b"foo", b"bar", b";"]


@pytest.mark.parametrize(
    "source",
    [
        "#if 0\nGONE\n#endif\nKEPT\n",
        "#if 0\nGONE\n#else\nKEPT\n#endif\n",
        "#if 1\nKEPT\n#else\nGONE\n#endif\n",
        "#if 0 /* why */\n#if X\nGONE\n#else\nGONE\n#endif\n#endif\nKEPT\n",
        "#ifdef X\n#if (0)\nGONE\n#endif\nKEPT\n#endif\n",
        "#ifdef __ASSEMBLY__\nGONE\n#else\nKEPT\n#endif\n",
        "#ifndef __ASSEMBLY__\nKEPT\n#else\nGONE\n#endif\n",
        "#if !defined(__ASSEMBLY__)\nKEPT\n#endif\n#if 0 && X\nGONE\n#endif\n",
        "#if X\nKEPT\n#elif 0\nGONE\n#endif\n",
        "/*\n#if 0\n*/\nKEPT\n#if 0\nGONE\n",
        "#if 0\nit's GONE\n#endif\nKEPT\n",
    ],
)
def test_disabled_text(source: str) -> None:
    parsed = parse_c(source.encode())
    assert parsed.is_disabled(source.index("GONE"))
    assert not parsed.is_disabled(source.index("KEPT"))
    assert b"GONE" not in parsed.masked
    assert b"KEPT" in parsed.masked


_C = ("(", ")", "{", "}", "/*", "*/", '"', "'", "\n", "\\\n", "x", ";", ",", "//", "é")
_KERNEL = ("__init ", "#if 0", "#else", "#endif", "#define ", "list_for_each(", "DEFINE_PER_CPU(", "__attribute__((")
_PIECES = st.sampled_from(_C) | st.sampled_from(_KERNEL)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_offsets_are_kept(source: str) -> None:
    data = source.encode()
    masked = mask(data).data
    assert len(masked) == len(data)
    assert [i for i, byte in enumerate(masked) if byte == 10] == [i for i, byte in enumerate(data) if byte == 10]
    parse_c(data)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    parsed = parse_c(data)
    assert len(parsed.masked) == len(data)


def _read_slowly(data: str) -> list[int]:
    """Where `__user` stands as a word in code, byte by byte: what C says of comments, literals and directives."""
    found: list[int] = []
    position = 0
    while position < len(data):
        if data.startswith("/*", position):
            position = _after_comment(data, position)
        elif data.startswith("//", position):
            while position < len(data) and data[position] != "\n":
                if data[position] == "\\":
                    if position + 1 == len(data):
                        break
                    position += 1
                position += 1
        elif data[position] in "\"'":
            position = _after_literal(data, position) or position + 1
        elif data[position] == "#" and not data[data.rfind("\n", 0, position) + 1 : position].strip(" \t"):
            position += 1
            while position < len(data) and data[position] != "\n":
                if data.startswith("/*", position):
                    position = _after_comment(data, position)
                elif data[position] == '"':
                    position = _after_literal(data, position) or position + 1
                else:
                    position += 2 if data[position] == "\\" else 1
        elif data[position].isalnum() or data[position] == "_":
            end = position
            while end < len(data) and (data[end].isalnum() or data[end] == "_"):
                end += 1
            if data[position:end] == "__user":
                found.append(position)
            position = end
        else:
            position += 1
    return found


def _after_comment(data: str, start: int) -> int:
    end = data.find("*/", start + 2)
    return len(data) if end < 0 else end + 2


def _after_literal(data: str, start: int) -> int | None:
    position = start + 1
    while position < len(data) and data[position] != "\n":
        if data[position] == data[start]:
            return position + 1
        position += 2 if data[position] == "\\" else 1
    return None


_HIDING = ("/", "*", "/*", "*/", "//", '"', "'", "\\", "\n", "#", "# ", " ", "\t", "__user", "__user ", "x", "_", "()")


@given(st.lists(st.sampled_from(_HIDING), max_size=40).map("".join))
def test_words_are_found_where_a_slow_reader_finds_them(source: str) -> None:
    assert [note.span.start for note in mask(source.encode()).annotations] == _read_slowly(source)


@pytest.mark.parametrize(
    "statement",
    [
        'asm volatile(CALL_INSTEAD("a b", "c:d", 3) : "=r" (x) : [op] "r" (y) : "memory");',
        'asm volatile("a %0"\n\t\tSET_FLAG(z)\n\t\t: GET_FLAG(z) (x), "+m" (y));',
        'asm volatile(\n\t\tHYPERCALL\n\t\t: "=a" (x));',
        'asm("a" : "+r" (x) : [op] CONSTRAINT (256UL));',
        "asm(NOP);",
        'asm volatile("a\\n" __stringify(b) : : "i" (x));',
    ],
)
def test_assembly_made_of_macros_reads_as_assembly(statement: str) -> None:
    source = f"int f(int x, int y)\n{{\n\t{statement}\n\treturn g(x);\n}}\n".encode()
    parsed = parse_c(source)
    assert parsed.errors == ()
    assert len(parsed.masked) == len(source)
    assert [at for at, byte in enumerate(parsed.masked) if byte == 10] == [
        at for at, byte in enumerate(source) if byte == 10
    ]
    assert b"return g(x);" in parsed.masked


@pytest.mark.parametrize("code", ['"a b"', '"a" "b"\n\t"c"', 'LOCK "a"', '"a" /* why */ "b"'])
def test_assembly_of_strings_stays(code: str) -> None:
    source = f'void f(void)\n{{\n\tasm volatile({code} : "=r" (x));\n}}\n'.encode()
    assert mask(source).data == source
