"""Generic code that knows a platform is told so; a platform's own files, and its hooks, are left alone."""

from collections.abc import Callable

import pytest
from kpatch_tools.checks import layering
from kpatch_tools.checks.check import Change
from kpatch_tools.checks.platforms import overriding_platforms
from kpatch_tools.core.finding import Finding, Status

Build = Callable[..., Change]

GENERIC = "arch/x86/mm/map.c"
TABLE = "struct x86_init_ops x86_init = { .mapping = { .reserve = native_reserve } };\n"
TREE = {
    "arch/x86/kernel/x86_init.c": TABLE,
    "arch/x86/xen/mmu.c": "void xen_init(void)\n{\n\tx86_init.mapping.reserve = xen_reserve;\n}\n",
    "arch/x86/kernel/cpu/vmware.c": "void vmware_setup(void)\n{\n\tx86_platform.calibrate = vmware_khz;\n}\n",
    "arch/x86/kernel/kvmclock.c": "void __init kvmclock_init(void)\n{\n\tx86_platform.get = kvm_get;\n}\n",
    "arch/x86/kernel/quirks.c": "void quirk(void)\n{\n\tx86_init.mapping.reserve = x86_init_noop;\n}\n",
    GENERIC: "void map(void)\n{\n\tif (xen_old())\n\t\txen_do_old();\n\tfill();\n}\n",
}


def warnings(findings: list[Finding]) -> list[tuple[str, str | None, int | None]]:
    assert all(one.id == "layering" for one in findings)
    return [(one.message.partition(":")[0], one.file, one.line) for one in findings if one.status is Status.WARN]


def with_line(line: str) -> dict[str, str]:
    return {GENERIC: f"void map(void)\n{{\n\tif (xen_old())\n\t\txen_do_old();\n\tfill();\n{line}\n}}\n"}


def test_platforms_are_those_that_fill_slots_in_their_own_name(change: Build) -> None:
    found = overriding_platforms(change({}, tree=TREE))
    assert set(found) == {"xen", "vmware", "kvm"}
    assert (found["xen"].example, found["xen"].file) == ("x86_init.mapping.reserve", "arch/x86/xen/mmu.c")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("\tif (xen_pv_domain())\n\t\tfill();", "map() asks xen_pv_domain()"),
        ("\tif (ready && !is_vmware_guest(0))\n\t\tfill();", "map() asks is_vmware_guest()"),
        ("\tsize = xen_domain() ? 1 : 2;", "map() asks xen_domain()"),
        ("\tvmware_mapping_reserve(0, 1);", "map() calls vmware_mapping_reserve()"),
        ("\tkvm_register(1);", "map() calls kvm_register()"),
    ],
)
def test_new_lines_of_generic_code_that_know_a_platform(change: Build, line: str, said: str) -> None:
    (found,) = warnings(list(layering.run(change(with_line(line), tree=TREE))))
    assert found == (said, GENERIC, 6)


@pytest.mark.parametrize(
    "line",
    [
        "\tx86_init.mapping.reserve(0, 1);",
        "\tnative_reserve(0, 1);",
        "\tboxen_up();",
        "\t/* as xen_pv_domain() would */",
        '\tprint("xen_pv_domain()");',
        "\tops->xen_reserve(0);",
    ],
)
def test_calls_through_hooks_and_of_everybodys_functions_pass(change: Build, line: str) -> None:
    (found,) = layering.run(change(with_line(line), tree=TREE))
    assert found.status in (Status.PASS, Status.SKIP)


def test_what_was_there_before_is_not_the_patchs_fault(change: Build) -> None:
    moved = {GENERIC: "void map(void)\n{\n\tif (ready)\n\t\tif (xen_old())\n\t\t\txen_do_old();\n\tfill(1);\n}\n"}
    assert not warnings(list(layering.run(change(moved, tree=TREE))))


def test_a_second_call_is_new_where_the_first_was_there(change: Build) -> None:
    found = warnings(list(layering.run(change(with_line("\tif (xen_old())\n\t\tfill();"), tree=TREE))))
    assert [said for said, _, _ in found] == ["map() asks xen_old()"]


def test_a_function_that_does_a_platforms_work_may_do_more_of_it(change: Build) -> None:
    more = with_line("\tif (ready)\n\t\txen_do_more();")
    assert not warnings(list(layering.run(change(more, tree=TREE))))
    (found,) = warnings(list(layering.run(change(with_line("\tkvm_do();"), tree=TREE))))
    assert found[0] == "map() calls kvm_do()"


@pytest.mark.parametrize("path", ["arch/x86/xen/mmu.c", "arch/x86/kernel/xen_more.c", "drivers/xen/bus.c"])
def test_a_platforms_own_files_may_know_it(change: Build, path: str) -> None:
    text = "void f(void)\n{\n\tif (xen_pv_domain())\n\t\txen_do();\n}\n"
    (found,) = layering.run(change({path: text}, tree=TREE))
    assert found.status in (Status.PASS, Status.SKIP)


def test_a_tree_without_hook_tables_has_nothing_to_go_through(change: Build) -> None:
    (found,) = layering.run(change(with_line("\txen_more();"), tree={GENERIC: TREE[GENERIC]}))
    assert found.status is Status.PASS


def test_no_new_call_in_generic_code_is_nothing_to_look_at(change: Build) -> None:
    (found,) = layering.run(change({"mm/other.c": "void f(void) { xen_more(); }\n"}, tree=TREE))
    assert found.status is Status.SKIP


def test_a_renamed_file_is_not_new(change: Build) -> None:
    renamed = {GENERIC: None, "arch/x86/mm/other.c": TREE[GENERIC]}
    assert not warnings(list(layering.run(change(renamed, tree=TREE))))
