"""Sentences that follow from a fault's facts."""

from dataclasses import replace

from kpatch_tools.core.ids import Mfn, Pfn
from kpatch_tools.model.boot.buffers import BufferValues
from kpatch_tools.model.explain import EntryWrite, Fault, MappingInWords, TypeChange
from kpatch_tools.model.history.reading import read_fault

NAMES = ("e820_table_start", "e820_table_end", "e820_table_top")


def fault(kind: str, pfn: int | None, *, end_then: int, end: int, writable: bool, stage: str = "map-memory") -> Fault:
    write = EntryWrite(1, 0x63, "map-memory", (), BufferValues(NAMES, 0x100, end_then, 0x200))
    mapping = MappingInWords(Pfn(0x150), 3, writable, None, (Mfn(1), 3), (write,))
    return Fault(
        kind,
        "message",
        stage,
        pfn=None if pfn is None else Pfn(pfn),
        mappings=(mapping,),
        buffer=BufferValues(NAMES, 0x100, end, 0x200),
    )


def test_a_future_table_mapped_writable_is_told_with_the_trees_own_names() -> None:
    text = read_fault(fault("xen-refused-pin", 0x160, end_then=0x160, end=0x161, writable=True))
    assert "mapped writable, during map-memory, it was e820_table_end itself, the next page" in text[0]
    assert "e820_table_end - 1, the page handed out last" in text[1]
    assert "mapped writable anywhere" in text[2]


def test_a_spare_page_is_counted_from_the_end() -> None:
    text = read_fault(fault("xen-refused-pin", 0x162, end_then=0x160, end=0x163, writable=True))
    assert "2 pages past e820_table_end and below e820_table_top" in text[0]


def test_a_left_over_page_was_never_handed_out() -> None:
    text = " ".join(
        read_fault(fault("left-over-read-only", 0x180, end_then=0x160, end=0x170, writable=False, stage="end of boot"))
    )
    assert "never handed out" in text
    assert "without being made writable" in text


def test_a_spare_page_that_is_a_table_again_is_told_as_such() -> None:
    told = fault("xen-refused-update_va_mapping", 0x170, end_then=0x170, end=0x170, writable=False, stage="paging")
    late = replace(told.mappings[0].writes[0], stage="paging")
    told = replace(
        told,
        mappings=(replace(told.mappings[0], writes=(late,)),),
        types=(TypeChange(1, "paging"),),
        frame="a live L1 page table (type count 2, pinned)",
    )
    text = read_fault(told)
    assert "was free again, and became an L1 page table during paging" in text[0]
    assert "Xen lets nobody map a live page table writable" in text[1]
    assert len(text) == 2


def test_a_page_far_from_the_buffer_is_not_explained_by_it() -> None:
    assert read_fault(fault("not-present", 0x900, end_then=0x160, end=0x170, writable=False)) == ()


def test_no_page_no_sentence() -> None:
    assert read_fault(fault("panic", None, end_then=0x160, end=0x170, writable=False)) == ()
