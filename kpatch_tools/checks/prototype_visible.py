"""prototype-visible: a function put into a slot is declared where it is put there.

Why: an undeclared function in an initialiser does not compile. Example: `.pagetable_reserve = native_pagetable_reserve`
in x86_init.c without the prototype in pgtable_types.h. Source: the file itself and every header it includes.
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check, includes_after
from kpatch_tools.checks.lines import parse
from kpatch_tools.checks.prototypes import find_prototypes
from kpatch_tools.checks.slots import survey_slots
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.syntax.symbols import declared_names

ID = "prototype-visible"


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each new default or override that no declaration precedes in its translation unit."""
    survey = survey_slots(change)
    clean = True
    references = tuple(survey.new_references())
    if not references:
        yield Finding(ID, Status.SKIP, "the patch puts nothing into a slot")
        return
    for table, slot, reference in references:
        path, name = reference.location.file, reference.function
        if not name.isidentifier() or name == "NULL" or find_prototypes(includes_after(change), path, name):
            continue
        if name in declared_names(parse(change.after.read(path) or b"")):
            continue
        clean = False
        yield Finding(
            ID,
            Status.FAIL,
            f"{name} is put into {table.name}.{slot.path} but not declared in {path} nor in any header it includes",
            path,
            reference.location.line,
            hint="add its prototype to a header that this file includes",
        )
    if clean:
        yield Finding(ID, Status.PASS, "every function put into a slot is declared there")


CHECK = Check(ID, "a function put into a slot is declared there", run)
