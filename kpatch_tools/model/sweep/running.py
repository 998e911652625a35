"""The sweep: one kernel on every layout up to a bound, and what remains of its failures when all else is taken away."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.source import BlobSource
from kpatch_tools.model.boot.guest import Guest
from kpatch_tools.model.boot.machine import REAL_MACHINE, Machine
from kpatch_tools.model.cexec import Unsupported
from kpatch_tools.model.layouts import PAGE_SIZE, Layout
from kpatch_tools.model.oracles import Verdict
from kpatch_tools.model.run import boot, deep_recursion, load_kernel
from kpatch_tools.model.scaled import SCALED, unscaled_literals
from kpatch_tools.model.translations import Translations
from kpatch_tools.syntax.preprocessor_lines import LineCache

from .booting import Booting, Kernels, boot_layout
from .confirm import Counterexample, try_for_real
from .enumeration import DEFAULT_BOUND, Enumeration, enumerate_shapes
from .journal import Journal
from .outcome import FaultClass, Outcome
from .shapes import Shape, scaled_layout
from .shrink import shrink

Progress = Callable[[str], None]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What a sweep found. `outcomes` belong to `enumeration.shapes` by position; NOT_RUN where it ended early.

    `booted` layouts took `seconds`; `remembered` were in the journal. `reason` says why nothing could be run at all.
    """

    machine: Machine
    enumeration: Enumeration
    outcomes: tuple[Outcome, ...]
    counterexamples: tuple[Counterexample, ...] = ()
    booted: int = 0
    remembered: int = 0
    seconds: float = 0.0
    reason: str = ""

    @property
    def counts(self) -> dict[Verdict, int]:
        """Layouts by verdict, the most frequent first."""
        return dict(Counter(outcome.verdict for outcome in self.outcomes).most_common())

    @property
    def is_faulty(self) -> bool:
        """Whether a layout faults, other than in ways that were tried at real size where all went well.

        Those may be the scale's alone: a small machine has less room for tables, say, and more of it mapped early.
        """
        artefacts = {one.outcome.fault_class for one in self.counterexamples if one.is_good_at_real_size}
        return any(one.is_fault and one.fault_class not in artefacts for one in self.outcomes)

    @property
    def rate(self) -> float:
        """Layouts a second; 0 where none was booted."""
        return self.booted / self.seconds if self.seconds else 0.0


def run_sweep(
    source: BlobSource,
    bound: int = DEFAULT_BOUND,
    *,
    enumeration: Enumeration | None = None,
    jobs: int = 2,
    journal: Journal | None = None,
    resume: bool = False,
    until_fault: bool = False,
    confirm: bool = True,
    progress: Progress | None = None,
    translations: Translations | None = None,
    cache: LineCache | None = None,
    clock: Clock = time.monotonic,
) -> SweepReport:
    """Boot the kernel of `source` on the scaled machine with every layout up to `bound`, in `jobs` processes.

    An `enumeration` names the layouts instead.

    Results go to `journal` as they come, and with `resume` are taken from there. With `until_fault` the sweep ends at
    the first fault. Of every class of faults (a verdict and a kind) one is shrunk and, with `confirm`, tried on the
    real machine. A tree that cannot be executed, or scaled, is UNDETERMINED on every layout, with the reason.
    """
    report = progress or _silent
    enumeration = enumeration or enumerate_shapes(bound)
    loader = _Loader(source, cache or LineCache(), translations)
    report("reading the tree")
    try:
        kernels = loader.kernels([scaled_layout(shape) for shape in enumeration.shapes])
        reason = _find_unscaled(kernels)
    except (Unsupported, KpatchError, RecursionError) as error:
        reason = f"the tree cannot be loaded: {error}"
    if reason:
        undetermined = Outcome(Verdict.UNDETERMINED, message=reason)
        outcomes = (undetermined,) * len(enumeration.shapes)
        return SweepReport(machine=SCALED, enumeration=enumeration, outcomes=outcomes, reason=reason)
    known = journal.read() if journal is not None and resume else None
    booting = Booting(kernels, jobs, journal, known)
    found, booted, seconds = _boot_all(booting, enumeration.shapes, report, clock, until_fault=until_fault)
    outcomes = tuple(found.get(index, _NOT_RUN) for index in range(len(enumeration.shapes)))
    examples = []
    for example in _classes(enumeration.shapes, outcomes):
        report(f"shrinking {example.found.name}: {example.outcome.verdict} {example.outcome.kind}")
        with deep_recursion():
            example = _smallest(booting, example)
        if confirm:
            report(f"trying {example.smallest.name} at real size")
            alike = _spread(enumeration.shapes, outcomes, example.outcome)
            trials = try_for_real((example.smallest, example.found, *alike), example.outcome, loader.real_boot)
            example = replace(example, trials=trials)
        examples.append(example)
    return SweepReport(
        machine=SCALED,
        enumeration=enumeration,
        outcomes=outcomes,
        counterexamples=tuple(examples),
        booted=booted,
        remembered=len(found) - booted,
        seconds=seconds,
    )


_NOT_RUN = Outcome(Verdict.NOT_RUN)
_OTHERS_TRIED = 3
_WARM = Shape(low=300)
"""Large enough for everything: a hole, RAM above it and above the boundary."""


class _Loader:
    """The source's kernels, for the machines and images that are asked for."""

    def __init__(self, source: BlobSource, cache: LineCache, translations: Translations | None) -> None:
        self._source = source
        self._cache = cache
        self._translations = translations
        self._real: dict[int | None, Guest] = {}

    def kernels(self, layouts: list[Layout]) -> dict[int | None, Guest]:
        """A scaled kernel for each image that the layouts name."""
        images = dict.fromkeys(layout.image_end for layout in layouts)
        return {image_end: self._load(image_end, SCALED) for image_end in images}

    def real_boot(self, layout: Layout) -> Outcome:
        if layout.image_end not in self._real:
            self._real[layout.image_end] = self._load(layout.image_end, REAL_MACHINE)
        with deep_recursion():
            return boot_layout(self._real, layout)

    def _load(self, image_end: int | None, machine: Machine) -> Guest:
        return load_kernel(self._source, image_end, cache=self._cache, machine=machine, translations=self._translations)


def _find_unscaled(kernels: Kernels) -> str:
    """Why what runs cannot be told from a mixture of two machines; empty if nothing is known to be."""
    for image_end, kernel in kernels.items():
        image = SCALED.image.end if image_end is None else image_end
        with deep_recursion():
            boot(kernel, scaled_layout(Shape(low=_WARM.low, hole=2, island=7, high=14, image=image // PAGE_SIZE)))
        literals = unscaled_literals(kernel)
        if literals:
            return f"literals of the real machine are left in code that runs: {', '.join(literals)}"
    return ""


def _boot_all(
    booting: Booting, shapes: tuple[Shape, ...], report: Progress, clock: Clock, *, until_fault: bool
) -> tuple[dict[int, Outcome], int, float]:
    """Outcomes by index, how many of them were booted now, and the seconds that took."""
    found: dict[int, Outcome] = {}
    faults = booted = 0
    # Nothing is timed before the first boot: it translates, which a sweep of any size does once.
    begun = last = clock()
    for index, outcome in booting.each(shapes, until_fault=until_fault):
        found[index] = outcome
        faults += outcome.is_fault
        if not booting.remembers(shapes[index]):
            booted += 1
            last = clock()
        if len(found) % 10 == 0:
            report(f"{len(found)} of {len(shapes)} layouts, {faults} faults")
    return found, booted, last - begun


def _classes(shapes: tuple[Shape, ...], outcomes: tuple[Outcome, ...]) -> Iterator[Counterexample]:
    """One representative, the first and so one of the smallest, of each class of faults."""
    members: dict[FaultClass, list[int]] = {}
    for index, outcome in enumerate(outcomes):
        if outcome.is_fault:
            members.setdefault(outcome.fault_class, []).append(index)
    for numbers in members.values():
        yield Counterexample(outcomes[numbers[0]], len(numbers), shapes[numbers[0]], shapes[numbers[0]])


def _spread(shapes: tuple[Shape, ...], outcomes: tuple[Outcome, ...], wanted: Outcome) -> list[Shape]:
    """A few others of the class, as different in size as there are."""
    members = [
        shape for shape, outcome in zip(shapes, outcomes, strict=True) if outcome.fault_class == wanted.fault_class
    ]
    return [members[len(members) * number // _OTHERS_TRIED - 1] for number in range(1, _OTHERS_TRIED + 1)]


def _smallest(booting: Booting, example: Counterexample) -> Counterexample:
    """Shrunk, with the outcome that the smallest shape has."""
    last = example.outcome

    def fails(shape: Shape) -> bool:
        nonlocal last
        outcome = booting.outcome(shape)
        if outcome.fault_class != example.outcome.fault_class:
            return False
        last = outcome
        return True

    smallest = shrink(example.found, fails)
    return replace(example, smallest=smallest, outcome=last)


def _silent(_text: str) -> None:
    """Nobody watches."""
