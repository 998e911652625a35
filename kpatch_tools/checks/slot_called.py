"""slot-called: a new slot has a call site.

Why: a hook that nothing calls changes nothing; half of a patch was lost, or never written.
Example: the slot, its default and its override without the line in init_memory_mapping. Source: the calls of the tree
after the patch, through the table or a pointer to it; a slot handed to a macro or copied counts as used.
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.slots import NO_NEW_SLOT, find_member_call, named_new_slots
from kpatch_tools.core.finding import Finding, Status

ID = "slot-called"


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each new slot without any call."""
    new = named_new_slots(change)
    if not new:
        yield Finding(ID, Status.SKIP, NO_NEW_SLOT)
        return
    for _, slot, name in new:
        if slot.call_sites:
            place = slot.call_sites[0]
            where = f" in {place.function}" if place.function else ""
            yield Finding(ID, Status.PASS, f"{name} is called{where}", place.file, place.line)
        elif slot.guards:
            # Handed to a macro (PVOP_CALL1) or copied: whether that ends in a call is more than this check knows.
            place = slot.guards[0]
            yield Finding(ID, Status.PASS, f"{name} is read in {place.function or place.file}", place.file, place.line)
        elif (call := find_member_call(change, slot.path.rpartition(".")[2])) is not None:
            where = call.function or call.file
            yield Finding(ID, Status.PASS, f"{name} is called through a pointer in {where}", call.file, call.line)
        else:
            hint = "call it where the default's code ran before; the rest of the patch may be missing"
            yield Finding(ID, Status.FAIL, f"{name} is never called", slot.location.file, slot.location.line, hint=hint)


CHECK = Check(ID, "a new slot has a call site", run)
