"""A fault says what was refused, to which C code, on which page, and who maps it."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import ModelRun, Verdict, parse_layout
from kpatch_tools.model.run import boot, load_kernel, with_history

SMALL = parse_layout("64M")
NOACPI = parse_layout("4160M,hole=64M+4032M,noacpi")
Miniature = Callable[[str], BlobSource]
Edited = Callable[[BlobSource, Mapping[str, tuple[str, str]]], BlobSource]
MMU, INIT = "arch/x86/xen/mmu.c", "arch/x86/mm/init.c"


def fault_of(source: BlobSource, text: str = "64M") -> ModelRun:
    run = boot(load_kernel(source), parse_layout(text))
    assert run.fault is not None, run
    return run


def test_a_good_boot_has_no_fault(miniature: Miniature) -> None:
    assert boot(load_kernel(miniature("13")), SMALL).fault is None


def test_a_refused_pin_names_the_page_and_the_way_there(miniature: Miniature) -> None:
    fault = fault_of(miniature("06"), "4160M,hole=64M+4032M").fault
    assert fault is not None
    assert fault.kind == "xen-refused-pin"
    assert fault.stage == "map-memory"
    assert fault.pfn is not None
    assert fault.pfn >= 1 << 20
    assert "Bad type" in fault.refusals[0]
    assert f"pfn {fault.pfn:05x}" in fault.refusals[0]
    functions = [call.function for call in fault.chain]
    assert functions[-1] == "init_memory_mapping"
    assert fault.chain[-1].file == INIT
    assert any(mapping.writable for mapping in fault.mappings)


def test_a_table_made_writable_is_refused_through_update_va_mapping(miniature: Miniature, edited: Edited) -> None:
    source = edited(
        miniature("13"), {MMU: ("for (; end < PFN_PHYS(pgt_buf_top)", "for (end = start; end < PFN_PHYS(pgt_buf_top)")}
    )
    run = fault_of(source)
    assert run.fault is not None
    assert run.verdict is Verdict.CRASH
    assert run.fault.kind == "xen-refused-update_va_mapping"
    assert run.fault.pfn == run.tables[0].start >> 12
    assert "page table" in run.fault.frame


def test_a_live_table_mapped_writable_early_is_refused_by_ptwr(miniature: Miniature) -> None:
    fault = fault_of(miniature("01")).fault
    assert fault is not None
    assert fault.kind == "xen-refused-ptwr"
    assert fault.va is not None


def test_a_write_to_a_spare_page_names_it(miniature: Miniature) -> None:
    run = fault_of(miniature("12"))
    fault = run.fault
    assert fault is not None
    assert fault.kind == "read-only-write"
    assert fault.pfn is not None
    assert run.tables[0].end <= fault.pfn << 12 < run.tables[0].top
    assert fault.refusals == ()
    (mapping,) = fault.mappings
    assert not mapping.writable
    assert mapping.va == 0xFFFF_8800_0000_0000 + (fault.pfn << 12)


def test_left_over_pages_are_counted_and_named(miniature: Miniature) -> None:
    run = fault_of(miniature("12"), "1200M,hole=1180M+18M")
    assert run.verdict is Verdict.RO_LEFT_OVER
    assert run.fault is not None
    assert run.fault.kind == "left-over-read-only"
    assert run.fault.pfn == run.free_read_only[0]
    assert f"{len(run.free_read_only)} free pages" in run.fault.message


def test_a_kept_spare_page_is_a_leak(miniature: Miniature, edited: Edited) -> None:
    source = edited(
        miniature("13"),
        {MMU: ("native_pagetable_reserve(start, end);", "native_pagetable_reserve(start, PFN_PHYS(pgt_buf_top));")},
    )
    run = fault_of(source)
    assert run.verdict is Verdict.LEAK
    assert run.fault is not None
    assert run.fault.kind == "leaked-pages"


def test_a_bug_of_the_kernels_own_is_told_as_such(miniature: Miniature, edited: Edited) -> None:
    source = edited(miniature("13"), {INIT: ("\tpgt_buf_start = ", "\tBUG_ON(end);\n\tpgt_buf_start = ")})
    fault = fault_of(source).fault
    assert fault is not None
    assert fault.kind == "bug"
    assert fault.chain[0].file == INIT
    assert f"{INIT}:{fault.chain[0].line}" in fault.message


def test_an_older_refusal_is_not_blamed(miniature: Miniature, edited: Edited) -> None:
    before = "\tpgt_buf_start = "
    tolerated = "\tHYPERVISOR_mmuext_op((struct mmuext_op *)&refused, 1, 0, 0x7FF0);\n"
    later = "\tHYPERVISOR_update_va_mapping(PAGE_OFFSET, __pte(0), 0);\n\tBUG_ON(end);\n"
    source = edited(miniature("13"), {INIT: (before, f"\tstatic long refused[4];\n{tolerated}{later}{before}")})
    run = boot(load_kernel(source), SMALL)
    assert run.fault is not None, run.reason
    assert run.fault.kind == "bug"
    assert run.fault.refusals == ()


def test_a_panic_is_told_with_its_text(miniature: Miniature, edited: Edited) -> None:
    source = edited(
        miniature("13"), {INIT: ("\tpgt_buf_start = ", '\tpanic("no room up to %lx", end);\n\tpgt_buf_start = ')}
    )
    fault = fault_of(source).fault
    assert fault is not None
    assert fault.kind == "panic"
    assert fault.message == f"panic: no room up to {64 << 20:x}"


@pytest.mark.parametrize("after", ["01", "06", "12"])
def test_the_text_has_one_fact_a_line(miniature: Miniature, after: str) -> None:
    fault = fault_of(miniature(after), "4160M,hole=64M+4032M").fault
    assert fault is not None
    lines = fault.lines()
    assert lines[0].endswith(f"(during {fault.stage})")
    assert all("\n" not in line for line in lines)
    assert len(lines) >= 1 + len(fault.chain) + len(fault.refusals)


def test_history_names_who_wrote_a_mapping(miniature: Miniature) -> None:
    kernel = load_kernel(miniature("12"))
    run = boot(kernel, SMALL)
    told = with_history(kernel, run)
    assert told.fault is not None
    (mapping,) = told.fault.mappings
    functions = [call.function for call in mapping.written_by]
    assert "phys_pte_init" in functions
    assert functions[-1] == "init_memory_mapping"
    assert any(line.strip().startswith("written by") for line in told.fault.lines())


def test_history_changes_nothing_else(miniature: Miniature) -> None:
    kernel = load_kernel(miniature("06"))
    run = boot(kernel, NOACPI)
    told = with_history(kernel, run)
    assert (told.verdict, told.tables, told.printk) == (run.verdict, run.tables, run.printk)
    assert boot(kernel, NOACPI) == run


def test_a_good_run_has_no_history(miniature: Miniature) -> None:
    kernel = load_kernel(miniature("13"))
    run = boot(kernel, SMALL)
    assert with_history(kernel, run) is run


def test_history_names_who_made_the_frame_a_table(miniature: Miniature, edited: Edited) -> None:
    source = edited(
        miniature("13"), {MMU: ("for (; end < PFN_PHYS(pgt_buf_top)", "for (end = start; end < PFN_PHYS(pgt_buf_top)")}
    )
    kernel = load_kernel(source)
    told = with_history(kernel, boot(kernel, SMALL)).fault
    assert told is not None
    (change,) = told.types
    assert (change.level, change.stage) == (1, "map-memory")
    assert "xen_alloc_pte_init" in [call.function for call in change.chain]
    assert change.buffer is not None
    assert told.pfn == change.buffer.end - 1
    assert any(line.startswith("it became an L1 page table") for line in told.lines())


def test_the_request_is_told_with_its_arguments(miniature: Miniature) -> None:
    fault = fault_of(miniature("06"), "4160M,hole=64M+4032M").fault
    assert fault is not None
    assert fault.operation == f"mmuext_op(MMUEXT_PIN_L1_TABLE, {fault.mfn:#x})"
    assert f"refused: {fault.operation}" in fault.lines()


def test_all_writes_to_an_entry_are_kept_in_order(miniature: Miniature) -> None:
    kernel = load_kernel(miniature("12"))
    told = with_history(kernel, boot(kernel, SMALL)).fault
    assert told is not None
    (mapping,) = told.mappings
    assert [write.number for write in mapping.writes] == list(range(1, len(mapping.writes) + 1))
    assert mapping.writes[-1].value & 3 == 1
    assert mapping.written_by == mapping.writes[-1].chain
