"""slot-signature: what is put into a slot has the slot's type.

Why: C compilers only warn about an incompatible function pointer, and the call then passes garbage.
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check, includes_after
from kpatch_tools.checks.prototypes import find_prototypes, parse_prototype, same_type
from kpatch_tools.checks.slots import survey_slots
from kpatch_tools.core.finding import Finding, Status

ID = "slot-signature"


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each new default or override whose prototype, where one is in sight, differs."""
    survey = survey_slots(change)
    references = tuple(survey.new_references())
    if not references:
        yield Finding(ID, Status.SKIP, "the patch puts nothing into a slot")
        return
    includes = includes_after(change)
    for table, slot, reference in references:
        wanted = parse_prototype(slot.signature.encode())
        found = find_prototypes(includes, reference.location.file, reference.function)
        name = f"{table.name}.{slot.path}"
        place = (reference.location.file, reference.location.line)
        if wanted is None or not found:
            yield Finding(
                ID, Status.SKIP, f"no prototype of {reference.function} in sight to compare with {name}", *place
            )
        elif any(same_type(includes, place[0], wanted, prototype) for prototype in found):
            yield Finding(ID, Status.PASS, f"{reference.function} has the type of {name}", *place)
        else:
            message = f"{reference.function} is {found[0]}, but {name} is {wanted}"
            yield Finding(ID, Status.FAIL, message, *place)


CHECK = Check(ID, "what is put into a slot has its type", run)
