"""The smallest ordered set of upstream commits after which a subject can be taken.

Each set is taken in upstream's order and has to pass every criterion, the cheap ones first. A commit and its revert
cancel, so neither is ever taken with the other; a revert of what the target already has stands alone.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import combinations

from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import BlobSource, Overlay

from .change import Change
from .engine import carry_change
from .inverse import reverts
from .plain import merge_plainly
from .presence import is_present

MAX_SIZE = 3
MAX_TRIALS = 400
MAX_CARRIED = 10
"""So often a commit that git does not merge is carried by the whole engine, which takes a hundred times as long."""
FEW = 8
"""Of so many candidates sets are tried even where all of them together do not do."""
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


def select_candidates(
    commits: Sequence[Change], target: BlobSource, *, renamed: Mapping[RepoPath, RepoPath] | None = None
) -> tuple[Change, ...]:
    """Those of `commits` (upstream's order) worth trying: not there already by code, and not cancelled by a revert."""
    present = {one.commit for one in commits if _is_there(one, target, renamed or {})}
    cancelled: set[ObjectId | None] = set()
    for index, later in enumerate(commits):
        for earlier in commits[:index]:
            # Where neither is there, the code looks as after the revert: the pair is to be told before that misleads.
            if earlier.commit not in present | cancelled and reverts(later, earlier):
                cancelled |= {earlier.commit, later.commit}
                break
    return tuple(one for one in commits if one.commit not in present | cancelled)


def _is_there(change: Change, target: BlobSource, renamed: Mapping[RepoPath, RepoPath]) -> bool:
    merged = merge_plainly(change, target, renamed=renamed)
    if merged is None:
        return False  # whatever it is there, by itself it is not taken
    return not merged or is_present(change, target, renamed=renamed)


def search_prerequisites(
    target: BlobSource,
    candidates: Sequence[Change],
    attempt: Attempt,
    criteria: Sequence[Criterion],
    *,
    renamed: Mapping[RepoPath, RepoPath] | None = None,
    max_size: int = MAX_SIZE,
    max_trials: int = MAX_TRIALS,
) -> Found | NotFound:
    """Search for the smallest set; the empty one is not tried (the caller has).

    One commit after the other first. Then all that go on together are thinned out, which tells whether there is a set
    at all, of whatever size; only then are smaller ones looked for, up to `max_size`.
    """
    search = _Search(target, attempt, criteria, renamed or {}, max_trials)
    size, found = 1, None
    try:
        found = search.first_of(combinations(candidates, 1))
        if found is not None:
            return found
        found = search.thinned_out(candidates)
        # Where not even all of them do, fewer seldom will.
        most = len(found.commits) - 1 if found is not None else len(candidates) if len(candidates) <= FEW else 1
        for size in range(2, min(max_size, most) + 1):
            smaller = search.first_of(combinations(candidates, size))
            if smaller is not None:
                return smaller
    except _ExhaustedError as end:
        search.undetermined = search.undetermined or str(end)
    return found or NotFound(size, search.tried, search.undetermined)


class _ExhaustedError(Exception):
    """The search has cost what it may."""


Chosen = tuple[Change, ...]


class _Search:
    """Tries sets, each once."""

    def __init__(
        self,
        target: BlobSource,
        attempt: Attempt,
        criteria: Sequence[Criterion],
        renamed: Mapping[RepoPath, RepoPath],
        max_trials: int,
    ) -> None:
        self.tried = 0
        self.undetermined: str | None = None
        self._left = MAX_CARRIED
        self._target = target
        self._attempt = attempt
        self._criteria = criteria
        self._renamed = renamed
        self._max_trials = max_trials
        self._answers: dict[tuple[ObjectId | None, ...], Found | None] = {}
        self._taken: dict[tuple[ObjectId | None, ...], Mapping[RepoPath, bytes | None] | None] = {(): {}}
        self._verdicts: dict[tuple[int, str], Judgement] = {}

    def first_of(self, sets: Iterable[Chosen]) -> Found | None:
        return next((found for chosen in sets if (found := self.judge(chosen)) is not None), None)

    def thinned_out(self, candidates: Sequence[Change]) -> Found | None:
        """Of all candidates that go on one after the other, those that cannot be left out; None if they do not do."""
        chosen: Chosen = ()
        for one in candidates:
            if self._take((*chosen, one)) is not None:
                chosen = (*chosen, one)
        found = self.judge(chosen) if chosen else None
        if found is None:
            return None
        for one in reversed(chosen):
            fewer = tuple(other for other in found.commits if other is not one)
            found = (self.judge(fewer) if fewer else None) or found
        return found

    def judge(self, chosen: Chosen) -> Found | None:
        """The set with what it was judged by, if it will do."""
        key = _key(chosen)
        if key not in self._answers:
            if self.tried >= self._max_trials:
                raise _ExhaustedError(f"the search ends after {self._max_trials} sets")
            self.tried += 1
            self._answers[key] = self._judge(chosen)
        return self._answers[key]

    def _judge(self, chosen: Chosen) -> Found | None:
        taken = self._take(chosen)
        if taken is None:
            return None
        before = Overlay(self._target, dict(taken))
        changes = self._attempt(before)
        if changes is None:
            return None
        if len({digest for _, digest in self._verdicts}) >= MAX_JUDGED:
            raise _ExhaustedError(f"the search ends after {MAX_JUDGED} results")
        everything = {**taken, **changes}
        trial = Trial(before, Overlay(self._target, everything), everything)
        judgement = _judge(trial, self._criteria, self._verdicts)
        if judgement.ruling is Ruling.UNDETERMINED:
            self.undetermined = judgement.why
        return Found(chosen, trial) if judgement.ruling is Ruling.PASS else None

    def _take(self, chosen: Chosen) -> Mapping[RepoPath, bytes | None] | None:
        """All new blobs after these commits, None where one does not go on."""
        key = _key(chosen)
        if key not in self._taken:
            earlier = self._take(chosen[:-1])
            put = self._put(chosen[-1], Overlay(self._target, dict(earlier))) if earlier is not None else None
            # One that changes nothing is not needed.
            self._taken[key] = {**earlier, **put} if earlier is not None and put else None
        return self._taken[key]

    def _put(self, change: Change, source: BlobSource) -> Mapping[RepoPath, bytes | None] | None:
        """As git does it; a few times also by the whole engine, where that proves what it does."""
        merged = merge_plainly(change, source, renamed=self._renamed)
        if merged is not None or self._left == 0:
            return merged
        self._left -= 1
        pick = carry_change(change, source, renamed=self._renamed, adapting=False)
        return pick.changes if all(hunk.kind <= HunkClass.GENERATED for hunk in pick.hunks) else None


def _key(chosen: Chosen) -> tuple[ObjectId | None, ...]:
    return tuple(change.commit for change in chosen)


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
