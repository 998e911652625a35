"""The miniature on bare hardware: the same memory is kept with and without the hook, and an empty slot is found."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import (
    PLATFORMS,
    ModelRun,
    Platform,
    Verdict,
    get_platform,
    parse_layout,
    parse_profile,
    run_model,
)

Miniature = Callable[[str], BlobSource]
Edited = Callable[[BlobSource, Mapping[str, tuple[str, str]]], BlobSource]

LAYOUTS = (parse_layout("64M"), parse_layout("1200M,hole=1180M+18M"))
BARE = tuple(platform for platform in PLATFORMS if platform.name != "xen")
RESERVES = (
    "x86_init.mapping.pagetable_reserve(PFN_PHYS(pgt_buf_start),",
    "x86_init.mapping.pagetable_reserve(PFN_PHYS(pgt_buf_start + 1),",
)


@pytest.fixture(params=BARE, ids=lambda platform: platform.name)
def platform(request: pytest.FixtureRequest) -> Platform:
    assert isinstance(request.param, Platform)
    return request.param


def runs(source: BlobSource, platform: Platform, **options: object) -> tuple[ModelRun, ...]:
    return run_model(source, LAYOUTS, platform=platform, jobs=1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("last", ["", "01", "12", "13", "18", "20"])
def test_every_state_boots(bare: Miniature, platform: Platform, last: str) -> None:
    assert [run.verdict for run in runs(bare(last), platform)] == [Verdict.OK, Verdict.OK]


def test_the_hook_reserves_what_was_reserved_before(bare: Miniature, platform: Platform) -> None:
    before, after = runs(bare("12"), platform), runs(bare("13"), platform)
    assert [run.reserved for run in before] == [run.reserved for run in after]
    assert all(run.reserved for run in after)


def test_a_kernel_with_xen_does_the_same_where_there_is_none(bare: Miniature, platform: Platform) -> None:
    with_xen = runs(bare("13"), platform, profile=parse_profile("x86_64-xen-pv"))
    assert [run.verdict for run in with_xen] == [Verdict.OK, Verdict.OK]
    assert [run.reserved for run in with_xen] == [run.reserved for run in runs(bare("13"), platform)]


def test_a_run_says_what_it_ran_on(bare: Miniature, platform: Platform) -> None:
    run = runs(bare("13"), platform)[0]
    assert (run.platform, run.profile) == (platform.name, "x86_64-native")


def test_a_slot_without_default_is_named(bare: Miniature, edited: Edited, platform: Platform) -> None:
    source = edited(bare("13"), {"arch/x86/kernel/x86_init.c": ("= native_pagetable_reserve,", "= 0,")})
    fault = runs(source, platform)[1].fault
    assert fault is not None
    assert fault.kind == "null-slot"
    assert "x86_init.mapping.pagetable_reserve" in fault.message
    assert [call.function for call in fault.chain] == ["init_memory_mapping"]


def test_a_slot_that_setup_arch_calls_is_named(bare: Miniature, edited: Edited, platform: Platform) -> None:
    source = edited(bare("13"), {"arch/x86/kernel/x86_init.c": ("= native_pagetable_setup_done,", "= 0,")})
    fault = runs(source, platform)[0].fault
    assert fault is not None
    assert (fault.kind, fault.stage) == ("null-slot", "paging")
    assert "x86_init.paging.pagetable_setup_done" in fault.message


def test_xen_does_not_miss_a_default_that_it_overrides(miniature: Miniature, edited: Edited) -> None:
    source = edited(miniature("13"), {"arch/x86/kernel/x86_init.c": ("= native_pagetable_setup_done,", "= 0,")})
    assert [run.verdict for run in runs(source, get_platform("xen"))] == [Verdict.OK, Verdict.OK]


def test_a_table_that_is_not_kept_is_found(bare: Miniature, edited: Edited) -> None:
    source = edited(bare("13"), {"arch/x86/mm/init.c": RESERVES})
    run = runs(source, get_platform("native-4k"))[1]
    assert run.verdict in (Verdict.CRASH, Verdict.UNRESERVED)


def test_a_spare_page_that_stays_reserved_is_a_leak(bare: Miniature, edited: Edited) -> None:
    source = edited(bare("13"), {"arch/x86/mm/init.c": ("PFN_PHYS(pgt_buf_end));", "PFN_PHYS(pgt_buf_top));")})
    run = runs(source, get_platform("native-4k"))[1]
    assert run.verdict is Verdict.LEAK


def test_a_page_that_is_not_mapped_is_found(bare: Miniature, edited: Edited) -> None:
    old = "\t\tif (pte_none(*pte))\n"
    source = edited(bare("13"), {"arch/x86/mm/init_64.c": (old, "\t\tif (pte_none(*pte) && addr != 0x40100000)\n")})
    run = runs(source, get_platform("native-4k"))[1]
    assert run.verdict is Verdict.CRASH
    assert run.fault is not None
    assert (run.fault.kind, run.fault.pfn) == ("unmapped-page", 0x40100)


def test_a_kernel_without_xen_does_not_boot_on_it(miniature: Miniature) -> None:
    run = run_model(miniature("13"), LAYOUTS[:1], profile=parse_profile("x86_64-native"))[0]
    assert run.verdict is Verdict.UNDETERMINED
    assert "x86_64-native has no CONFIG_XEN" in run.reason
