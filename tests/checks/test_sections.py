"""section-mismatch: valid and invalid cases."""

from collections.abc import Callable

import pytest
from kpatch_tools.checks import sections
from kpatch_tools.checks.check import Change
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


def test_an_annotation_that_orphans_a_caller_elsewhere_is_refused(change: Build) -> None:
    tree = {
        **TREE,
        "kernel/user.c": "void late(void)\n{\n\thelper();\n}\n",
        FILE: TREE[FILE] + "void helper(void)\n{\n}\n",
    }
    moved = TREE[FILE] + "void __init helper(void)\n{\n}\n"
    assert fails(sections.run(change({FILE: moved}, tree=tree))) == ["late (no annotation) calls helper (__init)"]


def test_a_callee_with_a_plain_twin_depends_on_the_build(change: Build) -> None:
    tree = {**TREE, "mm/other.c": "void early_reserve(int a)\n{\n}\n"}
    text = TREE[FILE] + "void f(void)\n{\n\tearly_reserve(1);\n}\n"
    assert fails(sections.run(change({FILE: text}, tree=tree))) == []
