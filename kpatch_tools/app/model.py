"""Use case: execute a revision's own page-table code, with or without a patch."""

from collections.abc import Callable
from dataclasses import dataclass

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.targets import kernel_at, patched
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import XEN, Layout, ModelRun, Platform, Profile, Translations, Verdict, run_model
from kpatch_tools.patch import Patch
from kpatch_tools.tree import KernelTree, Revision


@dataclass(frozen=True, slots=True)
class ModelReport:
    """One run a layout, in the layouts' order."""

    revision: Revision
    patched: bool
    runs: tuple[ModelRun, ...]

    @property
    def exit(self) -> Exit:
        """PERSON where a run faults, else UNDETERMINED where one has no verdict."""
        verdicts = {run.verdict for run in self.runs}
        if verdicts == {Verdict.OK}:
            return Exit.DONE
        return Exit.PERSON if verdicts - {Verdict.OK, Verdict.UNDETERMINED, Verdict.NOT_RUN} else Exit.UNDETERMINED


def run_revision(
    tree: KernelTree,
    revision: str,
    layouts: tuple[Layout, ...],
    *,
    patch: Patch | None = None,
    progress: Callable[[str], None] | None = None,
    translations: Translations | None = None,
    platform: Platform = XEN,
    profile: Profile | None = None,
) -> ModelReport:
    """Run the tree at `revision`, with `patch` applied in memory where given, on each of `layouts`.

    On `platform`, as a kernel built for `profile` (None: as is usual there). `translations` spare a later run of the
    same tree most of its start.

    Raises KpatchError "unknown-revision", and "patch-does-not-apply" naming the first reject.
    """
    target = kernel_at(tree, revision)
    source: BlobSource = tree.at(target)
    if patch is not None:
        source = patched(source, patch, revision)
    runs = run_model(
        source,
        layouts,
        progress=progress,
        history=True,
        platform=platform,
        profile=profile,
        translations=translations,
    )
    return ModelReport(target, patch is not None, runs)
