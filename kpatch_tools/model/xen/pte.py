"""Flags that Xen gives meaning to in a guest's page-table entries."""

from kpatch_tools.model.machine import ACCESSED, DIRTY, GLOBAL, NX, PAT, PCD, PSE, PWT, USER
from kpatch_tools.model.machine.entry import MFN_MASK

from .refusal import RuleId
from .state import XenState

CACHE_ATTRS = PAT | PCD | PWT
GUEST_KERNEL = 1 << 52
"""Marks a kernel entry: a PV kernel runs in user mode, so USER is set in every entry."""
GNTTAB = 1 << 62
"""Debug builds only: an entry made through a grant."""
AVAIL = 7 << 9
AVAIL_HIGH = 0x7FF << 52

L1_DISALLOWED = GNTTAB
"""For a domain that may map I/O memory, as dom0: cache attributes are allowed."""
UPPER_DISALLOWED = PWT | PCD | PSE | GLOBAL
FLAGS_ONLY = NX | AVAIL_HIGH | AVAIL | GLOBAL | DIRTY | ACCESSED | USER
"""Flags that may change without the entry being checked again."""
INVALID_MFN = MFN_MASK


def flag_word(flags: int) -> int:
    """Flag bits of an entry packed as Xen prints them: bits 0 to 11, then 52 to 63.

    >>> hex(flag_word(GNTTAB)), hex(flag_word(PSE))
    ('0x400000', '0x80')
    """
    return (flags >> 40) & ~0xFFF | flags & 0xFFF


def check_flags(xen: XenState, entry: int, level: int, table: int | None = None) -> bool:
    """Rule entry-flags: whether a present entry of a table of `level` has only flags that a guest may set.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#base_disallow_mask.
    """
    bad = entry & (L1_DISALLOWED if level == 1 else UPPER_DISALLOWED)
    if bad:
        xen.refuse(RuleId.ENTRY_FLAGS, f"Bad L{level} flags {flag_word(bad):x}", table)
    return not bad


def adjust_l1(entry: int) -> int:
    """Rule adjust-entry: what Xen stores for a present L1 entry of a 64-bit guest.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/mm.h#adjust_guest_l1e.
    Omitted: the warning about global kernel entries.

    >>> [hex(adjust_l1(entry)) for entry in (0x1063, 0x1067)]
    ['0x10000000001067', '0x1167']
    """
    if not entry & USER:
        return entry | GUEST_KERNEL | USER
    return entry if entry & GUEST_KERNEL else entry | GLOBAL


def adjust_upper(entry: int) -> int:
    """Rule adjust-entry for a present L2, L3 or L4 entry.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/pv/mm.h#adjust_guest_l2e.
    """
    return entry | USER


def flags_only(old: int, new: int) -> bool:
    """Whether two entries map the same frame with the same rights: no reference need change.

    Source: xen@RELEASE-4.17.5:xen/arch/x86/mm.c#FASTPATH_FLAG_WHITELIST.

    >>> flags_only(0x1067, 0x1027), flags_only(0x1067, 0x1065), flags_only(0x1067, 0x2067)
    (True, False, False)
    """
    return not (old ^ new) & ~FLAGS_ONLY
