"""A fault in words: what was refused, to which C code, and who maps the frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from kpatch_tools.core.ids import Mfn, Pfn

from .boot.buffers import BufferValues, read_buffer
from .boot.guest import Guest
from .cexec import CallFrame
from .machine import PAGE_SHIFT, PRESENT, PSE, MachineFault, NotPresent, PtwrRefused, ReadOnlyWrite, mfn_of
from .machine.geometry import LEVELS
from .oracles import EndState, Verdict

_MAPPINGS_SHOWN = 64
_CHANGES_SHOWN = 2
_PAGES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class EntryWrite:
    """One write to a page-table entry: what became of it, when, and by whom.

    `number` counts the writes to this entry from 1. `chain` are the C calls, innermost first, empty where no C code
    ran. `buffer` are the values of the table buffer's globals then, None where the tree has none.
    """

    number: int
    value: int
    stage: str
    chain: tuple[CallFrame, ...] = ()
    buffer: BufferValues | None = None


@dataclass(frozen=True, slots=True)
class TypeChange:
    """The frame became a page table of `level`, or stopped being one (0): when, and in which C calls."""

    level: int
    stage: str
    chain: tuple[CallFrame, ...] = ()
    buffer: BufferValues | None = None

    def __str__(self) -> str:
        what = f"became an L{self.level} page table" if self.level else "stopped being a page table"
        return f"{what} during {self.stage}"


@dataclass(frozen=True, slots=True)
class MappingInWords:
    """One live L1 entry that maps the frame.

    `va` is where the current tables lead to the entry, in the direct map if they do so there; None for a table that is
    not hooked in (yet). `entry_of` is the entry's place, (table, word). `writes` are all writes to the entry, oldest
    first; empty if they were not looked for. `written_by` is the chain of the last.
    """

    table: Pfn | None
    slot: int
    writable: bool
    va: int | None
    entry_of: tuple[Mfn, int]
    writes: tuple[EntryWrite, ...] = ()

    @property
    def written_by(self) -> tuple[CallFrame, ...]:
        return self.writes[-1].chain if self.writes else ()

    def __str__(self) -> str:
        where = f"at {self.va:#x}" if self.va is not None else "where no address leads (yet)"
        table = f"pfn {self.table:05x}" if self.table is not None else "a foreign frame"
        return f"{'writable' if self.writable else 'read-only'} {where}: slot {self.slot:#x} of the L1 table in {table}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a layout is not OK.

    `kind` is stable: "xen-refused-pin", "xen-refused-update_va_mapping", "xen-refused-mmu_update" (and the BUG that
    follows), "xen-refused-ptwr", "read-only-write", "not-present", "bug", "panic", "shutdown"; and what the sweep
    over free memory found: "left-over-read-only", "unreserved-table", "unmapped-page", "leaked-pages".
    `stage` is the boot stage. `chain` are the C calls, innermost first. `refusals` are Xen's lines, the cause first.
    `pfn`, `mfn`, `va` are None where the fault has none; `frame` says what the frame was at that moment. `operation`
    is the request that Xen refused, or the access that faulted, empty where there was none; `buffer`, the values of
    the page-table buffer's globals at that moment, None where the tree has none. `types` are the changes of the frame's
    type, oldest first; empty if they were not looked for, or there were none.
    """

    kind: str
    message: str
    stage: str
    chain: tuple[CallFrame, ...] = ()
    refusals: tuple[str, ...] = ()
    pfn: Pfn | None = None
    mfn: Mfn | None = None
    va: int | None = None
    frame: str = ""
    mappings: tuple[MappingInWords, ...] = ()
    operation: str = ""
    buffer: BufferValues | None = None
    types: tuple[TypeChange, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """The fault as text, one line per fact."""
        text = [f"{self.message} (during {self.stage})"]
        if self.operation:
            text.append(f"refused: {self.operation}")
        text += [f"Xen: {line}" for line in self.refusals]
        if self.frame:
            text.append(f"frame: {self.frame}")
        if self.buffer is not None:
            text.append(f"buffer: {self.buffer}")
        for change in self.types[-_CHANGES_SHOWN:]:
            text.append(f"it {change}")
            text += [f"  {'by' if not number else 'from'} {call}" for number, call in enumerate(change.chain)]
        for mapping in self.mappings:
            text.append(f"mapped {mapping}")
            if mapping.writes:
                last = mapping.writes[-1]
                text.append(f"  written during {last.stage}" + (f", {last.buffer}" if last.buffer else ""))
            text += [
                f"  {'written by' if not number else 'from'} {call}" for number, call in enumerate(mapping.written_by)
            ]
        text += [f"{'in' if number == 0 else 'from'} {call}" for number, call in enumerate(self.chain)]
        return tuple(text)


def explain_fault(guest: Guest, stage: str, error: MachineFault, chain: tuple[CallFrame, ...]) -> Fault:
    """The fault that stopped the boot, seen from the machine as it stands."""
    refusals = guest.frames.last_refusal() if _is_refusal(guest, error) else ()
    pfn = error.frame.pfn if error.frame is not None else None
    mfn = error.frame.mfn if error.frame is not None else None
    if refusals:
        pfn, mfn = refusals[0].pfn, refusals[0].mfn
    return Fault(
        kind=_kind(guest, error, refused=bool(refusals)),
        message=error.message,
        stage=stage,
        chain=chain,
        refusals=tuple(line.message for line in refusals),
        pfn=pfn,
        mfn=mfn,
        va=error.va,
        frame=str(guest.frames.describe(mfn)) if mfn is not None else "",
        mappings=_mappings(guest, mfn),
        operation=_operation(guest, error, refused=bool(refusals)),
        buffer=read_buffer(guest),
    )


def explain_end(guest: Guest, verdict: Verdict, state: EndState, leaked: int) -> Fault | None:
    """What the sweep found, as a fault on the first page concerned; None for OK."""
    match verdict:
        case Verdict.RO_LEFT_OVER:
            return _page_fault(guest, "left-over-read-only", "free pages cannot be written", state.read_only)
        case Verdict.UNRESERVED:
            return _page_fault(guest, "unreserved-table", "live page tables are not reserved", state.unreserved)
        case Verdict.CRASH:
            return _page_fault(guest, "unmapped-page", "free pages have no mapping of their own", state.unreachable)
        case Verdict.LEAK:
            return Fault(
                "leaked-pages",
                f"{leaked >> PAGE_SHIFT} pages that are no page tables stay reserved for them",
                "map-memory",
                buffer=read_buffer(guest),
            )
        case _:
            return None


def _page_fault(guest: Guest, kind: str, what: str, pages: tuple[Pfn, ...]) -> Fault:
    first = pages[0]
    mfn = guest.frames.p2m(first)
    return Fault(
        kind=kind,
        message=f"{len(pages)} {what}: pfn {format_pages(pages)}",
        stage="end of boot",
        pfn=first,
        mfn=mfn,
        va=guest.memory.geometry.page_offset + (first << PAGE_SHIFT),
        frame=str(guest.frames.describe(mfn)) if mfn is not None else "",
        mappings=_mappings(guest, mfn),
        buffer=read_buffer(guest),
    )


def format_pages(pages: tuple[Pfn, ...]) -> str:
    """Ascending pfns as runs.

    >>> format_pages((Pfn(0x10), Pfn(0x11), Pfn(0x12), Pfn(0x20)))
    '10-12, 20'
    """
    runs: list[tuple[int, int]] = []
    for pfn in pages:
        if runs and runs[-1][1] == pfn - 1:
            runs[-1] = (runs[-1][0], pfn)
        else:
            runs.append((pfn, pfn))
    words = [f"{first:x}" if first == last else f"{first:x}-{last:x}" for first, last in runs[:_PAGES_SHOWN]]
    if len(runs) > _PAGES_SHOWN:
        words.append("…")
    return ", ".join(words)


def _is_refusal(guest: Guest, error: MachineFault) -> bool:
    """Whether the fault is about the hypervisor's latest answer, not about an access or an older refusal."""
    return isinstance(error, PtwrRefused) or (guest.refused and not isinstance(error, (ReadOnlyWrite, NotPresent)))


def _kind(guest: Guest, error: MachineFault, *, refused: bool) -> str:
    if isinstance(error, PtwrRefused):
        return "xen-refused-ptwr"
    if refused:
        return f"xen-refused-{guest.hypercall}".replace(" ", "-")
    return error.kind


def _operation(guest: Guest, error: MachineFault, *, refused: bool) -> str:
    if isinstance(error, PtwrRefused):
        return f"emulated write of {error.value:#x} to slot {error.slot:#x} of the page table at va {error.va:#x}"
    if isinstance(error, ReadOnlyWrite):
        return f"write to va {error.va:#x}"
    if isinstance(error, NotPresent):
        return f"{'write to' if error.write else 'read of'} va {error.va:#x}"
    return guest.request if refused else ""


def _mappings(guest: Guest, mfn: Mfn | None) -> tuple[MappingInWords, ...]:
    if mfn is None:
        return ()
    geometry = guest.memory.geometry
    entries = tuple(islice(guest.frames.mappings_of(mfn), _MAPPINGS_SHOWN))
    views = _views(guest, {entry.table for entry in entries})
    found: list[MappingInWords] = []
    for entry in entries:
        bases = views[entry.table]
        direct = (base for base in bases if base >= geometry.page_offset and base < geometry.kernel_map)
        base = next(direct, bases[0] if bases else None)
        va = None if base is None else base + (entry.slot << PAGE_SHIFT)
        place = (entry.table, entry.slot * geometry.entry_words)
        found.append(MappingInWords(guest.frames.m2p(entry.table), entry.slot, entry.writable, va, place))
    return tuple(found)


def _views(guest: Guest, tables: set[Mfn]) -> dict[Mfn, list[int]]:
    """The addresses at which the current tables lead to slot 0 of each of the L1 `tables`, ascending."""
    views: dict[Mfn, list[int]] = {table: [] for table in tables}
    for table, base in _leaf_tables(guest):
        if table in views:
            views[table].append(base)
    return views


def _leaf_tables(guest: Guest) -> Iterator[tuple[Mfn, int]]:
    """Every L1 table that the current root leads to, with the address that its slot 0 translates."""
    geometry, paging = guest.memory.geometry, guest.memory.paging
    if paging.root is None:
        return
    sign = 1 << (geometry.va_bits - 1)
    todo = [(paging.root, LEVELS, 0)]
    while todo:
        table, level, base = todo.pop(0)
        if level == 1:
            yield table, base - 2 * sign + (1 << 64) if base & sign else base
            continue
        for slot, entry in enumerate(paging.frame(table).tolist()[:: geometry.entry_words]):
            hidden = level == LEVELS and slot in geometry.reserved_l4_slots
            if entry & PRESENT and not entry & PSE and not hidden:
                todo.append((mfn_of(entry), level - 1, base + slot * geometry.span(level)))
