"""From a tree and layouts to verdicts; what cannot be known is never called OK."""

from collections.abc import Callable, Mapping

import pytest
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import Verdict, parse_layout, run_model
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.profile import PROFILE
from kpatch_tools.model.boot.stages import STAGES
from kpatch_tools.model.run import boot, load_kernel
from kpatch_tools.model.trace import BecameTable, Event, PageTaken, Printed, RightsChanged, StageBegun

Edited = Callable[[BlobSource, Mapping[str, tuple[str, str]]], BlobSource]
Miniature = Callable[[str], BlobSource]

SMALL = parse_layout("64M")
TWO = parse_layout("4160M,hole=64M+4032M")
NOACPI = parse_layout("4160M,hole=64M+4032M,noacpi")
MMU = "arch/x86/xen/mmu.c"


def test_results_come_in_the_order_of_the_layouts(miniature: Miniature) -> None:
    layouts = [NOACPI, SMALL, TWO]
    runs = run_model(miniature("11"), layouts)
    assert [run.layout for run in runs] == layouts
    assert [run.verdict for run in runs] == [Verdict.CRASH, Verdict.OK, Verdict.OK]


@pytest.mark.parametrize("after", ["11", "13"])
def test_processes_change_nothing_but_time(miniature: Miniature, after: str) -> None:
    layouts = [SMALL, TWO, NOACPI]
    assert run_model(miniature(after), layouts, jobs=2) == run_model(miniature(after), layouts, jobs=1)


def test_one_translation_boots_again_and_again(kernel: Guest) -> None:
    first = [boot(kernel, layout) for layout in (SMALL, NOACPI, SMALL)]
    assert first[0] == first[2]
    assert {run.verdict for run in first} == {Verdict.OK}


def test_a_run_names_its_profile_its_buffers_and_what_it_made_writable(kernel: Guest) -> None:
    run = boot(kernel, SMALL)
    assert run.profile == PROFILE.name
    (table,) = run.tables
    assert (table.mapping_start, table.mapping_end) == (0, 64 << 20)
    assert table.start < table.end < table.top == 64 << 20
    assert run.rw_ranges == ((table.end, table.top),)
    assert run.rw_done == run.rw_ranges


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_known_fault_can_end_the_job(miniature: Miniature, jobs: int) -> None:
    runs = run_model(miniature("12"), [SMALL, TWO, NOACPI], until_fault=True, jobs=jobs)
    assert runs[0].verdict is Verdict.CRASH
    assert {run.verdict for run in runs} <= {Verdict.CRASH, Verdict.NOT_RUN}
    assert jobs == 2 or [run.verdict for run in runs[1:]] == [Verdict.NOT_RUN] * 2


def test_inline_assembly_is_undetermined_with_its_place(miniature: Miniature, edited: Edited) -> None:
    source = edited(
        miniature("13"), {"arch/x86/mm/init.c": ("\tpgt_buf_start = ", '\tasm("nop");\n\tpgt_buf_start = ')}
    )
    (run,) = run_model(source, [SMALL])
    assert run.verdict is Verdict.UNDETERMINED
    assert "arch/x86/mm/init.c" in run.reason
    assert run.fault is None


def test_a_missing_function_is_undetermined_and_named(miniature: Miniature, edited: Edited) -> None:
    source = edited(
        miniature("13"),
        {
            "arch/x86/mm/init.c": (
                "\tpgt_buf_start = ",
                "\textern void nowhere(void);\n\tnowhere();\n\tpgt_buf_start = ",
            )
        },
    )
    (run,) = run_model(source, [SMALL])
    assert run.verdict is Verdict.UNDETERMINED
    assert "nowhere" in run.reason


def test_a_null_pointer_is_not_held_against_the_kernel(miniature: Miniature, edited: Edited) -> None:
    source = edited(
        miniature("13"), {"arch/x86/mm/init.c": ("\tpgt_buf_start = ", "\t*(long *)8 = 1;\n\tpgt_buf_start = ")}
    )
    (run,) = run_model(source, [SMALL])
    assert run.verdict is Verdict.UNDETERMINED
    assert "null pointer" in run.reason


def test_our_own_mistake_is_undetermined(kernel: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(*_arguments: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("kpatch_tools.model.run.sweep", mistake)
    run = boot(kernel, SMALL)
    assert run.verdict is Verdict.UNDETERMINED
    assert "internal error ZeroDivisionError: ours" in run.reason


def test_a_tree_without_a_kernel_is_undetermined(sources: Callable[[Mapping[str, str]], BlobSource]) -> None:
    (run,) = run_model(sources({"hello.c": "int main(void) { return 0; }"}), [SMALL])
    assert run.verdict is Verdict.UNDETERMINED
    assert "cannot be loaded" in run.reason


def test_a_tree_without_an_essential_function_is_undetermined(miniature: Miniature, edited: Edited) -> None:
    source = edited(
        miniature("13"), {"arch/x86/kernel/e820.c": ("unsigned long __init e820_end_of_ram_pfn(void)", "int f(void)")}
    )
    (run,) = run_model(source, [SMALL])
    assert run.verdict is Verdict.UNDETERMINED
    assert "e820_end_of_ram_pfn" in run.reason


def test_a_tracer_sees_stages_messages_pages_and_tables_in_order(miniature: Miniature) -> None:
    events: list[Event] = []
    run_model(miniature("13"), [SMALL], tracer=events.append)
    stages = [event.name for event in events if isinstance(event, StageBegun)]
    assert stages == [stage.name for stage in STAGES]
    kinds = {type(event) for event in events}
    assert {StageBegun, Printed, BecameTable, RightsChanged} <= kinds
    assert kinds <= {StageBegun, Printed, BecameTable, RightsChanged, PageTaken}


def test_progress_tells_what_is_going_on(miniature: Miniature) -> None:
    said: list[str] = []
    run_model(miniature("13"), [SMALL], progress=said.append)
    assert any("64M" in line for line in said)


def test_a_changed_token_changes_the_verdict(miniature: Miniature, edited: Edited) -> None:
    source = miniature("13")
    assert boot(load_kernel(source), SMALL).verdict is Verdict.OK
    broken = edited(source, {MMU: ("for (; end < PFN_PHYS(pgt_buf_top)", "for (; end < PFN_PHYS(pgt_buf_end)")})
    assert boot(load_kernel(broken), SMALL).verdict is Verdict.CRASH
