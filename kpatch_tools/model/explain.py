"""A fault in words: what was refused, to which C code, and who maps the frame."""

from dataclasses import dataclass, replace

from kpatch_tools.core.ids import Mfn, Pfn

from .boot.guest import Guest
from .cexec import CallFrame
from .machine import PAGE_SHIFT, MachineFault, NotPresent, PtwrRefused, ReadOnlyWrite
from .oracles import EndState, Verdict

_MAPPINGS_SHOWN = 6
_PAGES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class MappingInWords:
    """One live L1 entry that maps the frame.

    `va` is None where the direct map does not lead to the entry: an alias, or a table that is not hooked in yet.

    `entry_of` is the entry's place, (table, word). `written_by` are the C calls that last wrote the entry, innermost
    first; empty if that was not looked for, or was no C code.
    """

    table: Pfn | None
    slot: int
    writable: bool
    va: int | None
    entry_of: tuple[Mfn, int]
    written_by: tuple[CallFrame, ...] = ()

    def __str__(self) -> str:
        where = f"at {self.va:#x}" if self.va is not None else "where the direct map does not lead (yet)"
        table = f"pfn {self.table:05x}" if self.table is not None else "a foreign frame"
        return f"{'writable' if self.writable else 'read-only'} {where}: slot {self.slot:#x} of the L1 table in {table}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a layout is not OK.

    `kind` is stable: "xen-refused-pin", "xen-refused-update_va_mapping", "xen-refused-mmu_update" (and the BUG that
    follows), "xen-refused-ptwr", "read-only-write", "not-present", "bug", "panic", "shutdown"; and what the sweep
    over free memory found: "left-over-read-only", "unreserved-table", "unmapped-page", "leaked-pages".
    `stage` is the boot stage. `chain` are the C calls, innermost first. `refusals` are Xen's lines, the cause first.
    `pfn`, `mfn`, `va` are None where the fault has none; `frame` says what the frame was at that moment.
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

    def lines(self) -> tuple[str, ...]:
        """The fault as text, one line per fact."""
        text = [f"{self.message} (during {self.stage})"]
        text += [f"Xen: {line}" for line in self.refusals]
        if self.frame:
            text.append(f"frame: {self.frame}")
        for mapping in self.mappings:
            text.append(f"mapped {mapping}")
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
                f"{leaked >> PAGE_SHIFT} spare pages of the page-table buffer stay reserved",
                "map-memory",
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


class Writers:
    """Watches entries while a boot is repeated: the C calls that wrote each of them last."""

    def __init__(self, guest: Guest, fault: Fault) -> None:
        self._guest = guest
        self._fault = fault
        self._last: dict[tuple[Mfn, int], tuple[CallFrame, ...]] = {}
        guest.memory.watch({mapping.entry_of for mapping in fault.mappings}, self._written)

    def _written(self, table: Mfn, word: int, _value: int) -> None:
        self._last[table, word] = self._guest.program.call_chain()

    def finish(self) -> Fault:
        """The fault with what was seen; the watch ends."""
        self._guest.memory.unwatch()
        mappings = tuple(
            replace(mapping, written_by=self._last.get(mapping.entry_of, ())) for mapping in self._fault.mappings
        )
        return replace(self._fault, mappings=mappings)


def _is_refusal(guest: Guest, error: MachineFault) -> bool:
    """Whether the fault is about the hypervisor's latest answer, not about an access or an older refusal."""
    return isinstance(error, PtwrRefused) or (guest.refused and not isinstance(error, (ReadOnlyWrite, NotPresent)))


def _kind(guest: Guest, error: MachineFault, *, refused: bool) -> str:
    if isinstance(error, PtwrRefused):
        return "xen-refused-ptwr"
    if refused:
        return f"xen-refused-{guest.hypercall}".replace(" ", "-")
    return error.kind


def _mappings(guest: Guest, mfn: Mfn | None) -> tuple[MappingInWords, ...]:
    if mfn is None:
        return ()
    geometry = guest.memory.geometry
    found: list[MappingInWords] = []
    for mapping in guest.frames.mappings_of(mfn):
        pfn = guest.frames.m2p(mfn)
        va = None if pfn is None else geometry.page_offset + (pfn << PAGE_SHIFT)
        if va is not None:
            walk = guest.memory.paging.walk(va)
            if (walk.table, walk.word) != (mapping.table, mapping.slot * geometry.entry_words):
                va = None
        place = (mapping.table, mapping.slot * geometry.entry_words)
        found.append(MappingInWords(guest.frames.m2p(mapping.table), mapping.slot, mapping.writable, va, place))
        if len(found) == _MAPPINGS_SHOWN:
            break
    return tuple(found)
