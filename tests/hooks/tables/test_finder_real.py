"""Hook tables of real kernels: known counts, an independent text search, and seeded edits of real files."""

import re
from pathlib import Path

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks import HookAtlas, find_hook_tables
from kpatch_tools.tree import KernelTree, TreeAt

pytestmark = pytest.mark.real

Sites = frozenset[tuple[str, str, int, str | None]]
"""(slot, file, line, function)"""


@pytest.fixture(scope="module")
def tree(linux_git: Path) -> KernelTree:
    return KernelTree.open(linux_git)


def source_at(tree: KernelTree, revision: str) -> TreeAt:
    return tree.at(tree.resolve(revision))


def sites(atlas: HookAtlas) -> tuple[Sites, Sites, Sites, Sites]:
    """Defaults, overrides, call sites and guards of the only table."""
    (table,) = atlas.tables
    places = [
        [(slot.path, reference.location) for slot in table.slots for reference in slot.defaults],
        [(slot.path, reference.location) for slot in table.slots for reference in slot.overrides],
        [(slot.path, place) for slot in table.slots for place in slot.call_sites],
        [(slot.path, place) for slot in table.slots for place in slot.guards],
    ]
    defaults, overrides, calls, guards = (
        frozenset((path, place.file, place.line, place.function) for path, place in found) for found in places
    )
    return defaults, overrides, calls, guards


@pytest.mark.parametrize(
    ("revision", "slots", "defaults", "overrides", "calls", "guards"),
    [
        ("v2.6.32", 21, 20, 31, 25, 1),
        ("v2.6.36", 26, 24, 53, 29, 2),
        ("v2.6.38", 26, 24, 58, 29, 2),
        ("v2.6.39", 28, 26, 62, 31, 2),
        ("v3.0", 28, 26, 61, 31, 2),
        ("v3.1", 28, 26, 61, 31, 2),
        ("tree-3.8.13", 27, 25, 63, 30, 2),
        ("tree-3.9.6", 26, 24, 62, 29, 2),
    ],
)
def test_counts(
    tree: KernelTree, revision: str, slots: int, defaults: int, overrides: int, calls: int, guards: int
) -> None:
    atlas = find_hook_tables(source_at(tree, revision))
    assert [len(found) for found in sites(atlas)] == [defaults, overrides, calls, guards]
    assert len(atlas.tables[0].slots) == slots
    assert atlas.coverage.not_understood == ()
    assert all(function is not None for found in sites(atlas)[1:] for *_, function in found)


@pytest.mark.parametrize(("revision", "calls"), [("v2.6.32", 58), ("v2.6.39", 60), ("v3.1", 60), ("tree-3.9.6", 61)])
def test_calls_hidden_in_macros(tree: KernelTree, revision: str, calls: int) -> None:
    """Every slot of the page-table operations is called by an inline function, most of them through a macro."""
    source = source_at(tree, revision)
    (table,) = find_hook_tables(source, table="pv_mmu_ops").tables
    assert sum(len(slot.call_sites) for slot in table.slots) == calls
    assert all(slot.call_sites for slot in table.slots)
    header = source.read(RepoPath("arch/x86/include/asm/paravirt.h"))
    assert header is not None
    written = [header.count(b"\n", 0, match.start()) + 1 for match in re.finditer(rb"pv_mmu_ops\.[a-z_.]+", header)]
    assert sorted(place.line for slot in table.slots for place in slot.call_sites) == written
    wrapped = [slot for slot in table.slots if slot.signature.startswith("struct ")]
    assert len(wrapped) == 8
    assert all(re.fullmatch(r"_paravirt_ident_\d\d", item.function) for slot in wrapped for item in slot.defaults)


@pytest.mark.parametrize("revision", ["v2.6.39", "tree-3.8.13"])
def test_agrees_with_a_text_search_where_that_is_right(tree: KernelTree, revision: str) -> None:
    """These files hold no trap for a text search beyond comments, so its answer must be the same."""
    source = source_at(tree, revision)
    _, overrides, calls, _ = sites(find_hook_tables(source))
    written: set[tuple[str, str, int]] = set()
    called: set[tuple[str, str, int]] = set()
    for path, data in source.search(b"x86_init.", "arch/x86", "drivers", suffixes=(".c", ".h")).hits:
        text = re.sub(rb"/\*.*?\*/", lambda match: b"\n" * match.group().count(b"\n"), data, flags=re.DOTALL)
        for found, pattern in ((written, rb"\bx86_init\.([\w.]+)\s*=[^=]"), (called, rb"\bx86_init\.([\w.]+)\s*\(")):
            for match in re.finditer(pattern, text):
                found.add((match.group(1).decode(), path, text.count(b"\n", 0, match.start()) + 1))
    assert {site[:3] for site in overrides} == written
    assert {site[:3] for site in calls} == called


@pytest.mark.parametrize(
    ("revision", "table", "slots", "defaults"),
    [
        ("v2.6.39", "x86_platform", 7, 7),
        ("v2.6.39", "x86_cpuinit", 1, 1),
        ("v2.6.39", "x86_msi", 3, 3),
        ("tree-3.8.13", "x86_platform", 11, 10),
        ("tree-3.8.13", "x86_io_apic_ops", 4, 4),
        ("v2.6.39", "pv_init_ops", 1, 1),
        ("v2.6.39", "pv_time_ops", 2, 1),
        ("v2.6.39", "pv_cpu_ops", 43, 43),
        ("v2.6.39", "pv_irq_ops", 7, 7),
        ("v2.6.39", "pv_apic_ops", 1, 1),
        ("v2.6.39", "pv_mmu_ops", 45, 45),
        ("v2.6.39", "pv_lock_ops", 6, 6),
        ("v2.6.39", "smp_ops", 11, 11),
        ("v2.6.39", "machine_ops", 6, 6),
    ],
)
def test_sibling_tables(tree: KernelTree, revision: str, table: str, slots: int, defaults: int) -> None:
    atlas = find_hook_tables(source_at(tree, revision), table=table)
    (found,) = atlas.tables
    assert len(found.slots) == slots
    assert sum(slot.default is not None for slot in found.slots) == defaults
    assert atlas.coverage.not_understood == ()


SLOT = "mapping.pagetable_reserve"
FILE = RepoPath("arch/x86/xen/mmu.c")
STATEMENT = b"\tx86_init.mapping.pagetable_reserve = xen_mapping_pagetable_reserve;\n"

# What the override in xen_init_mmu_ops() becomes: text, and (line offset, what is assigned) of each override in it.
EDITS: dict[str, tuple[str, list[tuple[int, str]]]] = {
    "as it is": ("\tx86_init.mapping.pagetable_reserve = f;\n", [(0, "f")]),
    "removed": ("", []),
    "in a comment": ("\t/* x86_init.mapping.pagetable_reserve = f; */\n", []),
    "in a comment over lines": ("\t/*\n\t * then\n\tx86_init.mapping.pagetable_reserve = f;\n\t */\n", []),
    "in a line comment": ("\t// x86_init.mapping.pagetable_reserve = f;\n", []),
    "in a string": ('\tprintk("x86_init.mapping.pagetable_reserve = f;");\n', []),
    "under if 0": ("#if 0\n\tx86_init.mapping.pagetable_reserve = f;\n#endif\n", []),
    "under the else of if 0": ("#if 0\n\tg();\n#else\n\tx86_init.mapping.pagetable_reserve = f;\n#endif\n", [(3, "f")]),
    "under a configuration": ("#ifdef CONFIG_A\n\tx86_init.mapping.pagetable_reserve = f;\n#endif\n", [(1, "f")]),
    "in an unused macro": ("#define SET x86_init.mapping.pagetable_reserve = f\n", []),
    "in a used macro": ("#define SET x86_init.mapping.pagetable_reserve = f\n\tSET;\n", [(1, "f")]),
    "through a macro with arguments": (
        "#define SET(s, v) x86_init.s = (v)\n\tSET(mapping.pagetable_reserve,\n\t    f);\n",
        [(1, "f")],
    ),
    "split over lines": ("\tx86_init\n\t\t.mapping.\n\t\tpagetable_reserve\n\t\t= f;\n", [(0, "f")]),
    "split by a splice": ("\tx86_init.mapping. \\\n\t\tpagetable_reserve = f;\n", [(0, "f")]),
    "split by comments": ("\tx86_init /* a */ . mapping /* = */ . pagetable_reserve = f;\n", [(0, "f")]),
    "with an address": ("\tx86_init.mapping.pagetable_reserve = &f;\n", [(0, "f")]),
    "with a cast": ("\tx86_init.mapping.pagetable_reserve = (void *)f;\n", [(0, "f")]),
    "in parentheses": ("\t(x86_init.mapping).pagetable_reserve = (f);\n", [(0, "f")]),
    "shadowed": ("\t{\n\t\tstruct foo x86_init;\n\t\tx86_init.mapping.pagetable_reserve = f;\n\t}\n", []),
    "beside a shadow": (
        "\t{\n\t\tstruct foo x86_init;\n\t}\n\tx86_init.mapping.pagetable_reserve = f;\n",
        [(3, "f")],
    ),
    "of another struct": ("\tmy.x86_init.mapping.pagetable_reserve = f;\n", []),
    "of a longer name": ("\tmy_x86_init.mapping.pagetable_reserve = f;\n", []),
    "compared": ("\tif (x86_init.mapping.pagetable_reserve == f)\n\t\tg();\n", []),
    "as a struct": ("\tx86_init.mapping = (struct x86_init_mapping){ .pagetable_reserve = f };\n", [(0, "f")]),
    "as a copy": (
        "\tstatic const struct x86_init_mapping m = { .pagetable_reserve = f };\n\tx86_init.mapping = m;\n",
        [(1, "f")],
    ),
    "through a pointer": (
        "\tstruct x86_init_mapping *m = &x86_init.mapping;\n\tm->pagetable_reserve = f;\n",
        [(1, "f")],
    ),
    "through a pointer to the table": (
        "\tstruct x86_init_ops *o = &x86_init;\n\to->mapping.pagetable_reserve = f;\n",
        [(1, "f")],
    ),
    "through a pointer elsewhere": (
        "\tstruct x86_init_mapping *m = &x86_init.mapping;\n\tm = other;\n\tm->pagetable_reserve = f;\n",
        [],
    ),
    "twice": (
        "\tif (g())\n\t\tx86_init.mapping.pagetable_reserve = f;\n"
        "\telse\n\t\tx86_init.mapping.pagetable_reserve = h;\n",
        [(1, "f"), (3, "h")],
    ),
}


@pytest.fixture(scope="module")
def kernel(tree: KernelTree) -> BlobSource:
    return source_at(tree, "v2.6.39")


@pytest.fixture(scope="module")
def untouched(kernel: BlobSource) -> HookAtlas:
    return find_hook_tables(kernel, scope=("arch/x86",))


@pytest.mark.parametrize("name", EDITS)
def test_seeded_edit_of_a_real_file(kernel: BlobSource, untouched: HookAtlas, name: str) -> None:
    data = kernel.read(FILE)
    assert data is not None
    assert data.count(STATEMENT) == 1
    text, expected = EDITS[name]
    first = data.count(b"\n", 0, data.index(STATEMENT)) + 1
    edited = Overlay(kernel, {FILE: data.replace(STATEMENT, text.encode())})
    atlas = find_hook_tables(edited, scope=("arch/x86",))
    (table,) = atlas.tables
    slot = table.slot(SLOT)
    assert slot is not None
    found = [(item.location.file, item.location.line, item.location.function, item.function) for item in slot.overrides]
    assert found == [(FILE, first + offset, "xen_init_mmu_ops", value) for offset, value in expected]
    assert len(slot.guards) == (name == "compared")
    assert atlas.coverage.not_understood == ()
    # Nothing else has changed but its line.
    for before, after in zip(untouched.tables[0].slots, table.slots, strict=True):
        assert [item.function for item in after.overrides] == [item.function for item in before.overrides] or (
            after.path == SLOT
        )
        assert len(after.call_sites) == len(before.call_sites)
