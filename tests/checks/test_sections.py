"""section-mismatch: valid and invalid cases."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kpatch_tools.checks import sections
from kpatch_tools.checks.check import Change
from kpatch_tools.checks.section_index import PLAIN
from kpatch_tools.checks.section_rules import USUAL
from kpatch_tools.core.finding import Status

FILE, OTHER, HEADER = "arch/x86/mm/init.c", "mm/early.c", "include/linux/early.h"
TREE = {
    FILE: "#include <linux/early.h>\nint x;\n",
    OTHER: "void __init early_reserve(int a)\n{\n}\nint __meminit grow(void)\n{\n\treturn 1;\n}\n",
    HEADER: "void early_reserve(int a);\nint grow(void);\nvoid shrink(void) __init;\n"
    "#define __init __section(.init.text)\n#ifdef X\n#define __init_memblock __meminit\n#else\n"
    "#define __init_memblock\n#endif\n",
}
Build = Callable[..., Change]


def skips(found: object) -> list[str]:
    return [one.message for one in found if one.status is Status.SKIP]  # type: ignore[attr-defined]


def fails(found: object) -> list[str]:
    return [one.message for one in found if one.status is Status.FAIL]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "added",
    [
        "void __init f(void)\n{\n\tearly_reserve(1);\n}\n",
        "static __init void f(void)\n{\n\tearly_reserve(1);\n}\n",
        "void __ref f(void)\n{\n\tearly_reserve(1);\n}\n",
        "int __meminit f(void)\n{\n\treturn grow();\n}\n",
        "int __init_memblock f(void)\n{\n\treturn grow();\n}\n",
        "static void f(void)\n{\n\tearly_reserve(1);\n}\nvoid __init g(void)\n{\n\tf();\n}\n",
        "static void f(void)\n{\n\tearly_reserve(1);\n}\nvoid fx(void)\n{\n}\nvoid __init g(void)\n{\n\tf();\n}\n",
        "static void early_reserve_pages(void)\n{\n}\nvoid f(void)\n{\n\tearly_reserve_pages();\n}\n",
    ],
)
def test_calls_that_live_long_enough_pass(change: Build, added: str) -> None:
    assert fails(sections.run(change({FILE: TREE[FILE] + added}, tree=TREE))) == []


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("void f(void)\n{\n\tearly_reserve(1);\n}\n", "f (no annotation) calls early_reserve (__init)"),
        ("void f(void)\n{\n\tgrow();\n}\n", "f (no annotation) calls grow (__meminit)"),
        ("void f(void)\n{\n\tshrink();\n}\n", "f (no annotation) calls shrink (__init)"),
        (
            "int __meminit f(void)\n{\n\tearly_reserve(1);\n\treturn 0;\n}\n",
            "f (__meminit) calls early_reserve (__init)",
        ),
        (
            "static void f(void)\n{\n\tearly_reserve(1);\n}\nvoid g(void)\n{\n\tf();\n}\n",
            "f (no annotation) calls early",
        ),
    ],
)
def test_calls_into_what_is_freed_are_refused(change: Build, added: str, message: str) -> None:
    found = fails(sections.run(change({FILE: TREE[FILE] + added}, tree=TREE)))
    assert len(found) == 1
    assert found[0].startswith(message)


def test_the_follow_up_that_adds_the_annotation_is_silent(change: Build) -> None:
    bad = TREE[FILE] + "void f(void)\n{\n\tearly_reserve(1);\n}\n"
    good = bad.replace("void f", "void __init f")
    assert fails(sections.run(change({FILE: good}, tree={**TREE, FILE: bad}))) == []


def test_a_mismatch_that_was_there_before_is_not_new(change: Build) -> None:
    bad = TREE[FILE] + "void f(void)\n{\n\tearly_reserve(1);\n}\n"
    assert fails(sections.run(change({FILE: bad.replace("(1)", "(2)")}, tree={**TREE, FILE: bad}))) == []


def test_a_mismatch_that_is_only_renamed_is_not_new(change: Build) -> None:
    bad = TREE[FILE] + "void f(void)\n{\n\tearly_reserve(1);\n}\n"
    renamed = bad.replace("void f", "void g")
    assert fails(sections.run(change({FILE: renamed}, tree={**TREE, FILE: bad}))) == []
    other = {OTHER: TREE[OTHER].replace("early_reserve", "first_reserve"), FILE: bad.replace("early_re", "first_re")}
    assert fails(sections.run(change(other, tree={**TREE, FILE: bad}))) == []
    second = renamed + "void h(void)\n{\n\tearly_reserve(1);\n}\n"
    assert len(fails(sections.run(change({FILE: second}, tree={**TREE, FILE: bad})))) == 1


def test_an_annotation_that_orphans_a_caller_elsewhere_is_refused(change: Build) -> None:
    tree = {
        **TREE,
        "kernel/user.c": "void late(void)\n{\n\thelper();\n}\n",
        FILE: TREE[FILE] + "void helper(void)\n{\n}\n",
    }
    moved = TREE[FILE] + "void __init helper(void)\n{\n}\n"
    assert fails(sections.run(change({FILE: moved}, tree=tree))) == ["late (no annotation) calls helper (__init)"]


def test_an_annotation_of_a_files_own_function_orphans_callers_there_alone(change: Build) -> None:
    body = "void helper(void)\n{\n}\nvoid late(void)\n{\n\thelper();\n}\n"
    tree = {**TREE, FILE: TREE[FILE] + "static " + body, OTHER: TREE[OTHER] + "static " + body}
    moved = TREE[FILE] + "static __init " + body
    assert fails(sections.run(change({FILE: moved}, tree=tree))) == ["late (no annotation) calls helper (__init)"]


def test_a_callee_with_a_plain_twin_depends_on_the_build(change: Build) -> None:
    tree = {**TREE, "mm/other.c": "void early_reserve(int a)\n{\n}\n"}
    text = TREE[FILE] + "void f(void)\n{\n\tearly_reserve(1);\n}\n"
    assert fails(sections.run(change({FILE: text}, tree=tree))) == []


LATE = "void f(void)\n{\n\tearly_reserve(1);\n}\n"


@pytest.mark.parametrize(
    "added",
    [
        # Not the annotated function: a parameter, a local, a file's own, a macro, a member, a label, a size.
        "void f(void (*early_reserve)(int))\n{\n\tearly_reserve(1);\n}\n",
        "int f(void)\n{\n\tint early_reserve = 2;\n\treturn early_reserve;\n}\n",
        "static void early_reserve(int a)\n{\n}\n" + LATE,
        "#define early_reserve(a) do { } while (a)\n" + LATE,
        "void f(struct s *s)\n{\n\ts->early_reserve(1);\n}\n",
        "void f(void)\n{\n\tgoto grow;\ngrow:\n\treturn;\n}\n",
        "int f(void)\n{\n\treturn sizeof(early_table) + ARRAY_SIZE(early_table);\n}\n",
        # Annotated by a macro of the file's own.
        "#define MY_INIT __init\nvoid MY_INIT f(void)\n{\n\tearly_reserve(1);\n}\n",
        "#define debuginit(type) static type __init\ndebuginit(void) f(void)\n{\n\tearly_reserve(1);\n}\n",
        # In a comment and a string, and where nothing is compiled.
        'void f(void)\n{\n\tlog("early_reserve(1)"); /* early_reserve(1); */\n}\n',
        "void f(void)\n{\n#if 0\n\tearly_reserve(1);\n#endif\n}\n",
    ],
)
def test_what_only_looks_like_a_use_passes(change: Build, added: str) -> None:
    tree = {**TREE, HEADER: TREE[HEADER] + "extern int early_table[4] __initdata;\n"}
    found = tuple(sections.run(change({FILE: TREE[FILE] + added}, tree=tree)))
    assert fails(found) == []


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("void *f(void)\n{\n\treturn early_reserve;\n}\n", "f (no annotation) refers to early_reserve (__init)"),
        ("int f(void)\n{\n\treturn early_table[1];\n}\n", "f (no annotation) refers to early_table (__initdata)"),
        (
            "#define reserve_two(a) early_reserve(2 * (a))\nvoid f(void)\n{\n\treserve_two(1);\n}\n",
            "f (no annotation) calls early_reserve (__init)",
        ),
        ("void f(void)\n{\n#ifdef A\n\tif (x)\n#else\n\tif (!x)\n#endif\n\t\tearly_reserve(1);\n}\n", "f (no"),
        ("int __cpuinit f(void)\n{\n\treturn grow();\n}\n", "f (__cpuinit) calls grow (__meminit)"),
        ("void __exit f(void)\n{\n\tearly_reserve(1);\n}\n", "f (__exit) calls early_reserve (__init)"),
        (
            "void __exit bye(void)\n{\n}\nvoid __init f(void)\n{\n\tbye();\n}\n",
            "f (__init) calls bye (__exit)",
        ),
    ],
)
def test_every_kind_of_use_is_seen(change: Build, added: str, message: str) -> None:
    tree = {**TREE, HEADER: TREE[HEADER] + "extern int early_table[4] __initdata;\n"}
    found = fails(sections.run(change({FILE: TREE[FILE] + added}, tree=tree)))
    assert len(found) == 1
    assert found[0].startswith(message)


def test_what_depends_on_the_configuration_is_not_passed(change: Build) -> None:
    added = "void __init_memblock early_grow(void)\n{\n}\nvoid f(void)\n{\n\tearly_grow();\n}\n"
    found = tuple(sections.run(change({FILE: TREE[FILE] + added}, tree=TREE)))
    assert {one.status for one in found} == {Status.SKIP}
    assert "depends on the configuration" in skips(found)[0]


def test_a_word_that_the_tree_defines_as_nothing_is_no_annotation(change: Build) -> None:
    init = "#define __init __section(.init.text)\n#define __meminit\n"
    tree = {**TREE, "include/linux/init.h": init}
    added = "void f(void)\n{\n\tgrow();\n}\n"
    assert fails(sections.run(change({FILE: TREE[FILE] + added}, tree=tree))) == []


def test_a_copy_of_the_annotations_for_other_builds_does_not_count(change: Build) -> None:
    tree = {
        **TREE,
        "include/linux/init.h": "#define __init __section(.init.text)\n",
        "lib/copy.h": "#ifndef __KERNEL__\n#define __init\n#endif\n",
    }
    assert len(fails(sections.run(change({FILE: TREE[FILE] + LATE}, tree=tree)))) == 1


def test_the_annotation_may_stand_on_the_prototype_only(change: Build) -> None:
    header = TREE[HEADER] + "void f(void) __init;\n"
    files = {FILE: TREE[FILE] + LATE, HEADER: header}
    assert fails(sections.run(change(files, tree=TREE))) == []


def test_a_prototype_that_loses_the_only_annotation_is_refused(change: Build) -> None:
    with_it = TREE[HEADER] + "void f(void) __init;\n"
    tree = {**TREE, HEADER: with_it, FILE: TREE[FILE] + LATE}
    without = {HEADER: with_it.replace("f(void) __init", "f(void)"), FILE: tree[FILE] + "int y;\n"}
    assert fails(sections.run(change(without, tree=tree))) == ["f (no annotation) calls early_reserve (__init)"]


def test_lines_that_are_no_c_are_not_passed(change: Build) -> None:
    added = "void f(void)\n{\n\t}} early_reserve((1;\n"
    found = tuple(sections.run(change({FILE: TREE[FILE] + added}, tree=TREE)))
    assert any("could not be read as C" in message for message in skips(found))


WORDS = st.sampled_from(("", "__init", "__meminit", "__cpuinit", "__devinit", "__exit", "__ref", "__init_refok"))


@given(user=WORDS, used=WORDS, place=st.integers(0, 2))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_the_place_of_an_annotation_does_not_matter(change: Build, user: str, used: str, place: int) -> None:
    head = (f"void {used} g(void)", f"{used} void g(void)", "void g(void)")[place]
    prototype = f"void g(void) {used};\n" if place == 2 else "void g(void);\n"
    tree = {**TREE, HEADER: TREE[HEADER] + prototype, OTHER: f"{head}\n{{\n}}\n"}
    added = TREE[FILE] + f"void {user} f(void)\n{{\n\tg();\n}}\n"
    found = fails(sections.run(change({FILE: added}, tree=tree)))
    expected = USUAL.get(user, PLAIN), USUAL.get(used, PLAIN)
    allowed = all(one.may_refer_to(other) for one in expected[0] for other in expected[1])
    assert bool(found) != allowed


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("struct t table = { .run = early_reserve };", "table (no annotation) refers to early_reserve (__init)"),
        (
            "struct t table __cpuinitdata = { .run = early_reserve };",
            "table (__cpuinitdata) refers to",
        ),
        (
            "struct t my_driver = { .run = early_reserve };",
            "my_driver (no annotation) refers to early_reserve",
        ),
        ("struct t table = { .in = { .run = &grow } };", "table (no annotation) refers to grow (__meminit)"),
        ("struct t table __initdata = { .run = early_reserve };", ""),
        ("struct t table __refdata = { .run = early_reserve };", ""),
        ("static const struct t table = { .run = early_reserve };", ""),
        ("struct t my_ops = { .run = early_reserve };", ""),
        ("struct t my_driver = { .run = grow };", ""),
        ("struct t table = { .size = sizeof(early_reserve), .run = run_p(early_reserve) };", ""),
    ],
)
def test_a_table_that_stays_holds_nothing_that_is_freed(change: Build, table: str, message: str) -> None:
    found = fails(sections.run(change({FILE: TREE[FILE] + table + "\n"}, tree=TREE)))
    assert len(found) == bool(message)
    assert all(one.startswith(message) for one in found)


@pytest.mark.parametrize(
    "spelled", ["static __initdata DECLARE_DONE(ready);", "static DECLARE_DONE(ready) __initdata;"]
)
def test_an_annotation_of_a_declaring_macro_is_that_of_what_it_declares(change: Build, spelled: str) -> None:
    added = f"{spelled}\nvoid *f(void)\n{{\n\tDECLARE_DONE(mine);\n\treturn &ready;\n}}\n"
    found = fails(sections.run(change({FILE: TREE[FILE] + added}, tree=TREE)))
    assert found == ["f (no annotation) refers to ready (__initdata)"]


def test_a_program_may_have_a_function_that_is_called_like_one_of_the_kernels(change: Build) -> None:
    call = "void f(void)\n{\n\tearly_reserve(1);\n}\n"
    assert fails(sections.run(change({"tools/early/main.c": call, "usr/gen.c": call}, tree=TREE))) == []
    assert len(fails(sections.run(change({"toolsy/main.c": call, "mm/usr/gen.c": call}, tree=TREE)))) == 2
