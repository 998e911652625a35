"""Memory maps: what can be asked for, and what no machine is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model import DEFAULT_LAYOUTS, Layout, layout_from_json, parse_layout
from kpatch_tools.model.layouts import GIB, MIB, MemoryType


def usable(layout: Layout) -> list[tuple[int, int]]:
    return [(entry.start, entry.end) for entry in layout.usable]


def test_a_plain_size_is_all_memory_except_the_isa_region() -> None:
    layout = parse_layout("512M")
    assert usable(layout) == [(0, 0x9F000), (MIB, 512 * MIB)]
    assert layout.pages == 512 * MIB // 4096
    assert layout.acpi


def test_a_hole_is_reserved_and_populated() -> None:
    layout = parse_layout("1200M,hole=1180M+18M")
    assert usable(layout)[1:] == [(MIB, 1180 * MIB), (1198 * MIB, 1200 * MIB)]
    assert layout.ranges[3].type is MemoryType.RESERVED
    assert layout.pages == 1200 * MIB // 4096


def test_more_than_fits_below_the_pci_hole_goes_above_4_gib() -> None:
    assert usable(parse_layout("5120M"))[1:] == [(MIB, 0xBFFE0000), (4 * GIB, 5 * GIB)]


def test_a_map_that_ends_in_the_pci_hole_ends_before_it() -> None:
    layout = parse_layout("4096M")
    assert layout.end == 0xBFFE0000
    assert layout.pages == 4 * GIB // 4096


@pytest.mark.parametrize(("text", "acpi"), [("512M", True), ("512M,noacpi", False), ("5G,acpi", True)])
def test_acpi_is_a_word(text: str, acpi: bool) -> None:
    assert parse_layout(text).acpi is acpi


def test_words_combine() -> None:
    layout = parse_layout("512M,numa,noacpi")
    assert (layout.numa, layout.acpi) == (True, False)
    assert not parse_layout("512M").numa


@pytest.mark.parametrize(
    "text",
    [
        "",
        "512",
        "512MB",
        "-512M",
        "512M,hole=",
        "512M,hole=10M",
        "512M,hole=500M+20M",
        "512M,hole=0M+1M",
        "512M,hole=100M+10M,hole=105M+10M",
        "512M,holes",
        "32M",
        "512M,hole=20M+400M",
        "64G",
    ],
)
def test_what_no_machine_is_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(KpatchError) as caught:
        parse_layout(text)
    assert caught.value.code == "bad-layout"
    assert "512M" in caught.value.hint


@given(st.integers(64, 3000), st.integers(0, 400), st.integers(1, 400))
def test_ranges_ascend_without_overlap_whatever_the_hole(size: int, gap: int, length: int) -> None:
    start = 60 + gap
    text = f"{size}M,hole={start}M+{length}M"
    try:
        layout = parse_layout(text)
    except KpatchError:
        assert start + length >= size
        return
    edges = [edge for entry in layout.ranges for edge in (entry.start, entry.end)]
    assert edges == sorted(edges)
    assert layout.end == size * MIB


def test_json_ranges_are_text_or_objects() -> None:
    ranges = ["0-9f000 usable", {"start": "0x9fc00", "end": "0x100000", "type": "reserved"}, "100000-10000000 usable"]
    layout = layout_from_json(json.dumps({"name": "mine", "e820": ranges, "acpi": False}).encode())
    assert layout.name == "mine"
    assert usable(layout) == [(0, 0x9F000), (0x100000, 0x10000000)]
    assert layout.pages == 0x10000
    assert not layout.acpi


def test_json_may_say_how_many_pages_and_where_the_image_ends() -> None:
    ranges = ["0-9f000 usable", "100000-10000000 usable", "100000000-12ffe0000 usable"]
    layout = layout_from_json(json.dumps({"e820": ranges, "pages": 0x10000, "image_end": "0x1395000"}).encode())
    assert (layout.pages, layout.image_end) == (0x10000, 0x1395000)


def test_unusable_memory_is_not_the_domains() -> None:
    ranges = ["0-9f000 usable", "100000-10000000 usable", "10000000-3ffe0000 unusable", "100000000-12ffe0000 usable"]
    assert layout_from_json(json.dumps({"e820": ranges}).encode()).pages == 0x10000


def test_the_lines_of_a_boot_log_say_it_all() -> None:
    ranges = ["0-9f000 usable", "100000-bffe0000 usable", "100000000-1efebf000 usable"]
    lines = {
        "Loaded kernel": "ffffffff81000000->ffffffff81395000",
        "Phys-Mach map": "ffffffff81395000->ffffffff81d95000",
    }
    cut = ["0-9f000 usable", "100000-bffe0000 usable"]
    value = {"e820": ranges, "e820_user": cut, "xen_layout": lines}
    layout = layout_from_json(json.dumps(value).encode())
    assert (layout.pages, layout.image_end, layout.end) == (0x140000, 0x1395000, 0xBFFE0000)
    assert layout_from_json(json.dumps({"e820": ranges, "dom0_mem": "5120M"}).encode()).pages == 0x140000


def test_a_range_may_be_printed_with_an_inclusive_end() -> None:
    ranges = ["0-9efff usable (end inclusive)", "100000-fffffff usable (end inclusive)"]
    assert usable(layout_from_json(json.dumps({"e820": ranges}).encode())) == [(0, 0x9F000), (0x100000, 0x10000000)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"e820": []}',
        '{"e820": ["nonsense"]}',
        '{"e820": [1]}',
        '{"e820": ["0-10000000 swampy"]}',
        '{"e820": ["0-10000000 usable", "8000000-20000000 usable"]}',
        '{"e820": ["0-10000000 usable"], "pages": "many"}',
        '{"e820": ["0-10000000 usable"], "pages": -1}',
        '{"e820": ["0-10000000 usable"], "pages": 5}',
        '{"e820": ["0-10000000 usable"], "dom0_mem": "much"}',
        '{"e820": ["0-10000000 usable"], "xen_layout": {"Loaded kernel": "somewhere"}}',
    ],
)
def test_bad_json_is_one_error(text: str) -> None:
    with pytest.raises(KpatchError) as caught:
        layout_from_json(text.encode())
    assert caught.value.code == "bad-layout"


def test_the_default_set_holds_what_the_main_job_needs() -> None:
    holed = [
        layout
        for layout in DEFAULT_LAYOUTS
        if any(
            entry.type is MemoryType.RESERVED and entry.start > GIB and entry.end <= 4 * GIB for entry in layout.ranges
        )
    ]
    two = [layout for layout in DEFAULT_LAYOUTS if layout.end > 4 * GIB]
    assert holed
    assert {layout.acpi for layout in two} == {True, False}
