"""Use case: a revision, with or without a patch, on every memory map of the scaled machine up to a bound."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.targets import kernel_at, patched
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import Translations, Verdict
from kpatch_tools.model.sweep import MAX_BOUND, Journal, SweepReport, run_sweep
from kpatch_tools.patch import Patch
from kpatch_tools.tree import KernelTree, Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRequest:
    """What to sweep. `journal` is the file that results are kept in; they are used again with `resume`."""

    revision: str
    bound: int
    journal: Path
    patch: Patch | None = None
    jobs: int = 2
    resume: bool = False
    until_fault: bool = False
    confirm: bool = True


@dataclass(frozen=True, slots=True)
class RevisionSweep:
    """A sweep and what was swept."""

    revision: Revision
    patched: bool
    report: SweepReport

    @property
    def exit(self) -> Exit:
        """PERSON where a layout faults; UNDETERMINED where one has no verdict, or faults in a way not confirmed."""
        if self.report.is_faulty:
            return Exit.PERSON
        return Exit.DONE if set(self.report.counts) == {Verdict.OK} else Exit.UNDETERMINED


def sweep_revision(
    tree: KernelTree,
    request: SweepRequest,
    *,
    progress: Callable[[str], None] | None = None,
    translations: Translations | None = None,
) -> RevisionSweep:
    """Boot `request.revision` on all layouts up to the bound.

    Raises KpatchError "unknown-revision"; "patch-does-not-apply" naming the first reject; "bad-bound"; and
    "journal-unreadable", "journal-unwritable".
    """
    if not 1 <= request.bound <= MAX_BOUND:
        raise KpatchError(
            "bad-bound", f"{request.bound} is no bound", hint=f"a bound is a number from 1 to {MAX_BOUND}"
        )
    target = kernel_at(tree, request.revision)
    source: BlobSource = tree.at(target)
    if request.patch is not None:
        source = patched(source, request.patch, request.revision)
    report = run_sweep(
        source,
        request.bound,
        jobs=request.jobs,
        journal=Journal(request.journal),
        resume=request.resume,
        until_fault=request.until_fault,
        confirm=request.confirm,
        progress=progress,
        translations=translations,
    )
    return RevisionSweep(target, request.patch is not None, report)
