"""The scaled machine: the same kernel with tables of 16 entries, or a reason why not."""

from collections.abc import Callable, Iterator, Mapping

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.model import Verdict
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.machine import REAL_MACHINE
from kpatch_tools.model.layouts import PAGE_SIZE, Layout, MemoryRange, MemoryType
from kpatch_tools.model.run import boot, load_kernel
from kpatch_tools.model.scaled import SCALED, SPAN, scaled_source

Edited = Callable[[BlobSource, Mapping[str, tuple[str, str]]], BlobSource]
Miniature = Callable[[str], BlobSource]

TYPES = "arch/x86/include/asm/pgtable_types.h"


def layout(pages: int, *, high: int = 0) -> Layout:
    ranges = [
        MemoryRange(0, SCALED.isa_usable_end),
        MemoryRange(SCALED.isa_reserved, SCALED.isa_end, MemoryType.RESERVED),
        MemoryRange(SCALED.isa_end, pages * PAGE_SIZE),
    ]
    end = pages
    if high:
        end = SCALED.low_end // PAGE_SIZE + high
        ranges.append(MemoryRange(SCALED.low_end, end * PAGE_SIZE))
    return Layout(name=f"{pages}+{high}", ranges=tuple(ranges), pages=end)


@pytest.fixture(scope="module")
def scaled(miniature: Miniature) -> Guest:
    return load_kernel(miniature("13"), machine=SCALED)


def test_the_real_machine_is_the_default(miniature: Miniature) -> None:
    kernel = load_kernel(miniature("13"))
    assert kernel.machine is REAL_MACHINE
    assert kernel.program.constant("sizeof(pte_t)") == 8


def test_an_entry_is_as_large_as_entries_lie_apart(scaled: Guest) -> None:
    geometry = SCALED.geometry
    for kind in ("pte_t", "pmd_t", "pud_t", "pgd_t"):
        assert scaled.program.constant(f"sizeof({kind})") == geometry.entry_words * 8
    assert geometry.entries * geometry.entry_words * 8 == PAGE_SIZE


def test_addresses_keep_their_proportions() -> None:
    real, small = REAL_MACHINE.geometry, SCALED.geometry
    assert small.span(2) == SPAN
    assert -small.kernel_map % (1 << 64) // small.span(3) == -real.kernel_map % (1 << 64) // real.span(3)
    for address in (small.page_offset, small.kernel_map):
        assert small.is_canonical(address)
        assert small.slot(address, 4) not in small.reserved_l4_slots
    assert SCALED.low_end % small.span(3) == 0


def test_a_kernel_boots_and_its_tables_cover_sixteen_pages_each(scaled: Guest) -> None:
    run = boot(scaled, layout(192))
    assert run.verdict is Verdict.OK
    assert run.machine == SCALED.name
    (table,) = run.tables
    # 12 L1 tables, one L2, one L3: what 192 pages need.
    assert table.top - table.start == 14 * PAGE_SIZE
    assert run.rw_done == run.rw_ranges == ((table.end, table.top),)


def test_memory_above_the_boundary_is_mapped_separately(scaled: Guest) -> None:
    run = boot(scaled, layout(280, high=28))
    assert run.verdict is Verdict.OK
    assert [table.mapping_start for table in run.tables] == [0, SCALED.low_end]


@pytest.mark.parametrize(
    ("after", "expected"), [("00", Verdict.OK), ("01", Verdict.CRASH), ("12", Verdict.CRASH), ("23", Verdict.OK)]
)
def test_commits_do_on_a_small_machine_what_they_do_on_a_big_one(
    miniature: Miniature, after: str, expected: Verdict
) -> None:
    kernel = load_kernel(miniature(after), machine=SCALED)
    assert boot(kernel, layout(192)).verdict is expected


def test_lines_keep_their_numbers(miniature: Miniature) -> None:
    source = miniature("13")
    for path in (TYPES, "arch/x86/include/asm/pgtable.h", "arch/x86/kernel/e820.c"):
        before, after = source.read(RepoPath(path)), scaled_source(source).read(RepoPath(path))
        assert before is not None
        assert after is not None
        assert before != after
        assert before.count(b"\n") == after.count(b"\n")


def test_a_shift_by_32_that_is_no_boundary_stays() -> None:
    text = b"u64 both = ((u64)high << 32) | low; u64 end = 1ULL << 32;"
    source = Overlay(_Nothing(), {RepoPath("arch/x86/mm/x.c"): text})
    assert scaled_source(source).read(RepoPath("arch/x86/mm/x.c")) == text.replace(b"1ULL << 32", b"1ULL << 22")


@pytest.mark.parametrize(
    ("edits", "named"),
    [
        ({TYPES: ("#define PMD_SHIFT	21", "enum { PMD_SHIFT = 21 };")}, "PMD_SHIFT"),
        ({TYPES: ("typedef struct { pmdval_t pmd; } pmd_t;", "typedef struct pmd { pmdval_t v; } pmd_t;")}, "pmd_t"),
        (
            {"arch/x86/include/asm/fixmap.h": ("#define NR_FIX_BTMAPS		64", "enum { NR_FIX_BTMAPS = 64 };")},
            "NR_FIX_BTMAPS",
        ),
    ],
)
def test_what_finds_no_place_is_named(
    miniature: Miniature, edited: Edited, edits: Mapping[str, tuple[str, str]], named: str
) -> None:
    with pytest.raises(KpatchError, match=named) as caught:
        load_kernel(edited(miniature("13"), edits), machine=SCALED)
    assert caught.value.code == "cannot-be-scaled"


class _Nothing:
    def read(self, path: RepoPath) -> bytes | None:
        return None

    def paths(self, *prefixes: str) -> Iterator[RepoPath]:
        yield from ()
