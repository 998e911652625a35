"""Xen's page-table rules, one small cited function each."""

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
from .refusal import Errno, Refusal, RuleId
from .rules import RULES, Rule
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
    "Xen",
]
