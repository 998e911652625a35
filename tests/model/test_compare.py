"""States of a machine after a boot, and their differences."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.model.compare import Run, boot_to_state, compare_states, differing, joined
from kpatch_tools.model.layouts import parse_layout
from kpatch_tools.model.oracles import Verdict
from kpatch_tools.model.run import load_kernel

SMALL = parse_layout("64M")
VALUES = st.lists(st.sampled_from(["", "RW", "RO"]), max_size=24)


def runs(values):
    return joined(Run(at, at + 1, value) for at, value in enumerate(values) if value)


@given(VALUES, VALUES)
def test_differences_are_those_of_each_byte(one, other):
    size = max(len(one), len(other))
    left, right = (values + [""] * (size - len(values)) for values in (one, other))
    expected = {at: (left[at], right[at]) for at in range(size) if left[at] != right[at]}
    found = list(differing(runs(one), runs(other)))
    assert {at: (before, after) for start, end, before, after in found for at in range(start, end)} == expected
    # Neighbours of the same values are one piece.
    assert not any(a[1] == b[0] and a[2:] == b[2:] for a, b in pairwise(found))


def test_equal_texts_leave_equal_states(miniature):
    one, other = (boot_to_state(load_kernel(miniature("13")), SMALL) for _ in range(2))
    found = compare_states(one, other)
    assert (found.verdict, found.differences, found.printed) == ("identical", (), ())
    state = one.state
    assert state is not None
    assert state.complete
    assert state.tables_by_level[4] == 1
    assert all(count > 0 for count in state.tables_by_level.values())
    # What is free can be written, and is no page table.
    free = {at for run in state.free for at in range(run.start, run.end, 4096)}
    writable = {at for run in state.direct_map for at in range(run.start, run.end, 4096) if run.value == "RW"}
    tables = {at for run in state.tables for at in range(run.start, run.end, 4096)}
    assert free
    assert free <= writable
    assert not free & tables
    assert not writable & tables


def test_a_page_left_read_only_is_named(miniature, edited):
    layout = parse_layout("1200M,hole=1180M+18M")
    fixed = miniature("13")
    broken = edited(fixed, {"arch/x86/xen/mmu.c": ("end < PFN_PHYS(pgt_buf_top);", "end < PFN_PHYS(pgt_buf_end);")})
    found = compare_states(*(boot_to_state(load_kernel(source), layout) for source in (fixed, broken)))
    assert found.verdict == "differs"
    assert {piece.aspect for piece in found.differences} == {"direct map"}
    assert {(piece.before, piece.after) for piece in found.differences} == {("RW", "RO")}


def test_a_boot_that_faults_is_compared_as_it_stands(miniature):
    fixed, dying = (boot_to_state(load_kernel(miniature(name)), SMALL) for name in ("13", "12"))
    assert dying.run.verdict is Verdict.CRASH
    assert dying.state is not None
    assert not dying.state.complete
    assert compare_states(fixed, dying).verdict == "differs"
    assert compare_states(dying, dying).verdict == "identical"


@pytest.mark.parametrize("side", [0, 1])
def test_what_is_not_known_is_not_identical(miniature, side):
    good = boot_to_state(load_kernel(miniature("13")), SMALL)
    guest = load_kernel(miniature("13"))
    guest.program.index.functions.pop("init_memory_mapping")
    unknown = boot_to_state(guest, SMALL)
    assert unknown.run.verdict is Verdict.UNDETERMINED
    pair = (good, unknown) if side else (unknown, good)
    assert compare_states(*pair).verdict == "undetermined"
