"""identifier-declared: valid and invalid cases."""

from collections.abc import Callable
from pathlib import Path

import pytest
from kpatch_tools.checks import identifiers
from kpatch_tools.checks.check import Change
from kpatch_tools.core.finding import Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import Overlay
from kpatch_tools.tree import KernelTree, Signature

FILE = "arch/x86/mm/pages.c"
TREE = {
    FILE: "#include <linux/pages.h>\n#include <asm/io.h>\nint old;\nvoid f(int a)\n{\n\told = a;\n}\n",
    "include/linux/pages.h": "#include <linux/deep.h>\n#include <linux/quiet.h>\n/* ghost */\n"
    "#define PAGE_OPS(x) int Get##x(void)\n"
    "#define ATTRIBUTE(of, x) int of##_attr_##x\n"
    "extern int table_end;\n#define OP(x) { .id = OP_##x }\n"
    "#define if(cond, ...) __trace_if((cond, ## __VA_ARGS__))\n",
    "include/linux/deep.h": "enum { DEEP_ONE };\n#define DEEP_MACRO 1\nstruct deep { int deep_member; };\n",
    "include/asm-generic/io.h": "int generic_read(int);\n",
    "include/linux/quiet.h": "#define silenced(x) x = x\n",
    "include/linux/other.h": "int stranger;\n",
}
Build = Callable[..., Change]


def body(statement: str) -> str:
    return TREE[FILE].replace("\told = a;\n", f"\told = a;\n\t{statement}\n")


@pytest.mark.parametrize(
    "statement",
    [
        "old = table_end;",
        "old = DEEP_ONE + DEEP_MACRO;",
        "struct deep d; d.deep_member = a;",
        "old = generic_read(a);",
        "int fresh = a; old = fresh;",
        "int silenced(fresh); fresh = a;",
        "goto out; out: old = 1;",
        'old = sizeof("stranger"); /* stranger */',
        "old = GetTable();",
        "old = node_attr_size;",
        "struct incomplete *p = 0; old = !p;",
        "struct deep e = OP(monitor);",
        "old = 0x1fUL + 1e5;",
        "old = __builtin_expect(a, 0);",
        "va_list rest; va_start(rest, a); old = va_arg(rest, int); va_end(rest);",
    ],
)
def test_known_names_pass(change: Build, statement: str) -> None:
    assert {one.status for one in identifiers.run(change({FILE: body(statement)}, tree=TREE))} == {Status.PASS}


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("old = table_start;", "table_start"),
        ("old = stranger;", "stranger"),
        ("old = ghost;", "ghost"),
        ("old = node_attribute;", "node_attribute"),
        ("if (cpuidle_call())", "cpuidle_call"),
        ("f(DEEP_MACRO_TWO(old));", "DEEP_MACRO_TWO"),
        ("printk(a, ROUND(table_top));", "table_top"),
    ],
)
def test_names_that_nothing_in_sight_knows_are_refused(change: Build, statement: str, name: str) -> None:
    found = {
        (one.message.split()[0], one.line)
        for one in identifiers.run(change({FILE: body(statement)}, tree=TREE))
        if one.status is Status.FAIL
    }
    assert (name, 7) in found


@pytest.mark.parametrize(
    "line", ["#warning this board is obsolete", "#error not\\\n\tever", "#pragma pack(1)", "#if THEIRS"]
)
def test_words_of_a_directive_are_no_names(change: Build, line: str) -> None:
    text = TREE[FILE] + f"#ifdef OLD\n{line}\n#endif\n"
    assert {one.status for one in identifiers.run(change({FILE: text}, tree=TREE))} == {Status.PASS}


def test_a_declaring_macro_brings_its_argument_into_being(change: Build) -> None:
    text = TREE[FILE] + "DEFINE_LOCK(fresh_lock);\nint g(void) { return fresh_lock; }\n"
    tree = {**TREE, "include/linux/deep.h": TREE["include/linux/deep.h"] + "#define DEFINE_LOCK(x) int x\n"}
    assert {one.status for one in identifiers.run(change({FILE: text}, tree=tree))} == {Status.PASS}


def test_what_was_missing_before_is_not_this_patchs_doing(change: Build) -> None:
    tree = {**TREE, FILE: body("old = stranger;")}
    later = body("old = stranger;\n\told = 2;")
    assert {one.status for one in identifiers.run(change({FILE: later}, tree=tree))} == {Status.PASS}


def test_a_header_the_patch_itself_adds_counts(change: Build) -> None:
    files = {FILE: body("old = brand_new;"), "include/linux/deep.h": TREE["include/linux/deep.h"] + "int brand_new;\n"}
    assert {one.status for one in identifiers.run(change(files, tree=TREE))} == {Status.PASS}


def test_a_file_that_another_includes_sees_what_that_one_sees(change: Build) -> None:
    tree = {**TREE, "arch/x86/mm/all.c": '#include <linux/other.h>\n#include "pages.c"\n'}
    assert {one.status for one in identifiers.run(change({FILE: body("old = stranger;")}, tree=tree))} == {Status.PASS}


def test_words_of_a_comment_that_began_earlier_are_no_names(change: Build) -> None:
    tree = {**TREE, FILE: TREE[FILE] + "/*\n * one\n */\n"}
    text = tree[FILE].replace(" * one\n", " * one\n * non failure\n")
    assert {one.status for one in identifiers.run(change({FILE: text}, tree=tree))} == {Status.PASS}


@pytest.mark.parametrize(
    ("line", "extra", "status"),
    [
        ("#include <linux/forgotten.h>", {}, Status.FAIL),
        ('#include "forgotten.h"', {}, Status.FAIL),
        ("#include <linux/forgotten.h>", {"include/linux/forgotten.h": "int x;\n"}, Status.PASS),
        ('#include "made.h"', {"arch/x86/mm/Makefile": "$(obj)/made.h: $(src)/table\n"}, Status.PASS),
        ("#include <generated/bounds.h>", {}, Status.PASS),
    ],
)
def test_a_header_that_the_patch_forgot_is_refused(
    change: Build, line: str, extra: dict[str, str], status: Status
) -> None:
    found = list(identifiers.run(change({FILE: line + "\n" + TREE[FILE], **extra}, tree=TREE)))
    assert {one.status for one in found} == {status}
    assert status is Status.PASS or "which the tree does not have" in found[0].message


def test_a_header_that_was_missing_before_is_not_this_patchs_doing(change: Build) -> None:
    before = '#include "made.h"\n' + TREE[FILE]
    tree = {**TREE, FILE: before}
    text = before.replace("<asm/io.h>", "<asm/io.h>\n#include <linux/other.h>")
    assert {one.status for one in identifiers.run(change({FILE: text}, tree=tree))} == {Status.PASS}


def test_code_that_is_never_compiled_needs_no_names(change: Build) -> None:
    text = "int f(void)\n{\n#if 0\n\treturn nobody_has_this();\n#endif\n\treturn 0;\n}\n"
    (found,) = identifiers.run(change({"mm/a.c": text}, tree={"mm/a.c": "int f(void)\n{\n\treturn 0;\n}\n"}))
    assert found.status is Status.PASS


def test_code_of_no_architecture_may_be_built_for_any(change: Build) -> None:
    old = "int f(void)\n{\n\treturn 0;\n}\n"
    new = old.replace("return 0", "return dense_mem_base")
    tree = {"drivers/a.c": old, "arch/x86/a.c": old, "arch/alpha/include/asm/pci.h": "extern long dense_mem_base;\n"}
    (found,) = identifiers.run(change({"drivers/a.c": new}, tree=tree))
    assert found.status is Status.PASS
    (found,) = identifiers.run(change({"arch/x86/a.c": new}, tree=tree))
    assert found.status is Status.FAIL


def test_a_macro_hands_its_argument_on_to_one_that_pastes(change: Build) -> None:
    header = "#define __EL(_name) struct el el_##_name\n#define EL(_name, n) __EL(_name)\n#define PLAIN(x) x\n"
    tree = {"drivers/el.h": header, "drivers/a.c": '#include "el.h"\n'}
    (found,) = identifiers.run(change({"drivers/a.c": '#include "el.h"\nstatic EL(in0, 0);\n'}, tree=tree))
    assert found.status is Status.PASS
    (found,) = identifiers.run(change({"drivers/a.c": '#include "el.h"\nint a = PLAIN(in0);\n'}, tree=tree))
    assert found.status is Status.FAIL


def test_a_renamed_file_is_compared_with_what_it_was(change: Build) -> None:
    old = "int f(void)\n{\n\treturn was_there_before();\n}\n"
    (found,) = identifiers.run(change({"mm/old.c": None, "mm/new.c": old + "int g;\n"}, tree={"mm/old.c": old}))
    assert found.status is Status.PASS
    (found,) = identifiers.run(change({"mm/new.c": old}, tree={}))
    assert found.status is Status.FAIL


def test_another_architectures_headers_are_asked_in_a_git_tree_as_well(tmp_path: Path) -> None:
    old = "int f(void)\n{\n\treturn 0;\n}\n"
    header = RepoPath("arch/alpha/include/asm/pci.h")
    files = {RepoPath("drivers/a.c"): old, header: "extern long dense_mem_base;\n"}
    tree = KernelTree.create(tmp_path / "repository", branch="main")
    who = Signature("A", "a@example.org")
    commit = tree.write(
        base=tree.empty_tree(),
        changes={path: text.encode() for path, text in files.items()},
        message=b"all\n",
        author=who,
        committer=who,
    )
    base = tree.at(commit)
    new = {RepoPath("drivers/a.c"): old.replace("0", "dense_mem_base").encode()}

    def statuses(changes: dict[RepoPath, bytes | None]) -> list[Status]:
        return [one.status for one in identifiers.run(Change(base, Overlay(base, changes), tuple(changes)))]

    assert statuses({**new}) == [Status.PASS]
    assert statuses({**new, header: b"extern long other;\n"}) == [Status.FAIL]
    assert statuses({**new, header: None}) == [Status.FAIL]
    moved = RepoPath("arch/arm/include/asm/pci.h")
    assert statuses({**new, header: None, moved: b"extern long dense_mem_base;\n"}) == [Status.PASS]


TOOL = {
    "tools/count/main.c": '#include "count.h"\nint main(void)\n{\n\treturn 0;\n}\n',
    "tools/count/count.h": "#include <unistd.h>\n",
    "drivers/one.c": '#include "one.h"\n#include <net/sock.h>\n#include <linux/string.h>\nint one;\n',
    "drivers/one.h": "int two;\n",
    "include/linux/shared.h": "#ifndef __KERNEL__\n#include <sys/types.h>\n#endif\n",
}


def test_a_program_with_a_c_library_may_use_it(change: Build) -> None:
    """The library is not in the tree: there is nothing to hold its names against."""
    text = TOOL["tools/count/main.c"].replace("return 0", "return getpagesize()")
    (found,) = identifiers.run(change({"tools/count/main.c": "#include <math.h>\n" + text}, tree=TOOL))
    assert (found.status, found.file) == (Status.SKIP, "tools/count/main.c")
    new = "#include <stdio.h>\nint main(void) { return puts(stdout_name); }\n"
    (found,) = identifiers.run(change({"scripts/new.c": new}, tree=TOOL))
    assert found.status is Status.SKIP


def test_the_kernel_has_no_c_library(change: Build) -> None:
    """Neither a header that programs may include, too, nor the patch's own mistake makes a program of a driver."""
    for line in ("#include <stdio.h>\n", "#include <linux/shared.h>\n"):
        text = line + TOOL["drivers/one.c"] + "int three(void) { return getpagesize(); }\n"
        found = [one.status for one in identifiers.run(change({"drivers/one.c": text}, tree=TOOL))]
        assert set(found) == {Status.FAIL}


def test_a_macro_may_have_variables_of_its_own(change: Build) -> None:
    macro = "#define SWAP(a, b) do { \\\n\tint spare = (a); \\\n\t(a) = (b); \\\n\t(b) = spare; } while (0)\n"
    (found,) = identifiers.run(change({FILE: TREE[FILE] + macro}, tree=TREE))
    assert found.status is Status.PASS
    returned = macro.replace("int spare = (a);", "return stranger;").replace("spare", "a")
    assert {one.status for one in identifiers.run(change({FILE: TREE[FILE] + returned}, tree=TREE))} == {Status.FAIL}
