"""Pseudo-physical to machine frames and back: arch/x86/xen/p2m.c, and Xen's read-only machine-to-physical table."""

from kpatch_tools.model.boot.guest import INVALID_P2M_ENTRY, Guest, Primitives


def primitives(guest: Guest) -> Primitives:
    def set_phys_to_machine(pfn: int, mfn: int) -> int:
        guest.p2m_updates[pfn] = mfn
        return 1

    def mfn_to_pfn(mfn: int) -> int:
        pfn = guest.xen.m2p(mfn)
        return INVALID_P2M_ENTRY if pfn is None else pfn

    return {
        "get_phys_to_machine": guest.frame_of,
        "set_phys_to_machine": set_phys_to_machine,
        "__set_phys_to_machine": set_phys_to_machine,
        "mfn_to_pfn": mfn_to_pfn,
        "mfn_to_local_pfn": mfn_to_pfn,
    }
