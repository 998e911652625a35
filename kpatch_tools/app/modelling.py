"""The model as the main job uses it: one version of the code on the default layouts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kpatch_tools.backport import LayoutVerdict, Modelling, ModelResult, Verdict
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import DEFAULT_LAYOUTS, Layout, ModelRun, Translations, concerns, run_model
from kpatch_tools.syntax.preprocessor_lines import LineCache


def modelling(
    progress: Callable[[str], None],
    *,
    layouts: tuple[Layout, ...] = DEFAULT_LAYOUTS,
    translations: Translations | None = None,
) -> Modelling:
    """Runs the model on `layouts`; files read once are shared between the versions of one job.

    `translations` spare a later job with the same versions from reading them.
    """
    return _BootModel(layouts, progress, translations)


@dataclass(frozen=True, slots=True)
class _BootModel:
    layouts: tuple[Layout, ...]
    progress: Callable[[str], None]
    translations: Translations | None
    cache: LineCache = field(default_factory=LineCache)

    def concerns(self, paths: Iterable[RepoPath]) -> bool:
        return concerns(paths)

    def run(self, source: BlobSource, *, first: tuple[str, ...] = (), until_fault: bool = False) -> ModelResult:
        ordered = sorted(self.layouts, key=lambda layout: layout.name not in first)
        runs = run_model(
            source,
            ordered,
            progress=self.progress,
            until_fault=until_fault,
            cache=self.cache,
            translations=self.translations,
        )
        reached = tuple(run for run in runs if run.verdict.value != Verdict.NOT_RUN.value)
        return ModelResult(tuple(_verdict(run) for run in reached), "")


def _verdict(run: ModelRun) -> LayoutVerdict:
    why = run.reason
    if run.fault is not None:
        why = "; Xen: ".join((run.fault.lines()[0], *run.fault.refusals[:1]))
    return LayoutVerdict(run.layout.name, Verdict(run.verdict.value), why)
