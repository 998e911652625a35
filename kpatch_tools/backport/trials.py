"""Judges trial results of the search for prerequisites with the checks and the model, cheap ones first."""

from collections.abc import Callable, Sequence

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource

from .history import HISTORY_ENDS, find_candidates
from .outcome import Evidence
from .past import Past
from .ports import Ports, Proposal
from .prerequisites import (
    Attempt,
    Criterion,
    Found,
    Judgement,
    NotFound,
    Ruling,
    Trial,
    search_prerequisites,
    select_candidates,
)
from .verdicts import Verdict

Excused = Callable[[Finding], bool]
"""Whether a failing check is no reason against a result (because upstream has the same)."""


def checks_criterion(ports: Ports, message: bytes, excused: Excused) -> Criterion:
    """No check fails, but for what is excused."""

    def judge(trial: Trial) -> Judgement:
        findings = ports.check(Proposal(trial.before, trial.after, trial.changes, message))
        failing = [one for one in findings if one.status is Status.FAIL and not excused(one)]
        return Judgement(Ruling.FAIL, failing[0].message) if failing else Judgement(Ruling.PASS, "")

    return judge


def model_criterion(ports: Ports, *, first: tuple[str, ...]) -> Criterion:
    """The model is OK on all layouts; those in `first`, which are known to tell results apart, are run first."""

    def judge(trial: Trial) -> Judgement:
        result = ports.model.run(trial.after, first=first, until_fault=True)
        if result.verdict is Verdict.OK:
            return Judgement(Ruling.PASS, result.describe())
        ruling = Ruling.FAIL if result.verdict.faults else Ruling.UNDETERMINED
        return Judgement(ruling, result.describe())

    return judge


def search_for(
    past: Past,
    *,
    target: ObjectId,
    source: BlobSource,
    upstream: ObjectId,
    paths: Sequence[RepoPath],
    attempt: Attempt,
    criteria: Sequence[Criterion],
) -> Found | NotFound:
    """Search among what upstream has below the subject's commit and the target lacks, in the subject's files."""
    try:
        candidates = find_candidates(past, target=target, upstream=upstream, paths=paths)
    except KpatchError as error:
        if error.code not in HISTORY_ENDS:
            raise
        return NotFound(0, 0, error.message)
    return search_prerequisites(source, select_candidates(candidates, source), attempt, criteria)


def not_found(result: NotFound) -> Evidence:
    """What the search without a result shows."""
    detail = f"; some could not be judged: {result.undetermined}" if result.undetermined else ""
    if result.tried == 0:
        return Evidence("history-missing", "upstream's history here has no commit in these files that the target lacks")
    return Evidence(
        "features", f"no set of up to {result.size} upstream commits will do ({result.tried} tried{detail})"
    )
