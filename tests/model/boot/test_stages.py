"""The boot's stages: what they ask of a tree, and what they do without."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import Verdict, layout_from_json, parse_layout
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.memblocks import memory_ranges, overlaps, reserved_ranges
from kpatch_tools.model.boot.stages import STAGES, unpopulated
from kpatch_tools.model.run import boot, load_kernel

SMALL = parse_layout("64M")
Miniature = Callable[[str], BlobSource]
Edited = Callable[[BlobSource, Mapping[str, tuple[str, str]]], BlobSource]


def test_every_stage_says_what_it_stands_for() -> None:
    assert len({stage.name for stage in STAGES}) == len(STAGES)
    assert all(stage.stands_for for stage in STAGES)


def test_memory_is_what_the_layout_says(kernel: Guest) -> None:
    layout = parse_layout("128M,hole=80M+8M")
    assert boot(kernel, layout).verdict is Verdict.OK
    assert memory_ranges(kernel)[-2:] == ((0x100000, 80 << 20), (88 << 20, 128 << 20))


def test_the_image_the_p2m_list_and_the_first_tables_are_reserved(kernel: Guest) -> None:
    boot(kernel, SMALL)
    geometry = kernel.memory.geometry
    reserved = reserved_ranges(kernel)
    for address in (geometry.image_start, geometry.image_end, kernel.get("xen_start_info")):
        physical = address - geometry.kernel_map
        assert overlaps(reserved, physical, physical + 1), hex(address)


def test_memory_without_pages_is_reserved_only_above_4_gib(kernel: Guest) -> None:
    ranges = '{"e820": ["0-9f000 usable", "100000-4000000 usable", "100000000-108000000 usable"], "pages": 16384}'
    layout = layout_from_json(ranges.encode())
    assert boot(kernel, layout).verdict is Verdict.OK
    assert unpopulated(kernel) == ((0x1_0000_0000, 0x1_0800_0000),)
    assert overlaps(reserved_ranges(kernel), 0x1_0000_0000, 0x1_0800_0000)


def test_an_acpi_table_is_mapped_only_where_the_layout_has_acpi(
    miniature: Miniature, edited: Edited, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = load_kernel(miniature("13"))
    called: list[str] = []
    original = Guest.call

    def call(self: Guest, function: str, *arguments: int) -> int:
        called.append(function)
        return original(self, function, *arguments)

    monkeypatch.setattr(Guest, "call", call)
    boot(kernel, parse_layout("64M,noacpi"))
    assert "early_ioremap" not in called
    boot(kernel, SMALL)
    assert called.count("early_ioremap") == called.count("early_iounmap") == 1


@pytest.mark.parametrize(("after", "verdict"), [("11", Verdict.CRASH), ("13", Verdict.OK)])
def test_node_data_meets_a_page_not_yet_repaired(miniature: Miniature, after: str, verdict: Verdict) -> None:
    run = boot(load_kernel(miniature(after)), parse_layout("64M,numa,noacpi"))
    assert run.verdict is verdict
    assert run.fault is None or run.fault.stage == "node-data"


def test_a_call_through_an_empty_slot_is_a_fault_that_names_it(miniature: Miniature, edited: Edited) -> None:
    source = edited(
        miniature("13"),
        {
            "arch/x86/xen/mmu.c": (
                "x86_init.paging.pagetable_setup_done = xen_pagetable_setup_done;",
                "x86_init.paging.pagetable_setup_done = 0;",
            )
        },
    )
    run = boot(load_kernel(source), SMALL)
    assert run.verdict is Verdict.CRASH
    assert run.fault is not None
    assert "pagetable_setup_done" in run.fault.message


def test_two_ranges_have_a_buffer_each(kernel: Guest) -> None:
    run = boot(kernel, parse_layout("4160M,hole=64M+4032M"))
    mappings = [(table.mapping_start, table.mapping_end) for table in run.tables]
    assert mappings == [(0, 64 << 20), (4 << 30, 4160 << 20)]


def test_a_tree_that_maps_by_itself_has_no_buffer(miniature: Miniature) -> None:
    run = boot(load_kernel(miniature("22")), SMALL)
    assert (run.verdict, run.tables) == (Verdict.OK, ())


@pytest.mark.parametrize("after", ["", "13", "20", "22"])
def test_every_tree_of_the_story_runs(miniature: Miniature, after: str) -> None:
    assert boot(load_kernel(miniature(after)), SMALL).verdict is Verdict.OK
