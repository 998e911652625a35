"""The life of real slots, over real history; what git log -S says of the same names is the evidence."""

import pytest
from kpatch_tools.app.hooks_timeline import hooks_timeline
from kpatch_tools.tree import KernelTree

pytestmark = [pytest.mark.real, pytest.mark.slow]

HOOK = "x86_init.mapping.pagetable_reserve"

LIVES = {
    HOOK: [("279b706bf800", "born", HOOK)],
    "x86_init.timers.wallclock_init": [("6b617e224dfa", "born", "x86_init.timers.wallclock_init")],
    "x86_platform.i8042_detect": [("c516ac583973", "born", "x86_platform.i8042_detect")],
    "x86_init.resources.probe_roms": [("f7cf5a5b8c0e", "born", "x86_init.resources.probe_roms")],
    "x86_init.mpparse.find_smp_config": [
        ("b3f1b617f494", "born", "x86_init.mpparse.find_smp_config"),
        ("b24c2a925a98", "re-typed", "x86_init.mpparse.find_smp_config"),
    ],
    "x86_init.oem.banner": [("6f30c1ac3fcf", "renamed", "pv_init_ops.banner")],
    "x86_init.oem.arch_setup": [("42bbdb43b16d", "renamed", "pv_init_ops.arch_setup")],
    "x86_init.timers.timer_init": [("845b3944bbdf", "renamed", "pv_time_ops.time_init")],
    "x86_platform.get_wallclock": [("7bd867dfb4e0", "renamed", "pv_time_ops.get_wallclock")],
    "x86_init.resources.memory_setup": [("6b18ae3e2ff6", "renamed", "pv_init_ops.memory_setup")],
    "pv_mmu_ops.kmap_atomic_pte": [("dad52fc01161", "died", "pv_mmu_ops.kmap_atomic_pte")],
    "pv_mmu_ops.alloc_pmd_clone": [("b0f4c062fb6d", "died", "pv_mmu_ops.alloc_pmd_clone")],
    "smp_ops.smp_send_stop": [("76fac077db6b", "died", "smp_ops.smp_send_stop")],
}
"""What happened to a slot in v2.6.31..v3.1: by which commit, and what it was called before."""


@pytest.fixture(scope="module")
def tree(linux_git):
    return KernelTree.open(linux_git)


@pytest.fixture(scope="module")
def report(tree):
    return hooks_timeline(tree, "v2.6.31..v3.1..v3.1.10")


@pytest.mark.parametrize("slot", LIVES)
def test_the_life_of_a_slot(report, slot):
    found = [
        (entry.commit.oid[:12], event.kind.value, event.old_name)
        for stretch in report.stretches
        for entry in stretch.entries
        for event in entry.events
        if event.name == slot
    ]
    assert found == LIVES[slot]


def test_nothing_was_in_doubt(report):
    assert [stretch.damaged for stretch in report.stretches] == [(), ()]
    assert not any(event.doubts for stretch in report.stretches for entry in stretch.entries for event in entry.events)


def test_the_events_lead_from_one_end_to_the_other(tree, report):
    """Slots of the older end, plus the born, less the dead, are the slots of the newer end."""
    for stretch in report.stretches:
        names = _slots(tree, stretch.base.oid)
        for entry in stretch.entries:
            for event in (one for one in entry.events if one.slot):
                if event.kind.value in ("renamed", "died"):
                    names.discard(event.old_name)
                if event.kind.value in ("renamed", "born"):
                    names.add(event.name)
        assert names == _slots(tree, stretch.tip.oid)


def _slots(tree, oid):
    from kpatch_tools.hooks.history.walking import TableHistory

    tables = TableHistory(tree, ("arch/x86",)).tables(tree.commit(oid).tree)
    return {f"{table.name}.{slot.path}" for table in tables.values() for slot in table.slots}


def test_the_hook_died_between_two_imports(tree):
    report = hooks_timeline(tree, "v3.1..tree-3.3.6..tree-3.8.13..tree-3.9.6", slot=HOOK)
    assert not any(stretch.has_history for stretch in report.stretches)
    assert [
        (stretch.tip.spelled, event.kind.value)
        for stretch in report.stretches
        for entry in stretch.entries
        for event in entry.events
    ] == [("tree-3.9.6", "died")]
