"""Use case: Xen's modelled rules, and what exercises each: cases, a revision's boots, the boots of real records."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from kpatch_tools.app.exits import Exit
from kpatch_tools.app.targets import kernel_at
from kpatch_tools.app.truth import kernel_source
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model import Layout, Translations, Verdict
from kpatch_tools.model.boot.profile import PROFILE, with_config
from kpatch_tools.model.run import boot, deep_recursion, load_kernel
from kpatch_tools.model.truth import KernelSpec, RealBoot
from kpatch_tools.model.xen import RULES, Rule, RuleId, recording
from kpatch_tools.model.xen.cases import CASES, CaseResult, run_case
from kpatch_tools.syntax.preprocessor_lines import LineCache
from kpatch_tools.tree import KernelTree
from kpatch_tools.workers import divide

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BootUse:
    """The rules that one boot applied; none, and `reason`, where it could not be run to a verdict."""

    id: str
    verdict: Verdict
    rules: frozenset[RuleId] = frozenset()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RuleUse:
    """A rule, with the ids of the cases that apply it, those that apply fewest others first, and of the boots."""

    rule: Rule
    cases: tuple[str, ...]
    boots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RulesReport:
    """Results in the order of CASES, and of the boots asked for."""

    cases: tuple[CaseResult, ...]
    boots: tuple[BootUse, ...] = ()

    @property
    def uses(self) -> tuple[RuleUse, ...]:
        """Every rule once, in the order of RULES."""
        cases = sorted(self.cases, key=lambda result: len(result.rules))
        return tuple(
            RuleUse(
                rule,
                tuple(result.case.id for result in cases if rule.id in result.rules),
                tuple(one.id for one in self.boots if rule.id in one.rules),
            )
            for rule in RULES
        )

    @property
    def without_case(self) -> tuple[RuleId, ...]:
        """Rules that no case exercises: nothing is known to hold them to their word."""
        return tuple(use.rule.id for use in self.uses if not use.cases)

    @property
    def exit(self) -> Exit:
        """PERSON where a case is answered wrongly or a rule has none, else UNDETERMINED where a boot is."""
        if self.without_case or any(result.wrong for result in self.cases):
            return Exit.PERSON
        undetermined = any(one.verdict is Verdict.UNDETERMINED for one in self.boots)
        return Exit.UNDETERMINED if undetermined else Exit.DONE


@dataclass(frozen=True, slots=True)
class _Kernel:
    """Boots of one kernel: the id and the layout of each, all with the kernel's image in the same place."""

    make: Callable[[KernelTree], BlobSource]
    config: tuple[tuple[str, str | None], ...] = ()
    boots: list[tuple[str, Layout]] = field(default_factory=list)


def rules_of_model(
    tree: Callable[[], KernelTree],
    *,
    revision: str | None = None,
    layouts: Sequence[Layout] = (),
    records: Sequence[RealBoot] = (),
    translations: Translations | None = None,
    progress: Progress | None = None,
    jobs: int = 2,
) -> RulesReport:
    """Run every case, then boot `revision` on `layouts`, and the kernel of each record on its machine.

    `tree` is asked for only where something is booted. A record whose kernel cannot be made from it is UNDETERMINED.
    Raises KpatchError "unknown-revision", "not-a-kernel-tree".
    """
    report = progress or (lambda _text: None)
    report("running the cases")
    results = tuple(run_case(case) for case in CASES)
    if revision is None and not records:
        return RulesReport(results)
    opened = tree()
    kernels = [*_of_revision(opened, revision, layouts), *_of_records(records)]
    booted: dict[str, BootUse] = {}
    total = sum(len(kernel.boots) for kernel in kernels)
    path = opened.path

    def use(kernel: _Kernel) -> list[BootUse]:
        # A repository that is open does not survive a fork.
        return _boot(KernelTree.open(path), kernel, translations)

    for number, answer in divide(use, kernels, jobs=jobs):
        uses = _undetermined(kernels[number], str(answer)) if isinstance(answer, Exception) else answer
        booted.update((one.id, one) for one in uses)
        report(f"{len(booted)} of {total} boots: {uses[-1].id}")
    ordered = [booted[name] for kernel in kernels for name, _ in kernel.boots]
    places = {record.id: number for number, record in enumerate(records)}
    return RulesReport(results, tuple(sorted(ordered, key=lambda one: places.get(one.id, -1))))


def _of_revision(tree: KernelTree, spelled: str | None, layouts: Sequence[Layout]) -> Iterable[_Kernel]:
    if spelled is None:
        return
    revision = kernel_at(tree, spelled)
    for layout in layouts:
        yield _Kernel(lambda own: own.at(revision), boots=[(f"{spelled} on {layout.name}", layout)])


def _of_records(records: Sequence[RealBoot]) -> Iterable[_Kernel]:
    """The costly ones first, so that no process is at one when all others are done."""
    groups: dict[tuple[KernelSpec, int | None], _Kernel] = {}
    for record in records:
        spec = record.kernel

        def make(own: KernelTree, spec: KernelSpec = spec) -> BlobSource:
            return kernel_source(own, spec)

        group = groups.setdefault((spec, record.layout.image_end), _Kernel(make, spec.config))
        group.boots.append((record.id, record.layout))
    return sorted(groups.values(), key=lambda group: -sum(layout.end for _, layout in group.boots))


def _boot(tree: KernelTree, kernel: _Kernel, translations: Translations | None) -> list[BootUse]:
    """Boot one kernel on each of its machines, and note the rules that each boot applies."""
    image_end = kernel.boots[0][1].image_end
    profile = with_config(PROFILE, dict(kernel.config))
    try:
        guest = load_kernel(kernel.make(tree), image_end, profile=profile, cache=LineCache(), translations=translations)
    except KpatchError as error:
        return _undetermined(kernel, error.message)
    uses = []
    with recording() as counts, deep_recursion():
        for name, layout in kernel.boots:
            counts.clear()
            run = boot(guest, layout)
            uses.append(BootUse(name, run.verdict, frozenset(counts), run.reason))
    return uses


def _undetermined(kernel: _Kernel, reason: str) -> list[BootUse]:
    return [BootUse(name, Verdict.UNDETERMINED, reason=reason) for name, _ in kernel.boots]
