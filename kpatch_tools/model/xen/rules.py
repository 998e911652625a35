"""The rules, as a table to read: which function is the rule, where it comes from, what it states.

The sources were read at Xen's release tag 4.17.5, the version that the measured boots ran; the same functions stand in
staging c447b7308b. `kpt model rules` prints this table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import l1, mmuext, pte, ptwr, segment, tables, update
from .refusal import RuleId

_MM = "xen@RELEASE-4.17.5:xen/arch/x86/mm.c#"
_PV = "xen@RELEASE-4.17.5:xen/arch/x86/pv/"


@dataclass(frozen=True, slots=True)
class Rule:
    """`function` does it, `source` is project@revision:path#symbol, `statement` is the rule in one sentence.

    `also` are functions that apply the rule without calling `function`: short cuts, and the rule's other halves.
    """

    id: RuleId
    function: Callable[..., Any]
    source: str
    statement: str
    also: tuple[Callable[..., Any], ...] = ()


RULES: tuple[Rule, ...] = (
    Rule(
        RuleId.FRAME_TYPE,
        tables.get_page_type,
        _MM + "_get_page_type",
        "A frame has a general count and a type count; the type changes only while that is 0, else -EINVAL.",
    ),
    Rule(
        RuleId.WRITABLE_MAPPING,
        l1.get_writable_mapping,
        _MM + "get_page_from_l1e",
        "A present L1 entry with RW takes a writable type reference, whatever the levels above say; else -EBUSY.",
        also=(l1.promote_plain_table,),
    ),
    Rule(
        RuleId.READ_ONLY_MAPPING,
        l1.get_read_only_mapping,
        _MM + "get_page_from_l1e",
        "A present L1 entry without RW takes a general reference only.",
    ),
    Rule(
        RuleId.ENTRY_FLAGS,
        pte.check_flags,
        _MM + "base_disallow_mask",
        "L1 entries may not have bit 62; upper entries may not have PWT, PCD, PSE or GLOBAL: -EINVAL.",
    ),
    Rule(
        RuleId.ADJUST_ENTRY,
        pte.adjust_l1,
        _PV + "mm.h#adjust_guest_l1e",
        "Present entries are stored with USER; L1 entries that had no USER are marked as the kernel's (bit 52).",
        also=(pte.adjust_upper, l1.promote_plain_table),
    ),
    Rule(
        RuleId.PIN,
        mmuext.pin_table,
        _MM + "do_mmuext_op",
        "A pin is one type reference and a flag; pins do not nest: -EINVAL.",
    ),
    Rule(
        RuleId.UNPIN,
        mmuext.unpin_table,
        _MM + "do_mmuext_op",
        "Only a pinned frame can be unpinned, else -EINVAL; the pin's type reference goes.",
    ),
    Rule(
        RuleId.VALIDATE_L1,
        l1.promote_l1_table,
        _MM + "promote_l1_table",
        "A frame becomes an L1 table only if all its entries are acceptable; on failure what was taken is dropped.",
    ),
    Rule(
        RuleId.VALIDATE_UPPER,
        tables.promote_upper_table,
        _MM + "promote_l2_table",
        "The same for L2 to L4, recursively: every table below must be, or become, a table of its level.",
    ),
    Rule(
        RuleId.DEVALIDATE,
        tables.devalidate_page,
        _MM + "devalidate_page",
        "When the type count of a page table falls to 0, everything that its entries hold is dropped; the label stays.",
    ),
    Rule(
        RuleId.LINEAR_TABLE,
        tables.get_linear_pagetable,
        _MM + "define_get_linear_pagetable",
        "An upper entry may point to a table of its own level: read-only, already validated, one step deep.",
    ),
    Rule(
        RuleId.MOD_L1,
        update.mod_l1_entry,
        _MM + "mod_l1_entry",
        "Take the new entry's reference, store it, drop the old one's; a change of harmless flags takes none.",
    ),
    Rule(
        RuleId.MOD_UPPER,
        update.mod_upper_entry,
        _MM + "mod_l2_entry",
        "The same for an entry of an L2, L3 or L4 table; the table that goes may be de-validated.",
    ),
    Rule(
        RuleId.RESERVED_SLOTS,
        tables.is_reserved,
        "xen@RELEASE-4.17.5:xen/arch/x86/include/asm/x86_64/page.h#is_guest_l4_slot",
        "L4 slots 256 to 271 are Xen's: overwritten on validation, and never the guest's to change.",
    ),
    Rule(
        RuleId.PTWR,
        ptwr.ptwr_page_fault,
        _PV + "ro-page-fault.c#ptwr_do_page_fault",
        "A trapped, aligned store to a validated L1 table is emulated; any acceptable entry goes, zero included.",
    ),
    Rule(
        RuleId.WRITE_PROTECT,
        ptwr.guest_page_fault,
        _PV + "ro-page-fault.c#pv_ro_page_fault",
        "Any other write through a read-only mapping is the guest's page fault: CR0.WP is set.",
    ),
    Rule(
        RuleId.MMU_UPDATE,
        update.mmu_update,
        _MM + "do_mmu_update",
        "A request acts by the current type of the frame it names; elsewhere it is a plain write.",
    ),
    Rule(
        RuleId.MACHPHYS_UPDATE,
        update.machphys_update,
        _MM + "do_mmu_update",
        "The machine-to-physical entry of a frame of the domain can be set.",
    ),
    Rule(
        RuleId.UPDATE_VA_MAPPING,
        update.update_va_mapping,
        _MM + "__do_update_va_mapping",
        "The L1 entry that maps an address in the current tables is updated; without one, -EINVAL.",
    ),
    Rule(
        RuleId.BASEPTR,
        mmuext.new_baseptr,
        _MM + "new_guest_cr3",
        "The kernel's base pointer holds an L4 reference; the old one's goes.",
    ),
    Rule(
        RuleId.USER_BASEPTR,
        mmuext.new_user_baseptr,
        _MM + "do_mmuext_op",
        "The user-mode base pointer holds an L4 reference, unless it is 0.",
    ),
    Rule(
        RuleId.TLB_FLUSH,
        mmuext.flush,
        _MM + "do_mmuext_op",
        "Flushes succeed and change nothing: the modelled TLB is never stale.",
    ),
    Rule(
        RuleId.LDT,
        mmuext.set_ldt,
        _MM + "do_mmuext_op",
        "The LDT's pages become descriptor pages when they are first used, until the LDT or the base pointer changes.",
        also=(mmuext.map_ldt_page,),
    ),
    Rule(
        RuleId.GDT,
        mmuext.set_gdt,
        _PV + "descriptor-tables.c#pv_set_gdt",
        "Every frame of the GDT must be, or become, a descriptor page; else none is taken.",
    ),
    Rule(
        RuleId.SEGMENT_DESCRIPTORS,
        segment.validate_segdesc_page,
        _PV + "descriptor-tables.c#validate_segdesc_page",
        "A descriptor page holds only descriptors that cannot hurt Xen; privilege levels are fixed up.",
        also=(mmuext.update_descriptor,),
    ),
    Rule(
        RuleId.OWNER,
        tables.get_page,
        _MM + "get_page",
        "Only frames of the domain can be page tables or mapped; others: -EINVAL for tables, -EBUSY for mappings.",
        also=(l1.refuse_mapping,),
    ),
    Rule(
        RuleId.IOMEM,
        l1.map_iomem,
        _MM + "get_page_from_l1e",
        "I/O memory that the domain may use is mapped without a reference, and uncached.",
    ),
)
