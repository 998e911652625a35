"""What Xen builds before the kernel starts; addresses as a real Xen printed them for real kernels."""

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model import Layout, layout_from_json, parse_layout
from kpatch_tools.model.boot import domain_builder
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.image import image_geometry
from kpatch_tools.model.machine import GuestMemory
from kpatch_tools.model.run import boot
from kpatch_tools.model.trace import ignore
from kpatch_tools.model.xen import Domain, FrameType, Xen


def powered(kernel: Guest, layout: Layout) -> Guest:
    kernel.power_on(layout, ignore)
    kernel.frames = kernel.xen = Xen(kernel.memory, Domain(nr_pages=layout.pages))
    return kernel


@pytest.mark.parametrize(
    ("pages", "start_info", "tables", "count"),
    [
        (0x10000, 0xFFFFFFFF81417000, 0xFFFFFFFF81418000, 15),
        (0x40000, 0xFFFFFFFF81597000, 0xFFFFFFFF81598000, 15),
        (0x41000, 0xFFFFFFFF8159F000, 0xFFFFFFFF815A0000, 15),
        (0x80000, 0xFFFFFFFF81797000, 0xFFFFFFFF81798000, 17),
        (0x140000, 0xFFFFFFFF81D97000, 0xFFFFFFFF81D98000, 19),
    ],
)
def test_structures_lie_where_xen_put_them(kernel: Guest, pages: int, start_info: int, tables: int, count: int) -> None:
    guest = powered(kernel, parse_layout(f"{pages >> 8}M"))
    found = domain_builder.place(guest)
    assert found.p2m == 0xFFFFFFFF81397000
    assert (found.start_info, found.tables, found.table_count) == (start_info, tables, count)


def test_the_tables_are_validated_pinned_and_mapped_read_only(kernel: Guest) -> None:
    guest = powered(kernel, parse_layout("64M"))
    guest.memory.load_image(guest.xen.p2m)
    built = domain_builder.build(guest)
    root = guest.xen.p2m((built.tables - guest.memory.geometry.kernel_map) >> 12)
    assert root == guest.memory.paging.root
    state = guest.xen.frame_state(root)
    assert (state.type, state.pinned) == (FrameType.L4, True)
    for address in range(built.tables, built.tables_end, 4096):
        assert not guest.memory.paging.walk(address).writable
    assert guest.memory.paging.walk(built.start_info).writable


def test_the_start_info_page_says_so(kernel: Guest) -> None:
    guest = powered(kernel, parse_layout("64M"))
    guest.memory.load_image(guest.xen.p2m)
    built = domain_builder.build(guest)
    struct = guest.program.struct("start_info")
    read = {name: guest.load(built.start_info + struct.offset(name)) for name in ("nr_pages", "pt_base", "mfn_list")}
    assert read == {"nr_pages": 0x4000, "pt_base": built.tables, "mfn_list": built.p2m}
    assert guest.get("xen_start_info") == built.start_info


def test_a_machine_too_small_for_its_own_p2m_list_is_no_layout(kernel: Guest) -> None:
    ranges = '{"e820": ["0-9f000 usable", "100000-3000000 usable", "100000000-400000000 usable"]}'
    with pytest.raises(KpatchError) as caught:
        boot(kernel, layout_from_json(ranges.encode()))
    assert caught.value.code == "bad-layout"


@pytest.mark.parametrize("end", [0x1395000, 0x139F000, 0x1699000])
def test_another_image_moves_what_follows(end: int) -> None:
    memory = GuestMemory(image_geometry(end))
    assert memory.geometry.brk_end == memory.geometry.image_end == 0xFFFFFFFF80000000 + end


@pytest.mark.parametrize("end", [0x1100000, 0x1397001])
def test_an_impossible_image_is_refused(end: int) -> None:
    with pytest.raises(KpatchError) as caught:
        image_geometry(end)
    assert caught.value.code == "bad-layout"
