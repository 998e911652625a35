"""Counterexamples of the small machine, tried on a real one: a small machine exaggerates proportions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.model.layouts import Layout
from kpatch_tools.model.oracles import Verdict

from .outcome import Outcome
from .shapes import Shape, real_layouts


@dataclass(frozen=True, slots=True)
class RealTrial:
    """A layout of the real machine, and what the kernel does on it."""

    layout: Layout
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A class of failures. `shapes` layouts fail so, `found` is the first; `smallest` is what shrinking made of it.

    `trials` are the smallest shape at real size, then the found one and others of the class, until one of them fails
    alike: the class is then `confirmed`. What is smallest on the scaled machine may be too small on the real one.
    """

    outcome: Outcome
    shapes: int
    found: Shape
    smallest: Shape
    trials: tuple[RealTrial, ...] = ()

    @property
    def confirmed(self) -> bool:
        return any(trial.outcome.fault_class == self.outcome.fault_class for trial in self.trials)

    @property
    def is_good_at_real_size(self) -> bool:
        """Whether it was tried there, and every trial is OK."""
        return bool(self.trials) and all(trial.outcome.verdict is Verdict.OK for trial in self.trials)

    @property
    def real(self) -> RealTrial | None:
        """The trial that confirms it, else the first one that is a fault at all, else the first."""
        alike = [trial for trial in self.trials if trial.outcome.fault_class == self.outcome.fault_class]
        faults = [trial for trial in self.trials if trial.outcome.is_fault]
        return next(iter([*alike, *faults, *self.trials]), None)


def try_for_real(shapes: Sequence[Shape], wanted: Outcome, boot: Callable[[Layout], Outcome]) -> tuple[RealTrial, ...]:
    """The shapes' real layouts, until one fails as `wanted` does."""
    trials: list[RealTrial] = []
    for layout in dict.fromkeys(layout for shape in shapes for layout in real_layouts(shape)):
        try:
            outcome = boot(layout)
        except KpatchError as error:
            outcome = Outcome(Verdict.UNDETERMINED, message=error.message)
        trials.append(RealTrial(layout, outcome))
        if outcome.fault_class == wanted.fault_class:
            break
    return tuple(trials)
