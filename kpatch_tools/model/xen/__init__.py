"""Xen's page-table rules, one small cited function each.

A reader's path: `rules` (the table of all rules), `cases` (what they promise, as something to run), `state` (what is
counted), `tables` and `l1` (how a frame becomes and ceases to be a page table), `update` and `ptwr` (how entries
change), `mmuext` (pins, base pointers, descriptor tables), `hypervisor` (what a guest sees of it all), `recording`
(which rules a run applied).

Not modelled: preemption of long operations, several processors, ballooning (a domain's frames are fixed), grants,
32-bit and translated guests. Each function says what it omits besides.
"""

from .domain import DOMID_IO, DOMID_SELF, Domain
from .frametype import FrameEvent, FrameState, FrameType
from .hypervisor import Mapping, Xen
from .mmuext import (
    MMUEXT_NEW_BASEPTR,
    MMUEXT_NEW_USER_BASEPTR,
    MMUEXT_PIN_L1_TABLE,
    MMUEXT_PIN_L2_TABLE,
    MMUEXT_PIN_L3_TABLE,
    MMUEXT_PIN_L4_TABLE,
    MMUEXT_SET_LDT,
    MMUEXT_UNPIN_TABLE,
)
from .recording import recording
from .refusal import Errno, Refusal, RuleId
from .rules import RULES, Rule
from .state import SavedState
from .update import MMU_MACHPHYS_UPDATE, MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_PRESERVE_AD

__all__ = [
    "DOMID_IO",
    "DOMID_SELF",
    "MMUEXT_NEW_BASEPTR",
    "MMUEXT_NEW_USER_BASEPTR",
    "MMUEXT_PIN_L1_TABLE",
    "MMUEXT_PIN_L2_TABLE",
    "MMUEXT_PIN_L3_TABLE",
    "MMUEXT_PIN_L4_TABLE",
    "MMUEXT_SET_LDT",
    "MMUEXT_UNPIN_TABLE",
    "MMU_MACHPHYS_UPDATE",
    "MMU_NORMAL_PT_UPDATE",
    "MMU_PT_UPDATE_PRESERVE_AD",
    "RULES",
    "Domain",
    "Errno",
    "FrameEvent",
    "FrameState",
    "FrameType",
    "Mapping",
    "Refusal",
    "Rule",
    "RuleId",
    "SavedState",
    "Xen",
    "recording",
]
