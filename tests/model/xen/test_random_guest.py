"""A random guest under Xen: whatever it asks for, the books balance.

The tables have eight entries, so that random requests meet each other. After every request the references are counted
again, from the page tables alone, and compared with Xen's counts.
"""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.machine import (
    PRESENT,
    RW,
    USER,
    Geometry,
    GuestMemory,
    MachineFault,
    entry_of,
    mfn_of,
)
from kpatch_tools.model.xen import (
    MMUEXT_NEW_BASEPTR,
    MMUEXT_NEW_USER_BASEPTR,
    MMUEXT_SET_LDT,
    MMUEXT_UNPIN_TABLE,
    Domain,
    FrameType,
    Xen,
)

PAGES = 12
SMALL = Geometry(level_bits=3, entry_words=64, reserved_l4_slots=range(4, 6))
SLOTS = st.integers(0, SMALL.entries - 1)
PFNS = st.integers(0, PAGES - 1)
FLAGS = st.sampled_from(
    (0, PRESENT, PRESENT | USER, PRESENT | RW, PRESENT | RW, PRESENT | RW | USER, PRESENT | RW | 0x60)
)
ODD_FLAGS = st.sampled_from((1 << 7, 1 << 8, 1 << 62, 1 << 3, 1 << 63))
DOMAIN = Domain(nr_pages=PAGES + 2, holes=((PAGES, PAGES + 1),), iomem=((0xA0, 0xA4),), base=0x1000)
TARGETS = st.one_of(
    PFNS.map(lambda pfn: DOMAIN.p2m(pfn) or 0),
    st.sampled_from((0x50, 0xA1, DOMAIN.special_mfn(0), (1 << 40) - 1)),
)
ENTRIES = st.builds(entry_of, TARGETS, FLAGS) | st.builds(
    lambda mfn, flags, odd: entry_of(mfn, flags | odd), TARGETS, FLAGS, ODD_FLAGS
)
# Addresses of this machine have 24 bits; only low ones are asked for, through root slot 0 or 1.
ADDRESSES = st.builds(lambda page, word: page << 12 | word << 9, st.integers(0, 8 * 8 * 16 - 1), SLOTS)


class RandomGuest(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.memory = GuestMemory(SMALL)
        self.xen = Xen(self.memory, DOMAIN)
        self.load, self.store = self.memory.accessors()["ld8"], self.memory.accessors()["st8"]
        self.pinned: set[int] = set()
        self.user_root: int | None = None
        self.gdt: tuple[Mfn, ...] = ()
        self.ldt: set[int] = set()

    def mfn(self, pfn: int) -> Mfn:
        mfn = DOMAIN.p2m(pfn)
        assert mfn is not None
        return mfn

    @initialize()
    def a_guest_with_one_path_of_tables(self) -> None:
        for table in range(3):
            self.memory.frame(self.mfn(table))[0] = entry_of(self.mfn(table + 1), PRESENT | RW)
        for slot in range(4, 8):
            self.memory.frame(self.mfn(3))[slot * 64] = entry_of(self.mfn(slot), PRESENT | RW)
        assert self.xen.mmuext(MMUEXT_NEW_BASEPTR, self.mfn(0)) == 0

    # --- what the guest may ask for

    @rule(pfn=PFNS, slot=SLOTS, entry=ENTRIES, command=st.sampled_from((0, 0, 2, 3)))
    def update(self, pfn: int, slot: int, entry: int, command: int) -> None:
        self.xen.mmu_update((self.mfn(pfn) << 12) + slot * 512 | command, entry)

    @rule(slot=SLOTS, entry=ENTRIES)
    def update_own_tables(self, slot: int, entry: int) -> None:
        """Requests to live tables would be rare among random ones."""
        for mfn, _ in list(self.xen.live_tables()):
            if slot % 2:
                self.xen.mmu_update((mfn << 12) + slot * 512, entry)
            slot = (slot * 5 + 1) % 8

    @rule(va=ADDRESSES, entry=ENTRIES)
    def update_va(self, va: int, entry: int) -> None:
        self.xen.update_va_mapping(va, entry)

    @rule(pfn=PFNS, level=st.integers(1, 4))
    def pin(self, pfn: int, level: int) -> None:
        if self.xen.mmuext(level - 1, self.mfn(pfn)) == 0:
            assert pfn not in self.pinned, "pins do not nest"
            self.pinned.add(pfn)

    @rule(pfn=PFNS)
    def unpin(self, pfn: int) -> None:
        outcome = self.xen.mmuext(MMUEXT_UNPIN_TABLE, self.mfn(pfn))
        assert (outcome == 0) == (pfn in self.pinned)
        self.pinned.discard(pfn)

    @rule(pfn=PFNS)
    def new_root(self, pfn: int) -> None:
        if self.xen.mmuext(MMUEXT_NEW_BASEPTR, self.mfn(pfn)) == 0:
            assert self.memory.paging.root == self.mfn(pfn)

    @rule(pfn=st.none() | PFNS)
    def new_user_root(self, pfn: int | None) -> None:
        mfn = 0 if pfn is None else self.mfn(pfn)
        if self.xen.mmuext(MMUEXT_NEW_USER_BASEPTR, mfn) == 0:
            self.user_root = mfn or None

    @rule(pfns=st.lists(PFNS, max_size=2))
    def set_gdt(self, pfns: list[int]) -> None:
        frames = tuple(self.mfn(pfn) for pfn in pfns)
        if self.xen.set_gdt(frames, 512 * len(frames)) == 0:
            self.gdt = frames

    @rule(page=st.integers(0, 40))
    def use_ldt(self, page: int) -> None:
        self.xen.mmuext(MMUEXT_SET_LDT, page << 12, 512)
        self.xen.touch_ldt(0)

    @rule(va=ADDRESSES)
    def read(self, va: int) -> None:
        try:
            self.load(va)
        except MachineFault:
            return

    @rule(va=ADDRESSES, value=ENTRIES)
    def write(self, va: int, value: int) -> None:
        try:
            self.store(va, value)
        except MachineFault:
            return

    def _tables(self) -> set[int]:
        return {mfn for mfn, _ in self.xen.live_tables()}

    # --- what always holds

    def _entries(self, mfn: int, level: int) -> list[int]:
        skip = SMALL.reserved_l4_slots if level == 4 else ()
        frame = self.memory.frame(mfn)
        return [frame[slot * 64] for slot in range(8) if slot not in skip and frame[slot * 64] & PRESENT]

    @invariant()
    def counts_are_what_the_tables_hold(self) -> None:
        """Recount everything from the roots down: every reference once, none released twice, no frame of two types."""
        types: Counter[int] = Counter()
        writers: Counter[int] = Counter({DOMAIN.special_mfn(0): 1})
        readers: Counter[int] = Counter()
        level_of: dict[int, int] = {}
        todo: list[tuple[int, int]] = []

        def reference(mfn: int, level: int) -> None:
            types[mfn] += 1
            assert level_of.setdefault(mfn, level) == level, "a frame of two types"
            if types[mfn] == 1:
                todo.append((mfn, level))

        for pfn in self.pinned:
            reference(self.mfn(pfn), self.xen.table_level(self.mfn(pfn)))
        for root in (self.memory.paging.root, self.user_root):
            if root is not None:
                reference(root, 4)
        while todo:
            table, level = todo.pop()
            assert 1 <= level <= 4
            for entry in self._entries(table, level):
                target = mfn_of(entry)
                if level == 1:
                    if self.xen.owns(target):
                        (writers if entry & RW else readers)[target] += 1
                elif target != table:
                    linear = self.xen.table_level(target) == level
                    assert not (linear and entry & RW), "a writable linear table"
                    reference(target, level if linear else level - 1)
        descriptors = Counter(self.gdt)
        descriptors.update(self.xen._state.ldt_frames.values())
        assert self._tables() == set(types)
        for mfn in (*(self.mfn(pfn) for pfn in range(PAGES)), DOMAIN.special_mfn(0)):
            state = self.xen.frame_state(mfn)
            kinds = [counter[mfn] for counter in (types, writers, descriptors) if counter[mfn]]
            assert len(kinds) <= 1, "a frame of two types"
            assert state.count == sum(kinds)
            assert state.general == 1 + state.count + readers[mfn]
            assert state.pinned == (self.xen.m2p(mfn) in self.pinned)
            expected = (
                FrameType(level_of[mfn])
                if types[mfn]
                else FrameType.WRITABLE
                if writers[mfn]
                else FrameType.SEG_DESC
                if descriptors[mfn]
                else FrameType.NONE
            )
            assert state.type is expected

    @invariant()
    def the_tlb_tells_what_the_tables_say(self) -> None:
        paging = self.memory.paging
        for page, frame in paging.readable.items():
            walk = paging.walk(page << 12)
            assert walk.mapped
            assert paging.frame(walk.mfn) is frame
        for page, frame in paging.writable.items():
            walk = paging.walk(page << 12)
            assert walk.mapped
            assert walk.writable
            assert paging.frame(walk.mfn) is frame

    @invariant()
    def no_table_can_be_written_past_xen(self) -> None:
        """The point of it all: no virtual address gives write access to a live table or a descriptor page."""
        protected = self._tables() | set(self.gdt) | set(self.xen._state.ldt_frames.values())
        reached: set[tuple[int, int]] = set()

        def descend(table: int, level: int) -> None:
            if (table, level) in reached:
                return
            reached.add((table, level))
            for entry in self._entries(table, level):
                if not entry & RW:
                    continue
                if level == 1:
                    assert mfn_of(entry) not in protected
                else:
                    descend(mfn_of(entry), level - 1)

        for root in (self.memory.paging.root, self.user_root):
            if root is not None:
                descend(root, 4)


RandomGuest.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestRandomGuest = RandomGuest.TestCase
