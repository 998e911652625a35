"""What a fault comes from, said in sentences that follow from the facts alone."""

from kpatch_tools.core.ids import Pfn
from kpatch_tools.model.boot.buffers import BufferValues
from kpatch_tools.model.explain import Fault

_BUILDING = "map-memory"
_READ_ONLY_FAULTS = ("left-over-read-only", "read-only-write")


def read_fault(fault: Fault) -> tuple[str, ...]:
    """Sentences about the page, the table buffer, and the order of things; empty where nothing is known of these."""
    if fault.pfn is None:
        return ()
    text: list[str] = []
    for mapping in fault.mappings:
        if not mapping.writes:
            continue
        last = mapping.writes[-1]
        # Later on the buffer is history, and its pages are like any other.
        place = _place(fault.pfn, last.buffer) if last.stage == _BUILDING else ""
        if place:
            how = "writable" if mapping.writable else "read-only"
            text.append(f"When pfn {fault.pfn:x} was mapped {how}, during {last.stage}, it was {place}.")
    now = _place(fault.pfn, fault.buffer)
    again = fault.types[-1] if fault.types and fault.types[-1].stage != _BUILDING else None
    if _is_spare(fault.pfn, fault.buffer) and again is not None and again.level:
        text.append(
            f"It was a spare page of the table buffer, was free again, and became an L{again.level} page table "
            f"during {again.stage}."
        )
    elif _is_spare(fault.pfn, fault.buffer) and fault.stage != _BUILDING:
        text.append("It was never handed out: it is a spare page of the table buffer.")
    elif now:
        text.append(f"At the fault it is {now}.")
    if fault.kind in _READ_ONLY_FAULTS and _is_spare(fault.pfn, fault.buffer):
        text.append("Spare pages of the buffer were mapped read-only and handed back without being made writable.")
    elif fault.kind == "xen-refused-pin" and any(mapping.writable for mapping in fault.mappings):
        text.append("Xen makes no page table of a page that is mapped writable anywhere, and this one is.")
    elif fault.kind.startswith("xen-refused") and "page table" in fault.frame and "not a page table" not in fault.frame:
        text.append("Xen lets nobody map a live page table writable, and this page is one.")
    return tuple(dict.fromkeys(text))


def _is_spare(pfn: Pfn, buffer: BufferValues | None) -> bool:
    return buffer is not None and buffer.end <= pfn < buffer.top


def _place(pfn: Pfn, buffer: BufferValues | None) -> str:
    """Where the page lies with respect to the buffer's marks; empty where there is no buffer or the page is far."""
    if buffer is None or not buffer.start <= pfn < buffer.top:
        return ""
    _, end, top = buffer.names
    if pfn == buffer.end:
        return f"{end} itself, the next page to be handed out as a table"
    if pfn > buffer.end:
        ahead = pfn - buffer.end
        return f"a spare page of the table buffer, {ahead} page{'' if ahead == 1 else 's'} past {end} and below {top}"
    if pfn == buffer.end - 1:
        return f"{end} - 1, the page handed out last"
    return f"below {end}, handed out as a table"
