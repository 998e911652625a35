"""What C cannot do here and only bare hardware does: the registers that lead to page tables, and TLB flushes."""

from kpatch_tools.core.ids import Mfn
from kpatch_tools.model.boot.guest import Guest, Primitives
from kpatch_tools.model.boot.primitives import all_primitives
from kpatch_tools.model.machine import PAGE_SHIFT

_CR4 = 0x6B0
"""PSE, PAE, PGE, OSFXSR, OSXMMEXCPT."""


def native_primitives(guest: Guest) -> Primitives:
    """Every primitive of a boot; hypercalls are among them, but nothing reaches them."""
    paging = guest.memory.paging

    def write_cr3(value: int) -> None:
        paging.load_root(Mfn(value >> PAGE_SHIFT))

    def flush(*_arguments: int) -> None:
        paging.flush()

    def flush_page(va: int) -> None:
        paging.readable.pop(va >> PAGE_SHIFT, None)
        paging.writable.pop(va >> PAGE_SHIFT, None)

    def nothing(*_arguments: int) -> None:
        """Stands in slots of every signature: `void (void)` called with arguments, which the machine does not mind."""

    return {
        **all_primitives(guest),
        "write_cr3": write_cr3,
        "native_write_cr3": write_cr3,
        "read_cr4": lambda: _CR4,
        "native_read_cr4": lambda: _CR4,
        "_paravirt_nop": nothing,
        "__native_flush_tlb": flush,
        "__native_flush_tlb_global": flush,
        "local_flush_tlb": flush,
        "__native_flush_tlb_single": flush_page,
    }
