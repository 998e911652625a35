"""slot-default: a new slot that is called without a NULL test has a default.

Why: x86_init.c's initialiser is what a native machine runs; a slot it leaves out is a NULL pointer there.
Example: `.mapping = { .pagetable_reserve = … }` lost from x86_init.c: native machines jump to 0. Source: the table's
initialiser, the slot's calls and its NULL tests, in the tree after the patch.
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.slots import NO_NEW_SLOT, named_new_slots
from kpatch_tools.core.finding import Finding, Status

ID = "slot-default"


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each new slot that is called, has no default and is never tested."""
    new = named_new_slots(change)
    if not new:
        yield Finding(ID, Status.SKIP, NO_NEW_SLOT)
        return
    for table, slot, name in new:
        default = slot.default
        if default is not None and default.function != "NULL":
            yield Finding(ID, Status.PASS, f"{name} defaults to {default.function}", default.location.file)
        elif slot.call_sites and not slot.guards:
            place = slot.call_sites[0]
            message = f"{name} is called without a NULL test and has no default"
            yield Finding(ID, Status.FAIL, message, place.file, place.line, hint=f"give it one in {table.file}")
        else:
            yield Finding(ID, Status.PASS, f"{name} has no default and is never called untested", slot.location.file)


CHECK = Check(ID, "a new slot has a default", run)
