"""slot-signature: what is put into a slot has the slot's type.

Why: C compilers only warn about an incompatible function pointer, and the call then passes garbage. Example: a default
`void native_reserve(int size)` in a slot `void (*reserve)(unsigned long start, unsigned long end)`. Compared are the
prototypes that the assignment sees, and the definition where the patch itself touches it; typedefs are resolved.
Source: C11 6.7.6.3, paragraph 15 (compatible function types).
"""

import re
from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check, includes_after
from kpatch_tools.checks.prototypes import Prototype, find_prototypes, parse_prototype, prototypes_in, same_type
from kpatch_tools.checks.slots import SlotSurvey, survey_slots
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.syntax.includes import Includes

ID = "slot-signature"


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each new default or override whose prototype, where one is in sight, differs."""
    survey = survey_slots(change)
    # NULL has no type of its own: it empties the slot, which slot-default judges.
    references = tuple(one for one in survey.new_references() if one[2].function != "NULL")
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
        elif not any(same_type(includes, place[0], wanted, prototype) for prototype in found):
            message = f"{reference.function} is {found[0]}, but {name} is {wanted}"
            hint = "give both the same type; where the slot's type changed, change every default and override with it"
            yield Finding(ID, Status.FAIL, message, *place, hint=hint)
        elif (other := _defined_otherwise(includes, survey, reference.function, wanted)) is not None:
            path, prototype = other
            message = f"{reference.function} is defined as {prototype}, but {name} is {wanted}"
            yield Finding(ID, Status.FAIL, message, path, hint="make the definition agree with its prototype")
        else:
            yield Finding(ID, Status.PASS, f"{reference.function} has the type of {name}", *place)


def _defined_otherwise(
    includes: Includes, survey: SlotSurvey, name: str, wanted: Prototype
) -> tuple[RepoPath, Prototype] | None:
    """A definition in a file of the patch that has another type; the compiler sees no slot there."""
    private = re.compile(rb"\bstatic\b[^;{}()]*\b" + re.escape(name.encode()) + rb"\s*\(")
    for edit in survey.edits:
        if private.search(edit.after or b""):
            continue
        found = prototypes_in(edit.after or b"", name)
        if found and not any(same_type(includes, edit.path, wanted, prototype) for prototype in found):
            return edit.path, found[0]
    return None


CHECK = Check(ID, "what is put into a slot has its type", run)
