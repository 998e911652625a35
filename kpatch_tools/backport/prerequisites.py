"""The smallest ordered set of upstream commits after which a subject can be taken.

Sets are tried by size, then in upstream's order; each has to pass every criterion, the cheap ones first. A commit and
its revert cancel, so neither is ever taken with the other; a revert of what the target already has stands alone.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import combinations

from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource, Overlay

from .change import Change
from .engine import carry_change
from .inverse import reverts
from .presence import ChangeState, judge_change

MAX_SIZE = 3
MAX_TRIALS = 400
MAX_JUDGED = 24
"""How many results are given to the criteria at most: a model run takes seconds, a merge none."""


class Ruling(Enum):
    PASS = "pass"
    FAIL = "fail"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one criterion says of one result, and why."""

    ruling: Ruling
    why: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What a criterion judges: the target with the prerequisites taken, and the same with the subject on top.

    `changes` are the complete new blobs against the *target*, prerequisites included.
    """

    before: BlobSource
    after: BlobSource
    changes: Mapping[RepoPath, bytes | None]


Criterion = Callable[[Trial], Judgement]
Attempt = Callable[[BlobSource], Mapping[RepoPath, bytes | None] | None]
"""Puts the subject on a source: its complete new blobs, or None where it does not go on cleanly."""


@dataclass(frozen=True, slots=True)
class Found:
    """The set, in the order to take it, and what it was judged by."""

    commits: tuple[Change, ...]
    trial: Trial


@dataclass(frozen=True, slots=True)
class NotFound:
    """No set up to `size` commits will do. `undetermined` says why some could not be judged, None if all were."""

    size: int
    tried: int
    undetermined: str | None


def select_candidates(commits: Sequence[Change], target: BlobSource) -> tuple[Change, ...]:
    """Those of `commits` (upstream's order) worth trying: not there already by code, and not cancelled by a revert."""
    present = {one.commit for one in commits if judge_change(one, target).state is ChangeState.PRESENT}
    cancelled: set[ObjectId | None] = set()
    for index, later in enumerate(commits):
        for earlier in commits[:index]:
            # Where neither is there, the code looks as after the revert: the pair is to be told before that misleads.
            if earlier.commit not in present | cancelled and reverts(later, earlier):
                cancelled |= {earlier.commit, later.commit}
                break
    return tuple(one for one in commits if one.commit not in present | cancelled)


def search_prerequisites(
    target: BlobSource,
    candidates: Sequence[Change],
    attempt: Attempt,
    criteria: Sequence[Criterion],
    *,
    max_size: int = MAX_SIZE,
    max_trials: int = MAX_TRIALS,
) -> Found | NotFound:
    """Search for the smallest set; the empty one is not tried (the caller has)."""
    verdicts: dict[tuple[int, str], Judgement] = {}
    tried = 0
    undetermined: str | None = None
    for size in range(1, min(max_size, len(candidates)) + 1):
        for chosen in combinations(candidates, size):
            if tried >= max_trials:
                return NotFound(size, tried, undetermined or f"the search ends after {max_trials} sets")
            tried += 1
            trial = _take(target, chosen, attempt)
            if trial is None:
                continue
            if len({key for _, key in verdicts}) >= MAX_JUDGED:
                return NotFound(size, tried, undetermined or f"the search ends after {MAX_JUDGED} results")
            judgement = _judge(trial, criteria, verdicts)
            if judgement.ruling is Ruling.PASS:
                return Found(chosen, trial)
            if judgement.ruling is Ruling.UNDETERMINED:
                undetermined = judgement.why
    return NotFound(min(max_size, len(candidates)), tried, undetermined)


def _take(target: BlobSource, chosen: Sequence[Change], attempt: Attempt) -> Trial | None:
    taken: dict[RepoPath, bytes | None] = {}
    for change in chosen:
        pick = carry_change(change, Overlay(target, dict(taken)))
        if not pick.clean:
            return None
        taken |= pick.changes
    before = Overlay(target, dict(taken))
    changes = attempt(before)
    if changes is None:
        return None
    everything = {**taken, **changes}
    return Trial(before, Overlay(target, everything), everything)


def _judge(trial: Trial, criteria: Sequence[Criterion], verdicts: dict[tuple[int, str], Judgement]) -> Judgement:
    key = _digest(trial.changes)
    judgement = Judgement(Ruling.PASS, "")
    for number, criterion in enumerate(criteria):
        if (number, key) not in verdicts:
            verdicts[number, key] = criterion(trial)
        judgement = verdicts[number, key]
        if judgement.ruling is not Ruling.PASS:
            return judgement
    return judgement


def _digest(changes: Mapping[RepoPath, bytes | None]) -> str:
    digest = hashlib.sha256()
    for path in sorted(changes):
        data = changes[path]
        digest.update(path.encode("utf-8", "surrogateescape") + b"\0" + (b"-" if data is None else b"+"))
        digest.update(hashlib.sha256(data or b"").digest())
    return digest.hexdigest()
