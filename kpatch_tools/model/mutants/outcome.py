"""What becomes of a mutant: does any boot notice it?"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kpatch_tools.core.source import BlobSource
from kpatch_tools.model.oracles import Verdict
from kpatch_tools.model.run import ModelRun
from kpatch_tools.workers import divide

from .derive import Mutant

_ENDLESS = frozenset({"endless-loop", "stack-overflow"})

Boots = Callable[[BlobSource], Iterable[ModelRun]]
"""Boots a tree on one layout after the other; what is not asked for need not be run."""


Key = tuple[str, str, str]
"""Machine, platform and layout."""


class Fate(StrEnum):
    """What the boots say about a mutant."""

    KILLED = "killed"
    """A boot crashes, or never comes to an end where the unchanged tree's does."""
    LATENT = "latent"
    """None crashes, but one leaves free memory read-only, a live page table free, or spare pages reserved."""
    EQUIVALENT = "equivalent-so-far"
    """All boots are OK."""
    UNDETERMINED = "undetermined"
    """None is known to go wrong, and at least one could not be executed."""


@dataclass(frozen=True, slots=True)
class MutantOutcome:
    """`run` is the boot that decided: None for EQUIVALENT. `boots` were run.

    `differs` names the first layout on which an OK boot built, reserved or made writable something else than the
    unchanged tree: an equivalent mutant with one is a difference that no oracle minds. None where there is none.
    """

    mutant: Mutant
    fate: Fate
    run: ModelRun | None = None
    boots: int = 0
    differs: str | None = None


def run_mutants(
    source: BlobSource,
    mutants: Sequence[Mutant],
    boots: Boots,
    *,
    jobs: int = 2,
    progress: Callable[[MutantOutcome, int], None] | None = None,
) -> tuple[MutantOutcome, ...]:
    """The fate of each mutant of `source`, in their order; `progress` hears each with the number that are done.

    The boots of a mutant end with the first that crashes. ValueError where the unchanged tree is not OK itself.
    """
    expected: dict[Key, ModelRun] = {}
    for run in boots(source):
        if run.verdict is not Verdict.OK:
            raise ValueError(f"the unchanged tree is {run.verdict} on {run.layout.name}: nothing can be told from it")
        expected[_key(run)] = run

    def fate_of(mutant: Mutant) -> MutantOutcome:
        return judge_mutant(mutant, boots(mutant.applied(source)), expected)

    outcomes: dict[int, MutantOutcome] = {}
    for number, answer in divide(fate_of, mutants, jobs=jobs):
        if isinstance(answer, Exception):
            raise answer
        outcomes[number] = answer
        if progress is not None:
            progress(answer, len(outcomes))
    return tuple(outcomes[number] for number in range(len(mutants)))


def judge_mutant(mutant: Mutant, boots: Iterable[ModelRun], expected: Mapping[Key, ModelRun]) -> MutantOutcome:
    """The fate of one mutant by its boots, which are run no further than a crash."""
    count = 0
    latent: ModelRun | None = None
    unknown: ModelRun | None = None
    differs: str | None = None
    for run in boots:
        count += 1
        match run.verdict:
            case Verdict.CRASH:
                return MutantOutcome(mutant, Fate.KILLED, run, count, differs)
            case Verdict.UNDETERMINED if run.trap in _ENDLESS:
                return MutantOutcome(mutant, Fate.KILLED, run, count, differs)
            case Verdict.UNDETERMINED | Verdict.NOT_RUN:
                unknown = unknown or run
            case Verdict.OK:
                if differs is None and _seen(run) != _seen(expected[_key(run)]):
                    differs = run.layout.name
            case _:
                latent = latent or run
    if latent is not None:
        return MutantOutcome(mutant, Fate.LATENT, latent, count, differs)
    if unknown is not None:
        return MutantOutcome(mutant, Fate.UNDETERMINED, unknown, count, differs)
    return MutantOutcome(mutant, Fate.EQUIVALENT, None, count, differs)


def by_fate(outcomes: Iterable[MutantOutcome]) -> Iterator[tuple[Fate, int]]:
    """How many mutants met each fate, those that none met included."""
    counts = dict.fromkeys(Fate, 0)
    for one in outcomes:
        counts[one.fate] += 1
    yield from counts.items()


def _key(run: ModelRun) -> Key:
    return run.machine, run.platform, run.layout.name


def _seen(run: ModelRun) -> tuple[object, ...]:
    """What a boot did to memory, as far as a result tells."""
    return run.tables, run.rw_done, run.reserved
