"""hook-complete: a patch that brings part of a bundled hook brings all of it.

Why: mail shows one file of five (the override, say), and the rest is nowhere. Judged by the code that results, so a
part that an earlier patch brought counts. Example: xen/mmu.c's override without x86_init's slot. Source: the parts
that each bundled hook's specification lists.
"""

from collections.abc import Iterator

from kpatch_tools.checks.check import Change, Check
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.hooks import HOOKS, load_hook

ID = "hook-complete"


def run(change: Change) -> Iterator[Finding]:
    """A FAIL for each bundled hook of which the tree has parts after the change, and did not have these before."""
    reported = False
    for spec in map(load_hook, HOOKS):
        files = {spec.table_header, spec.table_file, spec.prototype_header, spec.call_file, spec.override_file}
        if not files & set(change.touched):
            continue
        from kpatch_tools.hooks import PresenceState, probe_presence  # few patches need it, and it takes long

        after = probe_presence(change.after, spec)
        before = probe_presence(change.before, spec)
        if after.state is before.state:
            continue
        reported = True
        if after.state is PresenceState.PARTIAL:
            missing = ", ".join(f"{part.name} ({part.file})" for part in after.missing)
            yield Finding(
                ID,
                Status.FAIL,
                f"only a part of the hook {spec.path} would be there; missing: {missing}",
                after.missing[0].file,
                hint=f"kpt generate {spec.name} --for REV writes all of it for a tree that has none",
            )
        elif after.state is PresenceState.PRESENT:
            yield Finding(ID, Status.PASS, f"every part of the hook {spec.path} is there")
        else:
            yield Finding(ID, Status.PASS, f"the hook {spec.path} is gone as a whole")
    if not reported:
        yield Finding(ID, Status.SKIP, "the patch brings no part of a bundled hook")


CHECK = Check(ID, "a bundled hook is brought as a whole", run)
