"""Tables over several versions: who fills which slot, and when."""

import re

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.span import Location
from kpatch_tools.hooks import Reference, find_hook_tables
from kpatch_tools.hooks.history.graph import format_dot
from kpatch_tools.hooks.history.matrix import build_matrix, spell
from kpatch_tools.hooks.history.platforms import platform_of

DECLARED = "extern struct ops board;\n"
OLD = {
    "arch/x86/include/asm/ops.h": "struct ops { void (*start)(void); int (*count)(int cpu); };\n" + DECLARED,
    "arch/x86/kernel/ops.c": "struct ops board = { .start = noop, .count = count_all };\n",
    "arch/x86/fast/setup.c": "void fast_setup(void)\n{\n\tboard.start = fast_start;\n}\n",
    "arch/x86/kernel/main.c": "void main(void)\n{\n\tboard.start();\n}\n",
}
NEW = {
    **OLD,
    "arch/x86/include/asm/ops.h": "struct ops { void (*probe)(void); void (*start)(void); };\n" + DECLARED,
    "arch/x86/kernel/ops.c": "struct ops board = { .start = start_all };\n",
    "arch/x86/kernel/slow_64.c": "void slow_setup(void)\n{\n\tboard.start = noop;\n}\n",
}


@pytest.fixture
def tables(sources):
    return [(name, find_hook_tables(sources(files), table="board").tables) for name, files in (("A", OLD), ("B", NEW))]


def test_a_row_knows_who_fills_it_and_when(tables):
    (board,) = build_matrix(tables)
    assert (board.name, board.versions, board.platforms) == ("board", (True, True), ("fast", "slow"))
    rows = {row.path: row for row in board.rows}
    # What only the older version has stands behind its old neighbour.
    assert list(rows) == ["probe", "start", "count"]
    assert [row.versions for row in board.rows] == [(False, True), (True, True), (True, False)]
    start = rows["start"]
    assert [(one.text, one.versions) for one in start.defaults] == [
        ("noop", (True, False)),
        ("start_all", (False, True)),
    ]
    assert {name: [(one.text, one.versions) for one in found] for name, found in start.platforms.items()} == {
        "fast": [("fast_start", (True, True))],
        "slow": [("noop", (False, True))],
    }
    assert start.platforms["fast"][0].places == ("arch/x86/fast/setup.c:3, in fast_setup (A to B)",)
    assert [(one.text, one.versions) for one in start.callers] == [("main", (True, True))]
    assert rows["probe"].defaults == ()


def test_a_table_that_one_version_lacks(tables):
    (board,) = build_matrix([("0", ()), *tables])
    assert board.versions == (False, True, True)
    assert spell(board.versions, ["0", "A", "B"]) == "A to B"


@pytest.mark.parametrize(
    ("file", "within", "function", "slot", "platform"),
    [
        ("arch/x86/xen/smp.c", "xen_smp_init", "xen_smp_prepare", "smp_ops.prepare", "xen"),
        ("arch/x86/platform/mrst/mrst.c", "x86_mrst_early_setup", "x86_init_noop", "x86_init.irqs.init", "mrst"),
        ("arch/x86/platform/visws/visws_quirks.c", "visws_detect", "visws_memory", "x86_init.memory", "visws"),
        ("arch/x86/kernel/visws_quirks.c", "visws_detect", "visws_memory", "x86_init.memory", "visws"),
        ("arch/x86/pci/olpc.c", "pci_olpc_init", "x86_init_noop", "x86_init.pci.init_irq", "olpc"),
        ("arch/x86/kernel/kvmclock.c", "kvmclock_init", "kvm_get_wallclock", "x86_platform.get_wallclock", "kvmclock"),
        ("arch/x86/kernel/vsmp_64.c", None, "f", "ops.f", "vsmp"),
        ("drivers/xen/events.c", "xen_init", "f", "ops.f", "xen"),
    ],
)
def test_a_platform_is_called_by_its_own_names(file, within, function, slot, platform):
    assert platform_of(Reference(function, Location(RepoPath(file), 1, within)), slot) == platform


def test_the_graph(tables):
    text = format_dot(tables[1][1], title='of "B"')
    assert text.startswith('digraph "of \\"B\\"" {\n')
    assert text.endswith("}\n")
    assert '"table board" -> "slot board.start";' in text
    assert '"slot board.start" -> "function start_all";' in text
    assert '"slot board.start" -> "function fast_start" [style=dashed, label="fast"];' in text
    assert '"function fast_start" -> "file arch/x86/fast/setup.c" [color=gray50];' in text


def test_the_graph_is_well_quoted(sources):
    files = {**OLD, "arch/x86/kernel/ops.c": 'struct ops board = { .start = named("a\\n\\"b"), };\n'}
    text = format_dot(find_hook_tables(sources(files), table="board").tables, title="t")
    quoted = re.compile(r'"(?:[^"\\]|\\.)*"')
    assert 'named(\\"a' in text
    for line in text.splitlines():
        assert '"' not in quoted.sub("", line)
