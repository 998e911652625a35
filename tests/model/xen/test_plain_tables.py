"""The fast way of validating an L1 table says what the slow one says."""

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.model.machine import GuestMemory, entry_of
from kpatch_tools.model.xen import MMUEXT_PIN_L1_TABLE, Domain, Xen
from kpatch_tools.model.xen.l1 import promote_each_entry, promote_plain_table
from kpatch_tools.model.xen.state import XenState

DOMAIN = Domain(nr_pages=20, holes=((10, 11),))
TABLE, LIVE = 0, 1
FLAGS = st.sampled_from((0, 2, 3, 3, 3, 7, 0x63, 0x67, 0x8000_0000_0000_0063, 1 << 52 | 0x67, 1 << 52 | 0x63))
ODD = st.sampled_from((1, 5, 1 << 62 | 3, 0x83))
PLAIN_FRAMES = st.integers(2, 9).map(DOMAIN.p2m)
FRAMES = st.integers(DOMAIN.base - 2, DOMAIN.base + 24) | st.sampled_from((0, (1 << 40) - 1))
PLAIN = st.builds(entry_of, PLAIN_FRAMES, FLAGS)
ANY = st.builds(entry_of, FRAMES, FLAGS | ODD)
TABLES = st.tuples(
    st.lists(st.tuples(st.integers(0, 511), PLAIN), max_size=12),
    st.lists(st.tuples(st.integers(0, 511), ANY), max_size=2),
    st.just(0) | PLAIN,
)


def prepared(slots: dict[int, int], fill: int) -> XenState:
    """A state with one live L1 table, and a frame filled with entries that is none yet."""
    memory = GuestMemory()
    xen = Xen(memory, DOMAIN)
    assert xen.mmuext(MMUEXT_PIN_L1_TABLE, DOMAIN.p2m(LIVE) or 0) == 0
    frame = memory.frame(DOMAIN.p2m(TABLE) or 0)
    for slot in range(512):
        frame[slot] = slots.get(slot, fill)
    return xen._state


@given(TABLES)
def test_the_fast_way_agrees_or_leaves_it_to_the_slow_one(
    table: tuple[list[tuple[int, int]], list[tuple[int, int]], int],
) -> None:
    plain, odd, fill = table
    slots = dict(plain) | dict(odd)
    fast, slow = prepared(slots, fill), prepared(slots, fill)
    mfn = DOMAIN.p2m(TABLE) or 0
    before = bytes(fast.memory.frame(mfn)), list(fast.writable)
    done = promote_plain_table(fast, mfn)
    outcome = promote_each_entry(slow, mfn)
    if not done:
        assert (bytes(fast.memory.frame(mfn)), fast.writable) == before
        return
    assert outcome == 0
    assert bytes(fast.memory.frame(mfn)) == bytes(slow.memory.frame(mfn))
    assert (fast.writable, fast.read_only) == (slow.writable, slow.read_only)


@given(st.lists(st.tuples(st.integers(0, 511), PLAIN), max_size=12), st.just(0) | PLAIN)
def test_plain_tables_are_all_taken_the_fast_way(plain: list[tuple[int, int]], fill: int) -> None:
    xen = prepared(dict(plain), fill)
    assert promote_plain_table(xen, DOMAIN.p2m(TABLE) or 0)
