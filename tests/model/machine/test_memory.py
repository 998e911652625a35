"""The guest's memory: a data area, mapped frames, faults, watches."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.machine import (
    PAGE_SIZE,
    PRESENT,
    REAL,
    RW,
    USER,
    Geometry,
    GuestMemory,
    NotPresent,
    ReadOnlyWrite,
    Walk,
    entry_of,
)

MapPages = Callable[..., int]
ALL = PRESENT | RW | USER


# --- the data area


def test_static_allocations_are_aligned_and_do_not_overlap(memory: GuestMemory) -> None:
    first, second, third = memory.alloc_static(3, 1), memory.alloc_static(8, 64), memory.alloc_static(0, 8)
    assert first >= memory.data_base + PAGE_SIZE
    assert second % 64 == 0
    assert first + 3 <= second
    assert second + 8 <= third
    assert memory.alloc_static(1, 1) > third


def test_a_full_data_area_is_an_error_of_ours(memory: GuestMemory) -> None:
    with pytest.raises(KpatchError) as caught:
        memory.alloc_static(len(memory.data), 8)
    assert caught.value.code == "model-data-full"
    with pytest.raises(KpatchError) as caught:
        memory.alloc_image_pages(1 << 30)
    assert caught.value.code == "model-image-full"


def test_reset_restores_initial_contents_only(memory: GuestMemory) -> None:
    address = memory.alloc_static(16, 8)
    memory.set_initial(address, b"initial!")
    memory.write(address, b"spoilt!!and more")
    memory.reset()
    assert memory.read(address, 16) == b"initial!" + bytes(8)


def test_each_reset_repeats_what_is_initial_by_then(memory: GuestMemory) -> None:
    first, second = memory.alloc_static(8, 8), memory.alloc_static(8, 8)
    memory.set_initial(first, b"one")
    for _ in range(2):
        memory.write(first, b"xxxx")
        memory.write(second, b"yyyy")
        memory.reset()
        assert (memory.read(first, 4), memory.read(second, 4)) == (b"one\0", bytes(4))
    memory.set_initial(second, b"two")
    memory.set_initial(first, b"ONE")
    memory.reset()
    assert (memory.read(first, 4), memory.read(second, 4)) == (b"ONE\0", b"two\0")


def test_a_restored_memory_continues_where_the_other_was(memory: GuestMemory) -> None:
    first, page = memory.alloc_static(8, 8), memory.alloc_image_pages(1)
    memory.set_initial(first, b"one")
    memory.set_initial(page, b"image")
    other = GuestMemory()
    other.reset()
    other.restore(memory.state())
    assert other.read(first, 4) == b"one\0"
    assert other.alloc_static(8, 8) == memory.alloc_static(8, 8)
    assert other.alloc_image_pages(1) == memory.alloc_image_pages(1)
    other.write(first, b"xxxx")
    other.reset()
    assert other.read(first, 4) == b"one\0"
    other.load_image(lambda pfn: Mfn(pfn))
    physical = page - REAL.kernel_map
    assert bytes(other.frame(physical >> 12))[:6] == b"image\0"


def test_reset_keeps_the_data_and_its_views(memory: GuestMemory) -> None:
    """Compiled code holds views of the data area: it must stay the same object."""
    data, view = memory.data, memoryview(memory.data).cast("Q")
    memory.write(memory.data_base + 8, b"\1")
    memory.reset()
    assert memory.data is data
    assert view[1] == 0


def test_image_pages_get_their_content_when_frames_are_known(memory: GuestMemory) -> None:
    """A page table of the kernel image lives in a frame; which one, the domain builder decides at every boot."""
    address = memory.alloc_image_pages(2 * PAGE_SIZE)
    memory.set_initial(address + PAGE_SIZE - 2, b"over")
    pfn = (address - REAL.kernel_map) >> 12
    for offset in (100, 7):
        memory.reset()
        memory.load_image(lambda number, offset=offset: Mfn(number + offset))  # type: ignore[misc]
        assert bytes(memory.frame(pfn + offset))[-2:] == b"ov"
        assert bytes(memory.frame(pfn + offset + 1))[:2] == b"er"
    memory.set_initial(address, b"late")
    assert bytes(memory.frame(pfn + 7))[:4] == b"late"


def test_an_image_page_without_a_frame_is_an_error(memory: GuestMemory) -> None:
    memory.set_initial(memory.alloc_image_pages(1), b"x")
    with pytest.raises(KpatchError) as caught:
        memory.load_image(lambda _pfn: None)
    assert caught.value.code == "model-image-outside"


# --- accesses


def test_every_width_reads_what_bytes_say(memory: GuestMemory, map_pages: MapPages) -> None:
    base = map_pages(entry_of(9, ALL))
    memory.write(base, bytes(range(0xF0, 0x100)))
    functions = memory.accessors()
    assert functions["ld1"](base) == 0xF0
    assert functions["lds1"](base) == 0xF0 - 0x100
    assert functions["ld2"](base + 2) == 0xF3F2
    assert functions["lds2"](base + 2) == 0xF3F2 - 0x10000
    assert functions["ld4"](base + 4) == 0xF7F6F5F4
    assert functions["lds4"](base + 4) == 0xF7F6F5F4 - (1 << 32)
    assert functions["ld8"](base + 8) == 0xFFFEFDFCFBFAF9F8
    assert functions["lds8"](base + 8) == 0xFFFEFDFCFBFAF9F8 - (1 << 64)


SHUFFLED = (11, 9, 10, 12)
SPAN = len(SHUFFLED) * PAGE_SIZE
# A data area between two mapped ranges would need an odd geometry: here it directly follows the mapped pages.
BESIDE = Geometry(data_base=REAL.page_offset + SPAN, data_size=PAGE_SIZE)
ADDRESS = st.one_of(
    st.integers(0, SPAN + PAGE_SIZE - 8),
    st.builds(lambda page, offset: page * PAGE_SIZE + offset, st.integers(1, len(SHUFFLED)), st.integers(-9, 9)),
)
STORE = st.tuples(st.just("store"), ADDRESS, st.sampled_from((1, 2, 4, 8)), st.integers(-(1 << 63), (1 << 64) - 1))
PUT = st.tuples(st.just("put"), st.integers(0, PAGE_SIZE), st.just(0), st.binary(max_size=2 * PAGE_SIZE))


@given(st.lists(STORE | PUT, max_size=20), ADDRESS)
def test_memory_is_an_array_of_bytes(operations: list[tuple[str, int, int, int | bytes]], probe: int) -> None:
    """Whatever widths, alignments and page crossings: the same as one flat byte array, the data area included."""
    memory = GuestMemory(BESIDE)
    for table in (1, 2, 3):
        memory.frame(table)[REAL.slot(REAL.page_offset, 5 - table)] = entry_of(table + 1, ALL)
    for slot, mfn in enumerate(SHUFFLED):
        memory.frame(4)[slot] = entry_of(mfn, ALL)
    memory.paging.load_root(Mfn(1))
    flat = bytearray(SPAN + PAGE_SIZE)
    functions = memory.accessors()
    for _, offset, size, value in operations:
        if isinstance(value, bytes):
            memory.write(REAL.page_offset + offset, value)
            flat[offset : offset + len(value)] = value
        else:
            functions[f"st{size}"](REAL.page_offset + offset, value)
            flat[offset : offset + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    assert memory.read(REAL.page_offset, len(flat)) == flat
    for size in (1, 2, 4, 8):
        expected = flat[probe : probe + size]
        address = REAL.page_offset + probe
        assert functions[f"ld{size}"](address) == int.from_bytes(expected, "little")
        assert functions[f"lds{size}"](address) == int.from_bytes(expected, "little", signed=True)


# --- faults


@pytest.mark.parametrize("name", ["ld1", "ld2", "ld4", "ld8", "lds8"])
def test_reading_what_is_not_mapped_faults(memory: GuestMemory, map_pages: MapPages, name: str) -> None:
    base = map_pages()
    with pytest.raises(NotPresent) as caught:
        memory.accessors()[name](base + 8)
    assert (caught.value.va, caught.value.write, caught.value.level) == (base + 8, False, 1)


@pytest.mark.parametrize("name", ["st1", "st2", "st4", "st8"])
def test_writing_what_is_not_mapped_faults(memory: GuestMemory, map_pages: MapPages, name: str) -> None:
    base = map_pages()
    with pytest.raises(NotPresent) as caught:
        memory.accessors()[name](base + 16, 1)
    assert (caught.value.va, caught.value.write) == (base + 16, True)


def test_a_null_pointer_and_a_wild_one_fault(memory: GuestMemory, map_pages: MapPages) -> None:
    map_pages()
    load = memory.accessors()["ld8"]
    with pytest.raises(NotPresent):
        load(0)
    with pytest.raises(NotPresent, match="not a canonical address"):
        load(0x6B6B6B6B6B6B6B68)


@pytest.mark.parametrize(("name", "offset"), [("st1", 3), ("st2", 2), ("st4", 4), ("st8", 8), ("st8", 3), ("st2", 1)])
def test_a_write_through_a_read_only_mapping_faults(
    memory: GuestMemory, map_pages: MapPages, name: str, offset: int
) -> None:
    """CR0.WP is set: the supervisor's writes fault, too. Reads do not."""
    base = map_pages(entry_of(9, PRESENT | USER))
    assert memory.accessors()["ld8"](base) == 0
    with pytest.raises(ReadOnlyWrite) as caught:
        memory.accessors()[name](base + offset, 1)
    assert caught.value.va == base + offset
    assert caught.value.frame is not None
    assert caught.value.frame.mfn == 9


def test_a_string_write_stops_where_it_faults(memory: GuestMemory, map_pages: MapPages) -> None:
    """What came before the fault is written, as the processor's string instructions do."""
    base = map_pages(entry_of(9, ALL), entry_of(8, PRESENT))
    with pytest.raises(ReadOnlyWrite) as caught:
        memory.write(base + PAGE_SIZE - 2, b"abcd")
    assert caught.value.va == base + PAGE_SIZE
    assert memory.read(base + PAGE_SIZE - 2, 2) == b"ab"


def test_a_trapped_string_write_comes_in_aligned_words(memory: GuestMemory, map_pages: MapPages) -> None:
    base = map_pages(entry_of(9, PRESENT))
    seen: list[tuple[int, int, int]] = []

    def emulate(va: int, size: int, value: int, _walk: Walk) -> None:
        seen.append((va - base, size, value))

    memory.on_read_only_write = emulate
    memory.write(base + 7, bytes(range(1, 11)))
    assert seen == [(7, 1, 1), (8, 8, int.from_bytes(bytes(range(2, 10)), "little")), (16, 1, 10)]


# --- watches


def test_a_watch_sees_every_write_to_its_word_and_no_other(memory: GuestMemory, map_pages: MapPages) -> None:
    base = map_pages(entry_of(9, ALL), entry_of(8, ALL))
    store = memory.accessors()
    store["st8"](base + 8, 1)
    seen: list[tuple[int, int, int]] = []
    memory.watch({(Mfn(9), 1)}, lambda mfn, word, value: seen.append((mfn, word, value)))
    store["st8"](base + 8, 2)
    store["st8"](base + 16, 3)
    store["st1"](base + 9, 4)
    store["st8"](base + PAGE_SIZE + 8, 5)
    memory.write(base, bytes(15) + b"\6" + bytes(8))
    memory.unwatch()
    store["st8"](base + 8, 7)
    assert seen == [(9, 1, 2), (9, 1, 0x402), (9, 1, 6 << 56)]


def test_watching_takes_only_the_watched_frame_off_the_fast_path(memory: GuestMemory, map_pages: MapPages) -> None:
    base = map_pages(entry_of(9, ALL), entry_of(8, ALL))
    memory.watch({(Mfn(9), 1)}, lambda _mfn, _word, _value: None)
    store = memory.accessors()["st8"]
    store(base, 1)
    store(base + PAGE_SIZE, 1)
    assert set(memory.paging.writable) == {(base >> 12) + 1}


def test_a_watch_survives_a_reset(memory: GuestMemory, map_pages: MapPages) -> None:
    """A replay is a reset and the same boot again, watched."""
    seen: list[int] = []
    memory.watch({(Mfn(9), 0)}, lambda _mfn, _word, value: seen.append(value))
    memory.reset()
    base = map_pages(entry_of(9, ALL))
    memory.accessors()["st8"](base, 42)
    assert seen == [42]
