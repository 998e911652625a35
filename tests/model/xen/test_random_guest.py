"""A random guest under Xen: whatever it asks for, the books balance.

The tables have eight entries, so that random requests meet each other. After every request the references are counted
again, from the page tables and from what the guest was granted, and compared with Xen's counts: top-down, while Xen
counts as entries come and go. At the end the guest gives everything back.
"""

from collections import Counter
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
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
    DOMID_IO,
    DOMID_SELF,
    MMU_MACHPHYS_UPDATE,
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
DOMAINS = st.sampled_from((DOMID_SELF, DOMID_SELF, DOMID_SELF, DOMID_IO))
# Addresses of this machine have 24 bits; only low ones are asked for, through root slot 0 or 1, and mostly such as the
# first tables map.
PAGES_ASKED_FOR = st.integers(0, 15) | st.integers(0, 15) | st.integers(0, 8 * 8 * 16 - 1)
ADDRESSES = st.builds(lambda page, word: page << 12 | word << 9, PAGES_ASKED_FOR, SLOTS)


class RandomGuest(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.memory = GuestMemory(SMALL)
        self.xen = Xen(self.memory, DOMAIN)
        self.load, self.store = self.memory.accessors()["ld8"], self.memory.accessors()["st8"]
        # What the guest was granted, in its own books.
        self.pinned: dict[int, int] = {}
        self.root: int | None = None
        self.user_root: int | None = None
        self.gdt: tuple[Mfn, ...] = ()
        self.ldt_page = 0
        self.ldt_frame: int | None = None

    def mfn(self, pfn: int) -> Mfn:
        mfn = DOMAIN.p2m(pfn)
        assert mfn is not None
        return mfn

    def ask(self, request: Callable[[], int]) -> bool:
        """Whether Xen grants it; what it refuses changes no count."""
        before = self.counts()
        if request() >= 0:
            return True
        assert self.counts() == before, "a refusal that changed something"
        return False

    def counts(self) -> list[tuple[object, ...]]:
        """Type, counts and pin of every frame. A frame of type count 0 may keep any label: it is shown as none."""
        return [
            (state.type, state.count, state.general, state.pinned)
            for state in (self.xen.frame_state(mfn) for mfn in self.frames())
        ]

    def frames(self) -> list[int]:
        return [*(self.mfn(pfn) for pfn in range(PAGES)), DOMAIN.special_mfn(0)]

    @initialize()
    def a_guest_with_one_path_of_tables(self) -> None:
        for table in range(3):
            self.memory.frame(self.mfn(table))[0] = entry_of(self.mfn(table + 1), PRESENT | RW)
        for slot in range(8):
            flags = PRESENT | RW if 4 <= slot < 7 else PRESENT  # the tables, and one page more, read-only
            self.memory.frame(self.mfn(3))[slot * 64] = entry_of(self.mfn(slot), flags)
        assert self.xen.mmuext(MMUEXT_NEW_BASEPTR, self.mfn(0)) == 0
        self.root = self.mfn(0)

    # --- what the guest may ask for

    @rule(pfn=PFNS, slot=SLOTS, entry=ENTRIES, command=st.sampled_from((0, 0, 2, 3)), domain=DOMAINS)
    def update(self, pfn: int, slot: int, entry: int, command: int, domain: int) -> None:
        self.ask(lambda: self.xen.mmu_update((self.mfn(pfn) << 12) + slot * 512 | command, entry, domain))

    @rule(slot=SLOTS, entry=ENTRIES)
    def update_own_tables(self, slot: int, entry: int) -> None:
        """Requests to live tables would be rare among random ones."""
        for mfn, _ in list(self.xen.live_tables()):
            if slot % 2:
                pointer = (mfn << 12) + slot * 512
                self.ask(lambda pointer=pointer: self.xen.mmu_update(pointer, entry))  # type: ignore[misc]
            slot = (slot * 5 + 1) % 8

    @rule(va=ADDRESSES, entry=ENTRIES)
    def update_va(self, va: int, entry: int) -> None:
        self.ask(lambda: self.xen.update_va_mapping(va, entry))

    @rule(page=st.integers(0, 7), slot=SLOTS, value=st.none() | ENTRIES)
    def use_first_pages(self, page: int, slot: int, value: int | None) -> None:
        """Reads, and stores to pages and to tables: these the guest does all day."""
        try:
            if value is None:
                self.load(page << 12 | slot << 9)
            else:
                self.store(page << 12 | slot << 9, value)
        except MachineFault:
            return

    @rule(page=st.integers(0, 7), flags=FLAGS)
    def change_rights(self, page: int, flags: int) -> None:
        """The same frame, mapped otherwise."""
        walk = self.memory.paging.walk(page << 12)
        if walk.mapped:
            self.ask(lambda: self.xen.update_va_mapping(page << 12, entry_of(walk.mfn, flags)))

    @rule(pfn=PFNS, level=st.integers(1, 4))
    def pin(self, pfn: int, level: int) -> None:
        if self.ask(lambda: self.xen.mmuext(level - 1, self.mfn(pfn))):
            assert pfn not in self.pinned, "pins do not nest"
            self.pinned[pfn] = level

    @rule(
        pfn=st.integers(7, PAGES - 1),
        level=st.integers(1, 4),
        entries=st.dictionaries(
            SLOTS, st.builds(entry_of, PFNS.map(lambda pfn: DOMAIN.p2m(pfn) or 0), FLAGS), max_size=4
        ),
    )
    def build_and_pin(self, pfn: int, level: int, entries: dict[int, int]) -> None:
        """Tables with several entries: one that is refused has others before it, which must be given back."""
        if self.xen.table_level(self.mfn(pfn)):
            return
        for slot in range(8):
            self.xen.mmu_update((self.mfn(pfn) << 12) + slot * 512, entries.get(slot, 0))
        self.pin(pfn=pfn, level=level)

    @precondition(lambda self: bool(self.pinned))
    @rule(which=st.integers(0, PAGES))
    def pin_again(self, which: int) -> None:
        pfn, level = sorted(self.pinned.items())[which % len(self.pinned)]
        assert not self.ask(lambda: self.xen.mmuext(level - 1, self.mfn(pfn)))

    @rule(pfn=PFNS)
    def unpin(self, pfn: int) -> None:
        granted = self.ask(lambda: self.xen.mmuext(MMUEXT_UNPIN_TABLE, self.mfn(pfn)))
        assert granted == (pfn in self.pinned)
        self.pinned.pop(pfn, None)

    @rule(pfn=PFNS)
    def new_root(self, pfn: int) -> None:
        mfn = self.mfn(pfn)
        if self.ask(lambda: self.xen.mmuext(MMUEXT_NEW_BASEPTR, mfn)):
            assert self.memory.paging.root == mfn
            self.ldt_frame = self.ldt_frame if mfn == self.root else None
            self.root = mfn

    @rule(pfn=st.none() | PFNS)
    def new_user_root(self, pfn: int | None) -> None:
        mfn = 0 if pfn is None else self.mfn(pfn)
        if self.ask(lambda: self.xen.mmuext(MMUEXT_NEW_USER_BASEPTR, mfn)):
            self.user_root = mfn or None

    @rule(pfns=st.lists(PFNS, max_size=2))
    def set_gdt(self, pfns: list[int]) -> None:
        frames = tuple(self.mfn(pfn) for pfn in pfns)
        if self.ask(lambda: self.xen.set_gdt(frames, 512 * len(frames))):
            self.gdt = frames

    @rule(page=st.just(7) | st.integers(0, 15))
    def use_ldt(self, page: int) -> None:
        if self.ask(lambda: self.xen.mmuext(MMUEXT_SET_LDT, page << 12, 512)):
            self.ldt_frame = self.ldt_frame if page == self.ldt_page else None
            self.ldt_page = page
        if self.xen.touch_ldt(0):
            assert self.ldt_frame is None, "a page of the LDT taken twice"
            self.ldt_frame = self.memory.paging.walk(self.ldt_page << 12).mfn

    @rule(pfn=PFNS, word=st.integers(0, 511), descriptor=st.sampled_from((0, 0x00AF_9B00_0000_FFFF, 0x8900_0000_0067)))
    def update_descriptor(self, pfn: int, word: int, descriptor: int) -> None:
        before = self.counts()
        self.xen.update_descriptor((self.mfn(pfn) << 12) + word * 8, descriptor)
        assert self.counts() == before, "a descriptor holds nothing"

    @rule(pfn=PFNS, number=st.integers(0, PAGES))
    def machphys_update(self, pfn: int, number: int) -> None:
        assert self.ask(lambda: self.xen.mmu_update(self.mfn(pfn) << 12 | MMU_MACHPHYS_UPDATE, number))
        assert self.xen.m2p(self.mfn(pfn)) == number

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

        for pfn, level in self.pinned.items():
            reference(self.mfn(pfn), level)
        for root in (self.root, self.user_root):
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
        if self.ldt_frame is not None:
            descriptors[self.ldt_frame] += 1
        assert self._tables() == set(types)
        pins = {self.mfn(pfn) for pfn in self.pinned}
        for mfn in self.frames():
            state = self.xen.frame_state(mfn)
            assert state.count >= 0, "a negative type count"
            kinds = [counter[mfn] for counter in (types, writers, descriptors) if counter[mfn]]
            assert len(kinds) <= 1, "a frame of two types"
            assert state.count == sum(kinds)
            assert state.general == 1 + state.count + readers[mfn]
            assert state.pinned == (mfn in pins)
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
        protected = {*self._tables(), *self.gdt, self.ldt_frame}
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

        for root in (self.root, self.user_root):
            if root is not None:
                descend(root, 4)

    def teardown(self) -> None:
        """The guest gives back whatever it was granted: nothing may be held then but its root and what hangs on it."""
        if self.root is None:
            return
        for slot in range(8):
            self.xen.mmu_update((self.root << 12) + slot * 512, 0)
        assert self.xen.mmuext(MMUEXT_NEW_USER_BASEPTR, 0) == 0
        assert self.xen.set_gdt((), 0) == 0
        assert self.xen.mmuext(MMUEXT_SET_LDT, 0, 0) == 0
        for pfn in self.pinned:
            assert self.xen.mmuext(MMUEXT_UNPIN_TABLE, self.mfn(pfn)) == 0
        for mfn in self.frames():
            state = self.xen.frame_state(mfn)
            held = mfn in (self.root, DOMAIN.special_mfn(0))
            assert (state.count, state.general) == ((1, 2) if held else (0, 1)), "a reference that nobody gave back"


RandomGuest.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestRandomGuest = RandomGuest.TestCase
