"""The main job for a commit or a patch: is it there, is it needed, does it go on, and does the result hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.tree import KernelTree, Revision, TreeAt

from .answer import Answer, Part
from .cause import CauseState, judge_cause
from .change import Change
from .engine import Renames, carry_change, plan_change
from .explained import left_hunks
from .followups import find_followups, judge_followups
from .guards.identifiers import ID as NAMES_KNOWN
from .history import HISTORY_ENDS, find_tips, missing_history
from .located import find_in_history, find_revert
from .merge.verbatim import ALREADY
from .outcome import Evidence, HunkResult, Outcome, Pick, RelatedCommit
from .past import Past, WalkedPast
from .ports import Ports, Proposal
from .preceding import Subject, attempt_of, find_pool
from .prerequisites import Criterion, NotFound, search_prerequisites
from .presence import ChangePresence, ChangeState, judge_change
from .renames import find_renames
from .routes import price_routes, relate
from .sites import is_strong
from .trials import checks_criterion, model_criterion, not_found
from .verdicts import ModelResult, Verdict

NAMING = frozenset({"identifier-declared", "slot-declared"})
"""The checks whose failure makes a clean result a person's business: what it names exists nowhere in the target."""


@dataclass(frozen=True, slots=True)
class Job:
    """One change, one target. `message` is what the backport is to say; `force` carries on where nothing is needed.

    With `plan_only` nothing is checked or executed: the answer is what would be done. `known` is the history where the
    caller has it at hand; otherwise it is walked.
    """

    tree: KernelTree
    change: Change
    message: bytes
    target: Revision
    ports: Ports
    force: bool = False
    plan_only: bool = False
    known: Past | None = None

    source: TreeAt = field(init=False)

    def __post_init__(self) -> None:
        # One object, so that whoever remembers what it has read of a source can do so.
        object.__setattr__(self, "source", self.tree.at(self.target))

    @property
    def past(self) -> Past:
        return self.known or WalkedPast(self.tree)


def backport_change(job: Job) -> Answer:
    """The answer for a commit or a patch."""
    job.ports.progress("looking for the change in the target")
    renamed = find_renames(job.tree, job.change, target=job.source)
    pick = carry_change(job.change, job.source, renamed=renamed)
    presence = judge_change(job.change, job.source, renamed=renamed)
    if _goes_on_plainly(pick, presence):
        presence = replace(presence, state=ChangeState.ABSENT)
    history = _history(job, renamed)
    evidence = (*missing_history(job.tree), *history, *_reverts(job, history, presence), *_seen(presence))
    settled = _settle(presence, evidence, in_history=bool(history))
    if settled is not None:
        return replace(settled, followups=_followups(job, None))
    cause = judge_cause(job.past, job.change, target=job.source)
    evidence += cause.evidence
    if cause.state is CauseState.ABSENT and not job.force and not _repairs_something(presence):
        reason = "what it repairs is not in the target"
        return Answer(Outcome.NOT_AFFECTED, reason, evidence, followups=_followups(job, None))
    return _carry(job, renamed, pick, evidence)


def _goes_on_plainly(pick: Pick, presence: ChangePresence) -> bool:
    """Whether what looks like the change in the target is something else, since all of the change goes on beside it."""
    if not pick.clean or not pick.changes or any(hunk.why == ALREADY for hunk in pick.hunks):
        return False
    worst = HunkClass.GENERATED if presence.state is ChangeState.PARTIAL else HunkClass.EXACT
    return all(hunk.kind <= worst for hunk in pick.hunks)


def _repairs_something(presence: ChangePresence) -> bool:
    """Whether lines that the change takes out stand in the target: then it is affected, wherever they came from."""
    return any(any(map(is_strong, one.site.removed)) for one in presence.undone)


def _history(job: Job, renamed: Renames) -> tuple[Evidence, ...]:
    try:
        return find_in_history(job.past, job.change, target=job.target.oid, renamed=renamed)
    except KpatchError as error:
        if error.code not in HISTORY_ENDS:
            raise
        return ()


def _reverts(job: Job, history: tuple[Evidence, ...], presence: ChangePresence) -> tuple[Evidence, ...]:
    """Where history says that the change is there and the code says otherwise: the commit that took it back."""
    if presence.state is ChangeState.PRESENT:
        return ()
    for claim in history:
        if claim.commit is None:
            continue
        taken = find_revert(job.past, job.change, target=job.target.oid, since=claim.commit)
        if taken is not None:
            said = f'{taken.oid[:12]} ("{taken.subject}") took it back'
            return (Evidence("reverted", said, commit=taken.oid),)
    return ()


def _seen(presence: ChangePresence) -> tuple[Evidence, ...]:
    """What the code shows, one statement a file."""
    evidence: list[Evidence] = []
    for path in dict.fromkeys(one.file for one in presence.sites):
        there = [one for one in presence.there if one.file == path]
        undone = [one for one in presence.undone if one.file == path]
        gone = [one for one in presence.gone if one.file == path]
        total = len(there) + len(undone) + len(gone)
        if there:
            message = f"{len(there)} of {total} changed places are as after the change"
            evidence.append(Evidence("code-present", message, path, there[0].line))
        if undone:
            message = f"{len(undone)} of {total} changed places are as before the change"
            evidence.append(Evidence("code-absent", message, path, undone[0].line))
        if gone:
            message = f"{len(gone)} of {total} changed places are there in neither form"
            evidence.append(Evidence("code-gone", message, path))
    return tuple(evidence)


def _settle(presence: ChangePresence, evidence: tuple[Evidence, ...], *, in_history: bool) -> Answer | None:
    """An answer that needs no backport, or None."""
    if presence.state is ChangeState.PRESENT:
        if not in_history and not any(one.site.added for one in presence.sites):
            return Answer(Outcome.NOT_AFFECTED, "it only takes lines out, and the target does not have them", evidence)
        return Answer(Outcome.ALREADY_PRESENT, "all of its code is in the target", evidence)
    if any(one.id == "reverted" for one in evidence):
        return None
    if in_history and not presence.undone:
        reason = "it is in the target's history, nothing took it back, and later work changed its code again"
        return Answer(Outcome.ALREADY_PRESENT, reason, evidence)
    if presence.state is ChangeState.PARTIAL:
        there, total = len(presence.there), len(presence.sites)
        reason = f"the target has {there} of the {total} places it changes, and not the others"
        return Answer(Outcome.PARTIALLY_PRESENT, reason, evidence)
    return None


def _followups(job: Job, result: BlobSource | None) -> tuple[RelatedCommit, ...]:
    if job.change.commit is None:
        return ()
    job.ports.progress("looking for follow-ups")
    try:
        found = find_followups(job.past, job.change, tips=find_tips(job.tree))
    except KpatchError as error:
        if error.code not in HISTORY_ENDS:
            raise
        return ()
    return judge_followups(found, target=job.source, result=result)


def _how(pick: Pick) -> str:
    """How it goes on: what was left out or written otherwise is not passed over."""
    kinds = {hunk.kind for hunk in pick.hunks}
    done = [
        text
        for kind, text in ((HunkClass.DROPPED, "parts left out"), (HunkClass.ADAPTED, "lines adapted"))
        if kind in kinds
    ]
    return f"it goes on with {' and '.join(done)}" if done else "it goes on cleanly"


def _carry(job: Job, renamed: Renames, pick: Pick, evidence: tuple[Evidence, ...]) -> Answer:
    source, change = job.source, job.change
    result = Overlay(source, pick.changes)
    steps = plan_change(change, source, renamed=renamed).steps
    answer = Answer(
        Outcome.BACKPORTED,
        f"{_how(pick)}, and the result holds",
        evidence,
        hunks=pick.hunks,
        plan=tuple(f"{step.path}: {step.how} ({step.hunks} hunks)" for step in steps),
        parts=(Part(pick.changes, job.message, pick.modes),),
        clean=pick.clean,
        followups=_followups(job, result if pick.clean else None),
    )
    concerned = job.ports.model.concerns({*pick.changes, *job.change.touched})
    if job.plan_only:
        reason = "it would go on cleanly" if pick.clean else "it would not go on cleanly"
        outcome = Outcome.BACKPORTED if pick.clean else Outcome.CONFLICT
        return replace(answer, outcome=outcome, reason=f"{reason}; nothing was checked or executed")
    answer = replace(answer, control=_control(job, concerned=concerned))
    if not pick.clean:
        needy = [hunk for hunk in pick.hunks if hunk.kind is HunkClass.NEEDS_HUMAN]
        names = ", ".join(dict.fromkeys(f"{hunk.file} ({hunk.why})" for hunk in needy))
        lacks_names = all(hunk.guard == NAMES_KNOWN for hunk in needy)
        outcome = Outcome.NEEDS_PREREQUISITE if lacks_names else Outcome.CONFLICT
        reason = f"it goes on as text, but {names}" if lacks_names else f"it does not go on cleanly: {names}"
        patched = ModelResult(why="the change does not go on cleanly")
        answer = replace(answer, outcome=outcome, reason=reason, patched=patched)
        return _with_prerequisites(job, answer, concerned=concerned)
    job.ports.progress("checking the result")
    checks = job.ports.check(Proposal(source, result, pick.changes, job.message))
    failing = _own_failures(job, checks)
    answer = replace(answer, checks=checks, hunks=_marked(pick.hunks, failing))
    if any(one.id in NAMING for one in failing):
        named = "; ".join(dict.fromkeys(one.message for one in failing if one.id in NAMING))
        patched = ModelResult(why="the result does not compile")
        reason = f"it goes on as text, but {named}"
        answer = replace(answer, outcome=Outcome.NEEDS_PREREQUISITE, reason=reason, patched=patched)
        return _with_prerequisites(job, answer, concerned=concerned)
    if not concerned:
        return replace(answer, patched=answer.control)
    job.ports.progress("running the model with the change")
    patched = job.ports.model.run(result, first=answer.control.faulting)
    answer = replace(answer, patched=patched)
    if patched.verdict.faults:
        reason = f"{_how(pick)}, but the model still faults: {patched.describe()}"
        return _with_prerequisites(job, replace(answer, reason=reason), concerned=True)
    if patched.verdict is not Verdict.OK:
        reason = f"{_how(pick)}, but whether the result holds is not known: {patched.describe()}"
        return replace(answer, outcome=Outcome.UNDETERMINED, reason=reason)
    return answer


def _control(job: Job, *, concerned: bool) -> ModelResult:
    if not concerned:
        return ModelResult(why="the change touches nothing that the model executes")
    job.ports.progress("running the model without the change")
    return job.ports.model.run(job.source)


def _own_failures(job: Job, checks: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The failing checks that upstream's own commit does not fail as well."""
    failing = tuple(one for one in checks if one.status is Status.FAIL)
    known = _upstreams_failures(job) if failing else frozenset()
    return tuple(one for one in failing if (one.id, one.message) not in known)


def _upstreams_failures(job: Job) -> frozenset[tuple[str, str]]:
    if job.change.before is None or job.change.after is None:
        return frozenset()
    changes = {path: job.change.after.read(path) for path in job.change.touched}
    upstream = job.ports.check(Proposal(job.change.before, job.change.after, changes, job.change.message))
    return frozenset((one.id, one.message) for one in upstream if one.status is Status.FAIL)


def _marked(hunks: tuple[HunkResult, ...], failing: tuple[Finding, ...]) -> tuple[HunkResult, ...]:
    """Hunks of files in which something undefined is used are a person's business, however cleanly they went on."""
    named: Mapping[RepoPath | None, str] = {one.file: one.message for one in failing if one.id in NAMING}
    return tuple(
        replace(hunk, kind=HunkClass.NEEDS_HUMAN, why=named[hunk.file]) if hunk.file in named else hunk
        for hunk in hunks
    )


def _with_prerequisites(job: Job, answer: Answer, *, concerned: bool) -> Answer:
    """The answer with the smallest set of upstream commits after which all is well, where there is one."""
    if job.change.commit is None:
        return answer
    job.ports.progress("searching prerequisites")
    renamed = find_renames(job.tree, job.change, target=job.source)
    hunks = () if answer.clean else answer.hunks
    subject = Subject(job.past, job.change, job.target.oid, job.source, renamed, hunks)
    excused = _upstreams_failures(job)
    criteria: list[Criterion] = [checks_criterion(job.ports, job.message, lambda one: (one.id, one.message) in excused)]
    if concerned:
        first = answer.patched.faulting or answer.control.faulting
        criteria.append(model_criterion(job.ports, first=first))
    try:
        pool = find_pool(subject)
    except KpatchError as error:
        if error.code not in HISTORY_ENDS:
            raise
        pool = ()
    found = search_prerequisites(job.source, pool, attempt_of(subject), criteria, renamed=renamed)
    if isinstance(found, NotFound):
        return replace(answer, evidence=(*answer.evidence, not_found(found)))
    subjects = ", ".join(f'{change.commit and change.commit[:12]} ("{change.subject}")' for change in found.commits)
    left = left_hunks(job.change, hunks, renamed)
    return replace(
        answer,
        outcome=Outcome.NEEDS_PREREQUISITE,
        reason=f"{answer.reason}; after {subjects} that is no longer so",
        evidence=(*answer.evidence, *((price_routes(found.commits, left),) if left else ())),
        prerequisites=relate(found.commits, job.change, job.source, otherwise=_why(answer)),
    )


def _why(answer: Answer) -> str:
    """Why what precedes is needed, where the lines do not tell: a conflict is settled by whatever changed its lines."""
    if not answer.clean:
        return ""
    if answer.outcome is Outcome.NEEDS_PREREQUISITE:
        return "it brings what the change uses"
    return "without it the model faults with the change, too"
