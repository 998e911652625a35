"""slot-declared: every member chain a patch writes on a hook table exists in that table.

Why: an override of `x86_init.mapping.pagetable_reserve` on a tree without `struct x86_init_mapping` does not compile,
although the text applies. Example: `x86_init.mapping.pagetable_reserve = f;` before v2.6.39. Source: the struct's
definition in the tree after the patch, sub-tables followed.
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.checks.slots import has_member, survey_slots
from kpatch_tools.core.finding import Finding, Status

ID = "slot-declared"


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each chain that names no member."""
    survey = survey_slots(change)
    if not survey.tables:
        yield Finding(ID, Status.SKIP, "the patch concerns no hook table")
        return
    tables = {table.name: table for table in survey.tables}
    clean = True
    for mention in survey.mentions():
        if has_member(change.after, tables[mention.table], mention.path):
            continue
        clean = False
        yield Finding(
            ID,
            Status.FAIL,
            f"{mention.table}.{mention.path} is not declared: {tables[mention.table].type} has no such member",
            mention.location.file,
            mention.location.line,
            hint="add the slot's declaration, or its prerequisite",
        )
    if clean:
        yield Finding(ID, Status.PASS, f"every slot written on {', '.join(tables)} is declared")


CHECK = Check(ID, "every slot a patch uses is declared", run)
