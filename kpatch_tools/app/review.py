"""Use case: review a series of patches on the base that it was made for."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kpatch_tools.app.checking import check_changes
from kpatch_tools.app.review_input import Input
from kpatch_tools.checks import conformity, fixes, signed_off, stable_rules, upstream
from kpatch_tools.checks.catalogue import ALL_CHECKS
from kpatch_tools.checks.check import Check
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.patch import ApplyResult, FileDiff, Patch, PlacedHunk, apply_patch
from kpatch_tools.review.bases import Touching, rank_bases
from kpatch_tools.review.ignoring import Ignore, ignoring
from kpatch_tools.review.placing import place_in_patch
from kpatch_tools.review.values import COMPLETE, Base, BaseReason, Placed, Review, Reviewed, Sent, Submission
from kpatch_tools.tree import CommitData, KernelTree
from kpatch_tools.workers import divide, processors

if TYPE_CHECKING:
    from kpatch_tools.app.review_followups import FollowupReview
    from kpatch_tools.app.review_model import ModelReview
    from kpatch_tools.backport import Past

_LONG_SERIES = 8
_KIND, _LINK, _MODULE = 0o170000, 0o120000, 0o160000  # of a git mode
_NO_TEXT = ("binary-patch", "symlink-patch", "submodule-patch")  # well made, but nothing that can be read here
APPLIES = "patch-applies"
BASE = "base-found"
READABLE = "patch-readable"

Changes = Mapping[RepoPath, bytes | None]
_OF_CODE = {check.id for check in ALL_CHECKS} - {
    check.ID for check in (conformity, fixes, signed_off, stable_rules, upstream)
}
_Mark = tuple[str, RepoPath | None, str]


@dataclass(frozen=True, slots=True)
class _Step:
    """One patch on top of those before it: `before` and `after` are all changes to the base until then."""

    sent: Sent
    before: Changes
    result: ApplyResult

    @property
    def after(self) -> Changes:
        return {**self.before, **self.result.changes} if not self.result.rejects else self.before


@dataclass(frozen=True, slots=True)
class Choice:
    """What is looked for. `named`: revisions to review on, best first. `old`: also what the base had already. `model`
    and `followups`: None to leave them out. `past` opens the history in which a base is looked for, None for none.
    """

    named: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ALL_CHECKS
    ignores: tuple[Ignore, ...] = ()
    old: bool = False
    model: "ModelReview | None" = None
    followups: "FollowupReview | None" = None
    past: "Callable[[], Past] | None" = None


def review_input(
    tree: KernelTree, given: Input, choice: Choice, *, progress: Callable[[str], None] = lambda _: None
) -> Review:
    """Each patch on top of the earlier ones of its series, on the first of the ranked bases that all of them apply to;
    where none is, on the best one, if it is known to be the one. Commits are reviewed where they stand, unless a
    revision is named.

    KpatchError unknown-revision for a named one, no-base in a repository without a commit.
    """
    submission = given.submission
    if given.parent is not None and not choice.named:
        bases: tuple[Base, ...] = (Base(given.parent[:12], given.parent, BaseReason.PARENT, 0, 0),)
    else:
        bases = rank_bases(tree, submission, named=choice.named, touching=_touching_in(choice.past))
    if not bases:
        raise KpatchError("no-base", "the repository has no commit to review on", hint="name another with --repo PATH")
    progress(f"applying to {bases[0].revision}")
    base, steps, nearest = _choose(tree, submission, bases)
    general = list(_general(submission))
    if _rejected(steps) and not _is_proven(base):
        general.insert(0, _base_unknown(base))
        done = tuple(_not_reviewed(step, "the base is not known") for step in steps)
    else:
        last, why = _last_to_judge(submission, steps)
        reviewed = _review_steps(tree, base, steps[:last], choice, progress)
        done = _with_later_fixes(tree, tree.at(base.commit), steps[:last], reviewed, choice)
        done += tuple(_not_reviewed(step, why) for step in steps[last:])
    review = Review(submission, base, bases, done, nearest, tuple(general))
    return ignoring(review, choice.ignores)


def _last_to_judge(submission: Submission, steps: Sequence[_Step]) -> tuple[int, str]:
    """How many of the patches can be judged, and why not those after them.

    git am would stop at the first that does not apply, and what comes after it is made on it. Where it is made itself
    on one that is not here, it is none of its faults.
    """
    last = next((place for place, step in enumerate(steps, start=1) if step.result.rejects), None)
    if last is None:
        return len(steps), ""
    number = steps[last - 1].sent.number
    lacking = [one for one in (*submission.missing, *(one.number for one in submission.unreadable)) if one < number]
    if lacking:
        return last - 1, f"patch {lacking[0]} before it is not here"
    return last, f"patch {number} before it does not apply"


def _touching_in(past: "Callable[[], Past] | None") -> Touching:
    """By an index of the history, if one is kept: to walk it would take longer than the review."""

    def touching(paths: Sequence[RepoPath]) -> Iterable[CommitData] | None:
        if past is None:
            return None
        from kpatch_tools.backport import WalkedPast, find_tips

        opened = past()
        if isinstance(opened, WalkedPast):
            return None
        return opened.touching(paths, tips=find_tips(opened.tree))

    return touching


def _is_proven(base: Base) -> bool:
    """Whether somebody named it, or it has every file as the patches found it."""
    return base.reason in _PROMISED or 0 < base.wanted == base.matched


def _base_unknown(base: Base) -> Finding:
    has = f"has {base.matched} of {base.wanted}" if base.wanted else "may be another"
    return Finding(
        BASE,
        Status.ERROR,
        f"no revision here is known to be what the series was made on: {base.revision} {has}, and it does not apply",
        hint="name it with --on REV, look through all commits with --index, or send it with git format-patch --base",
    )


def _not_reviewed(step: _Step, why: str) -> Reviewed:
    """Nothing is known of a patch on a tree that it was not made on."""
    rejects = step.result.rejects
    finding = Finding(APPLIES, Status.ERROR, f"not reviewed: {why}")
    return Reviewed(step.sent, (Placed(finding),), rejects[0].code if rejects else "", _touched(step.sent.patch))


def _review_steps(
    tree: KernelTree, base: Base, steps: Sequence[_Step], choice: Choice, progress: Callable[[str], None]
) -> list[Reviewed]:
    """Each step's findings; a long series is divided among the processors. The model forks for itself."""
    found: dict[int, Reviewed] = {}
    jobs = processors() if len(steps) >= _LONG_SERIES else 1
    here = os.getpid()

    def review(step: _Step) -> Reviewed:
        own = tree if os.getpid() == here else tree.reopened()
        return _review_step(own, own.at(base.commit), step, choice)

    for index, one in divide(review, steps, jobs=jobs):
        if isinstance(one, Exception):
            raise one
        found[index] = one
        progress(f"{len(found)} of {len(steps)}, {one.sent.patch.subject}")
    reviewed = [found[index] for index in range(len(steps))]
    end = steps[-1].after if steps else {}
    return [_with_costly(tree, base, step, end, one, choice) for step, one in zip(steps, reviewed, strict=True)]


def _with_costly(
    tree: KernelTree, base: Base, step: _Step, end: Changes, reviewed: Reviewed, choice: Choice
) -> Reviewed:
    """With what the model and the history say, which are asked about one patch after the other.

    `end`: all that the series changes, for a later patch of it may be the follow-up of an earlier one.
    """
    if step.result.rejects:
        return reviewed
    source = tree.at(base.commit)
    before = Overlay(source, step.before)
    after = Overlay(before, step.result.changes)
    findings: list[Finding] = []
    if choice.followups is not None:
        findings += choice.followups.findings(step.sent.patch.message, before, Overlay(source, end))
    if choice.model is not None:
        findings.append(choice.model.finding(before, after, step.result.changes))
    placed = _placed(step.sent.patch, step.result.placed, findings)
    return replace(reviewed, findings=(*reviewed.findings, *placed))


def _choose(
    tree: KernelTree, submission: Submission, bases: Sequence[Base]
) -> tuple[Base, tuple[_Step, ...], Base | None]:
    """The base to review on, the patches on it, and where they apply if not there.

    What the sender or the user named is not left for another: there the patches must apply.
    """
    first = bases[0]
    steps = _apply(tree, submission, first)
    if not _rejected(steps):
        return first, steps, None
    for other in bases[1:]:
        tried = _apply(tree, submission, other)
        if not _rejected(tried):
            return (first, steps, other) if first.reason in _PROMISED else (other, tried, None)
    return first, steps, None


_PROMISED = (BaseReason.PARENT, BaseReason.NAMED, BaseReason.USER)


def _apply(tree: KernelTree, submission: Submission, base: Base) -> tuple[_Step, ...]:
    changes: Changes = {}
    steps: list[_Step] = []
    for sent in submission.patches:
        source = Overlay(tree.at(base.commit), changes)
        files = [diff for diff in sent.patch.files if not _is_special(diff)]
        steps.append(_Step(sent, changes, apply_patch(files, source)))
        changes = steps[-1].after
    return tuple(steps)


def _is_special(diff: FileDiff) -> bool:
    """Whether it is about a symbolic link or a submodule, which hold no code and are never followed."""
    return any((mode or 0) & _KIND in (_LINK, _MODULE) for mode in (diff.old_mode, diff.new_mode))


def _rejected(steps: Iterable[_Step]) -> bool:
    return any(step.result.rejects for step in steps)


def _review_step(tree: KernelTree, source: BlobSource, step: _Step, choice: Choice) -> Reviewed:
    patch, result = step.sent.patch, step.result
    touched = _touched(patch)
    if result.rejects:
        findings = tuple(
            Finding(
                APPLIES, Status.FAIL, reject.reason, reject.file.path, reject.hunk.new_start if reject.hunk else None
            )
            for reject in result.rejects
        )
        return Reviewed(step.sent, _placed(patch, (), findings), result.rejects[0].code, touched)
    before = Overlay(source, step.before)
    findings = check_changes(tree, before, result.changes, patch.message, checks=choice.checks)
    findings += tuple(
        Finding(APPLIES, Status.SKIP, f"{diff.path} is no file on both sides, and is not looked at", diff.path)
        for diff in patch.files
        if _is_special(diff)
    )
    placed = _placed(patch, result.placed, findings)
    if choice.old:
        placed += tuple(_old(tree, before, patch, result, findings, choice))
    return Reviewed(step.sent, placed, "", touched)


def _touched(patch: Patch) -> tuple[RepoPath, ...]:
    return tuple(dict.fromkeys(path for diff in patch.files for path in (diff.old_path, diff.new_path) if path))


def _old(
    tree: KernelTree, before: BlobSource, patch: Patch, result: ApplyResult, new: Sequence[Finding], choice: Choice
) -> Iterator[Placed]:
    """What the touched files have already: what is found as if the patch had written them whole, and is not new."""
    known = {_mark(finding) for finding in new}
    without = Overlay(before, dict.fromkeys(result.changes))
    for finding in check_changes(tree, without, result.changes, b"", checks=choice.checks):
        if finding.status >= Status.WARN and finding.file in result.changes and _mark(finding) not in known:
            yield Placed(finding, place_in_patch(patch, result.placed, finding), old=True)


def _placed(patch: Patch, hunks: Sequence[PlacedHunk], findings: Iterable[Finding]) -> tuple[Placed, ...]:
    return tuple(Placed(finding, place_in_patch(patch, hunks, finding)) for finding in findings)


def _with_later_fixes(
    tree: KernelTree, source: BlobSource, steps: Sequence[_Step], reviewed: Sequence[Reviewed], choice: Choice
) -> tuple[Reviewed, ...]:
    """Marks what a later patch of the series mends: it is found no more when the two are checked as one change."""
    found: list[Reviewed] = []
    for place, (step, one) in enumerate(zip(steps, reviewed, strict=True)):
        mended = _mended(tree, source, step, steps[place + 1 :], one, choice)
        findings = tuple(
            replace(item, fixed_by=0 if item.old else mended.get(_mark(item.finding), 0)) for item in one.findings
        )
        found.append(replace(one, findings=findings) if mended else one)
    return tuple(found)


def _mended(
    tree: KernelTree, source: BlobSource, step: _Step, others: Sequence[_Step], reviewed: Reviewed, choice: Choice
) -> dict[_Mark, int]:
    """The number of the patch that mends it, by finding. The end of the series is asked first: most mend nothing."""
    open_ones = {_mark(item.finding) for item in reviewed.findings if _is_open(item)}
    concerned = {name for name, _, _ in open_ones}
    checks = tuple(check for check in choice.checks if check.id in concerned)
    later = [] if step.result.rejects else [one for one in others if not one.result.rejects]

    def still_found(end: _Step) -> set[_Mark]:
        changes = _difference(step.before, end.after)
        found = check_changes(tree, Overlay(source, step.before), changes, step.sent.patch.message, checks=checks)
        return {_mark(finding) for finding in found if finding.status >= Status.WARN}

    if not open_ones or not checks or not later:
        return {}
    gone = open_ones - still_found(later[-1])
    mended: dict[_Mark, int] = {}
    for one in later:
        if not gone - mended.keys():
            break
        new = gone - mended.keys() if one is later[-1] else gone - mended.keys() - still_found(one)
        mended.update(dict.fromkeys(new, one.sent.number))
    return mended


def _is_open(item: Placed) -> bool:
    """Whether a later patch could mend it: what is said of the patch itself it cannot, and what is costly is not asked
    again, for a boot takes more than all checks together."""
    return item.finding.status >= Status.WARN and not item.old and item.finding.id in _OF_CODE


def _difference(before: Changes, after: Changes) -> Changes:
    """What changed since `before`, a prefix of `after`."""
    return {path: data for path, data in after.items() if path not in before or before[path] != data}


def _mark(finding: Finding) -> _Mark:
    """The same finding after lines have moved."""
    return finding.id, finding.file, finding.message


def _general(submission: Submission) -> Iterator[Finding]:
    """What there is to say of the series as such."""
    for one in submission.unreadable:
        yield Finding(
            READABLE,
            Status.ERROR if one.code in _NO_TEXT else Status.FAIL,
            f"patch {one.number}, {one.subject or one.name}: {one.message}",
            hint="" if one.code in _NO_TEXT else "send it again with git send-email, which keeps a patch as it is",
        )
    if submission.missing:
        numbers = ", ".join(map(str, submission.missing))
        yield Finding(
            COMPLETE,
            Status.ERROR,
            f"{'patch' if len(submission.missing) == 1 else 'patches'} {numbers} of the series did not arrive",
            hint="give the whole thread: what comes after a missing patch may not apply",
        )
