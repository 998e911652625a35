"""Records of real boots: what is read from them, and when a run agrees."""

import json
from typing import Any

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import Pfn, RepoPath
from kpatch_tools.model import Fault, ModelRun, TableRange, Verdict
from kpatch_tools.model.truth import Agreement, Edit, RealBoot, compare, parse_boots

MIB = 1 << 20
EDIT = {"file": "arch/x86/xen/mmu.c", "function": "mask_rw_pte", "find": "top", "replace": "end"}


def record(**changed: Any) -> dict[str, Any]:
    """A hand-made record of a machine with 64 MiB; no real boot."""
    return {
        "id": "one",
        "commit": "HEAD",
        "picks": [],
        "reverts": [],
        "edits": [],
        "config": {},
        "mode": "extra",
        "dom0_mem": "64M",
        "e820": ["0-9f000 usable", "9fc00-100000 reserved", "100000-4000000 usable"],
        "xen_layout": {
            "Phys-Mach map": "ffffffff81400000->ffffffff81420000",
            "Loaded kernel": "ffffffff81000000->ffffffff81400000",
        },
        "direct_map_tables": [{"start": "0x3fe0000", "top": "0x4000000"}],
        "rw_range": None,
        "ro_pages_after_boot": None,
        "outcome": "boots",
        "stage": "all the way",
        **changed,
    }


def parsed(**changed: Any) -> RealBoot:
    (boot,) = parse_boots(json.dumps([record(**changed)]).encode())
    return boot


def run_of(boot: RealBoot, verdict: Verdict = Verdict.OK, **changed: Any) -> ModelRun:
    tables = (TableRange(0, 64 * MIB, 0x3FE_0000, 0x3FF_0000, 0x400_0000),)
    return ModelRun(**{"layout": boot.layout, "verdict": verdict, "tables": tables, **changed})


def fault(kind: str, pfn: int | None = None) -> Fault:
    return Fault(kind, "something", "map-memory", pfn=None if pfn is None else Pfn(pfn))


CRASHED = {
    "outcome": "crash",
    "stage": "killed at pin_pagetable_pfn+0x32; Bad type (saw 1 != exp 2) for mfn 9 (pfn 3fe1)",
}
OOPS = ["[    0.000000] Oops: 0003 [#1] SMP"]


def test_a_record_says_which_kernel_and_which_machine() -> None:
    boot = parsed(
        picks=["abc"],
        reverts=["def"],
        edits=[EDIT],
        config={"SMP": "n", "CONFIG_NR_CPUS": 4, "CONFIG_NUMA": True},
        e820=["0x0-0x9f000 usable", "0000000000100000 - 0000000004000000 usable"],
        mode="noacpi",
    )
    assert boot.kernel.commit == "HEAD"
    assert (boot.kernel.picks, boot.kernel.reverts) == (("abc",), ("def",))
    assert boot.kernel.edits == (Edit(RepoPath("arch/x86/xen/mmu.c"), "mask_rw_pte", "top", "end"),)
    assert boot.kernel.config == (("CONFIG_NR_CPUS", "4"), ("CONFIG_NUMA", "1"), ("CONFIG_SMP", None))
    assert not boot.layout.acpi
    assert boot.layout.pages == 0x20000 // 8
    assert boot.layout.image_end == 0x140_0000


def test_an_inclusive_end_is_one_more() -> None:
    boot = parsed(e820=["0-9f000 usable", "100000-3ffffff usable (end inclusive)"])
    assert boot.layout.end == 0x400_0000


def test_mem_cuts_the_map_where_the_record_has_no_cut_one() -> None:
    ranges = ["0-9f000 usable", "100000-8000000 usable", "100000000-104000000 usable"]
    assert parsed(mode="mem", e820=ranges).layout.end == 64 * MIB
    assert (
        parsed(mode="mem", e820=ranges, e820_user=record()["e820"] + ["8000000-9000000 usable"]).layout.end == 144 * MIB
    )


def test_a_hole_leaves_an_island_at_the_top() -> None:
    usable = parsed(mode="hole", dom0_mem="128M", e820=["0-9f000 usable", "100000-20000000 usable"]).layout.usable
    assert [(entry.start, entry.end) for entry in usable[1:]] == [
        (MIB, 112 * MIB),
        (128 * MIB - 128 * 1024, 128 * MIB),
    ]


@pytest.mark.parametrize(
    ("changed", "kinds", "page"),
    [
        ({}, ("xen-refused-pin",), 0x3FE1),
        ({"stage": "killed at pin_pagetable_pfn+0x32"}, ("xen-refused-pin",), None),
        (
            {"stage": "killed at make_lowmem_page_readwrite+0x2f; Bad type (saw 1 != exp 2) for mfn 9 (pfn 0ff7e)"},
            ("xen-refused-update_va_mapping",),
            0xFF7E,
        ),
        ({"stage": "kernel Oops (page fault) in xen_set_pte_init, RDI=ffffffff811ff3c8"}, ("xen-refused-ptwr",), None),
        (
            {"stage": "kernel Oops (page fault) in memset, RDI=ffff88003ffffec0", "oops_regs": OOPS},
            ("read-only-write",),
            0x3FFFF,
        ),
        ({"stage": "kernel Oops in memset, RDI=ffff880001", "oops_regs": ["Oops: 0002 [#1]"]}, ("not-present",), None),
        (
            {"stage": "kernel Oops (page fault) in xen_set_pte, x", "oops_regs": OOPS},
            ("xen-refused-ptwr", "read-only-write"),
            None,
        ),
        (
            {"stage": "kernel Oops (page fault) in strange, RDI=ffff88003ffffec0", "oops_regs": OOPS},
            ("read-only-write",),
            None,
        ),
        ({"stage": "guest shut itself down as crashed"}, (), None),
        ({"stage": "silence"}, (), None),
    ],
)
def test_the_log_tells_the_kind_of_fault_and_its_page(
    changed: dict[str, Any], kinds: tuple[str, ...], page: int | None
) -> None:
    boot = parsed(**{**CRASHED, **changed})
    assert (boot.crashed, boot.kinds, boot.page) == (True, kinds, page)


def test_a_boot_that_both_see_alike_agrees() -> None:
    boot = parsed()
    assert compare(boot, run_of(boot)).state is Agreement.AGREE
    boot = parsed(**CRASHED)
    run = run_of(boot, Verdict.CRASH, fault=fault("xen-refused-pin", 0x3FE1))
    assert compare(boot, run).state is Agreement.AGREE


@pytest.mark.parametrize(
    ("changed", "verdict", "result", "said"),
    [
        (
            {},
            Verdict.CRASH,
            {"fault": fault("xen-refused-pin", 1)},
            "CRASH (something (during map-memory)), but it booted",
        ),
        ({}, Verdict.RO_LEFT_OVER, {}, "RO-LEFT-OVER (no fault named), but it booted"),
        ({}, Verdict.OK, {"tables": ()}, "page-table buffers none, really 0x3fe0000-0x4000000"),
        ({}, Verdict.OK, {"rw_ranges": ((0x1000, 0x2000),)}, "made writable 0x1000-0x2000, really none"),
        (
            {"ro_pages_after_boot": ["RO pages: 10, of them free 2"]},
            Verdict.OK,
            {},
            "0 free pages are read-only, really 2",
        ),
        (CRASHED, Verdict.OK, {}, "OK, but it crashed"),
        (CRASHED, Verdict.RO_LEFT_OVER, {}, "RO-LEFT-OVER, but it crashed"),
        (
            CRASHED,
            Verdict.CRASH,
            {"fault": fault("read-only-write", 0x3FE1)},
            "read-only-write, really xen-refused-pin",
        ),
        (CRASHED, Verdict.CRASH, {"fault": fault("xen-refused-pin", 0x3FE2)}, "fault on pfn 0x3fe2, really pfn 0x3fe1"),
        (CRASHED, Verdict.CRASH, {"fault": fault("xen-refused-pin")}, "fault on no page, really pfn 0x3fe1"),
    ],
)
def test_what_differs_is_named(changed: dict[str, Any], verdict: Verdict, result: dict[str, Any], said: str) -> None:
    boot = parsed(**changed)
    comparison = compare(boot, run_of(boot, verdict, **result))
    assert (comparison.state, comparison.why) == (Agreement.DISAGREE, (said,))


def test_a_latent_fault_agrees_only_for_a_kernel_that_was_edited() -> None:
    plain, broken = parsed(), parsed(edits=[EDIT])
    for verdict in (Verdict.RO_LEFT_OVER, Verdict.UNRESERVED, Verdict.LEAK):
        assert compare(plain, run_of(plain, verdict)).state is Agreement.DISAGREE
        assert compare(broken, run_of(broken, verdict)).state is Agreement.AGREE
    assert compare(broken, run_of(broken, Verdict.CRASH)).state is Agreement.DISAGREE


def test_no_verdict_is_no_agreement() -> None:
    boot = parsed()
    comparison = compare(boot, run_of(boot, Verdict.UNDETERMINED, reason="mm/init.c:1: a construct", tables=()))
    assert (comparison.state, comparison.why) == (Agreement.UNDETERMINED, ("mm/init.c:1: a construct",))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"id": ""}, "id"),
        ({"commit": None}, "commit"),
        ({"outcome": "maybe"}, "outcome"),
        ({"outcome": "crash", "stage": None}, "stage"),
        ({"mode": 3}, "mode"),
        ({"mode": "mem", "dom0_mem": "lots"}, "dom0_mem"),
        ({"picks": "abc"}, "picks"),
        ({"reverts": [1]}, "reverts"),
        ({"edits": [{"file": "a"}]}, "edits"),
        ({"edits": ["x"]}, "edits"),
        ({"config": []}, "config"),
        ({"config": {"SMP": []}}, "config"),
        ({"e820": ["everything"]}, "e820"),
        ({"e820": ["0-9f000 reserved"]}, "e820"),
        ({"xen_layout": {}}, "xen_layout"),
        ({"direct_map_tables": [{"start": "0x1"}]}, "direct_map_tables"),
        ({"rw_range": 5}, "rw_range"),
    ],
)
def test_a_malformed_record_is_refused_by_name_and_field(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(KpatchError) as caught:
        parsed(**changed)
    assert caught.value.code == "bad-record"
    assert f"field {field!r}" in caught.value.message
    assert ("record 'one'" if field != "id" else "record 'number 0'") in caught.value.message


@pytest.mark.parametrize("data", [b"{", b"{}", b"[3]"])
def test_a_file_that_is_no_list_of_records_is_refused(data: bytes) -> None:
    with pytest.raises(KpatchError, match=r"not a list|not JSON|not an object"):
        parse_boots(data)


def test_an_id_is_used_once() -> None:
    with pytest.raises(KpatchError, match="used twice"):
        parse_boots(json.dumps([record(), record()]).encode())
