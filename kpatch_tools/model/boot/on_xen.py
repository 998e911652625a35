"""The platform that a paravirtual dom0 boots on."""

from collections.abc import Callable

from kpatch_tools.model.layouts import PAGE_SIZE, Layout, MemoryType
from kpatch_tools.model.trace import BecameTable, Tracer, ignore
from kpatch_tools.model.xen import Domain, FrameEvent, Xen

from .guest import Guest, Primitives
from .machine import Machine
from .platform import Platform
from .primitives import all_primitives
from .stages import STAGES, xen_setup_shared_info


def _start(guest: Guest, tracer: Tracer) -> None:
    guest.xen = Xen(
        guest.memory,
        domain_for(guest.layout, guest.machine),
        call_chain=guest.program.call_chain,
        on_event=_announce_tables(guest, tracer),
    )
    guest.frames = guest.xen


def _primitives(guest: Guest) -> Primitives:
    return {**all_primitives(guest), "xen_setup_shared_info": xen_setup_shared_info(guest)}


def domain_for(layout: Layout, machine: Machine) -> Domain:
    """dom0 with its pages; what lies between RAM and reserved ranges was given back to Xen, and is I/O if anything."""
    pages = max(layout.pages, *(entry.end // PAGE_SIZE for entry in layout.usable if entry.end <= machine.low_end))
    io = tuple(
        (entry.start // PAGE_SIZE, -(-entry.end // PAGE_SIZE))
        for entry in layout.ranges
        if entry.type is not MemoryType.USABLE
    )
    isa = (machine.isa_usable_end // PAGE_SIZE, machine.isa_end // PAGE_SIZE)
    return Domain(nr_pages=pages, holes=_given_back(layout, machine), iomem=(isa, *io))


def _given_back(layout: Layout, machine: Machine) -> tuple[tuple[int, int], ...]:
    """pfns in gaps of the map above 1 MiB: xen_memory_setup returns their frames to Xen."""
    gaps = []
    position = machine.isa_end // PAGE_SIZE
    for entry in layout.ranges:
        start = min(entry.start // PAGE_SIZE, layout.pages)
        if start > position:
            gaps.append((position, start))
        position = max(position, -(-entry.end // PAGE_SIZE))
    return tuple(gaps)


def _announce_tables(guest: Guest, tracer: Tracer) -> Callable[[FrameEvent], None] | None:
    if tracer is ignore:
        return None

    def announce(event: FrameEvent) -> None:
        if event.what in ("validated", "devalidated") and event.type.level:
            level = event.type.level if event.what == "validated" else 0
            tracer(BecameTable(guest.xen.m2p(event.mfn), level))

    return announce


XEN = Platform(
    name="xen",
    stands_for="PV dom0 of Xen 4.17",
    stages=STAGES,
    primitives=_primitives,
    start=_start,
    needs=("CONFIG_XEN",),
)
