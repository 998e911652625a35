"""The main job for a bundled hook: written for the target, and weighed by what the model says without and with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import assert_never

from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.hooks.patches.cause import Cause, CauseState, probe_cause
from kpatch_tools.hooks.patches.generate import Generated, Refusal, generate_hook
from kpatch_tools.hooks.patches.presence import Presence, PresenceState, probe_presence
from kpatch_tools.hooks.patches.removal import remove_hook
from kpatch_tools.hooks.patches.spec import HookSpec
from kpatch_tools.hooks.patches.written import Upstream
from kpatch_tools.patch import diff_sources
from kpatch_tools.tree import KernelTree, Revision, TreeAt

from .answer import Answer, Part
from .change import Change
from .followups import Followup, find_followups, judge_followups
from .history import HISTORY_ENDS, find_tips, missing_history, read_change
from .origin import find_origin
from .outcome import Evidence, EvidenceId, HunkResult, Outcome
from .past import Past, WalkedPast
from .ports import Ports, Proposal
from .prerequisites import NotFound
from .routes import relate
from .trials import checks_criterion, model_criterion, not_found, search_for
from .verdicts import ModelResult, Verdict

FAR = 40
"""So many commits of one file are looked at for the one that made the hook redundant."""


@dataclass(frozen=True, slots=True)
class HookJob:
    """`split` gives the hook in the steps that history took; `force` writes it where it is not needed.

    With `plan_only` nothing is checked or executed: the answer is what would be done. `known` is the history where the
    caller has it at hand; otherwise it is walked.
    """

    tree: KernelTree
    spec: HookSpec
    target: Revision
    ports: Ports
    force: bool = False
    split: bool = False
    plan_only: bool = False
    known: Past | None = None

    source: TreeAt = field(init=False)

    def __post_init__(self) -> None:
        # One object, so that whoever remembers what it has read of a source can do so.
        object.__setattr__(self, "source", self.tree.at(self.target))

    @property
    def past(self) -> Past:
        return self.known or WalkedPast(self.tree)

    @property
    def files(self) -> tuple[RepoPath, ...]:
        """Where the hook's parts stand."""
        spec = self.spec
        files = (spec.table_header, spec.table_file, spec.prototype_header, spec.default_file, spec.call_file)
        return tuple(dict.fromkeys((*files, spec.override_file)))


def backport_hook(job: HookJob) -> Answer:
    """The answer for one bundled hook, written for the target."""
    settled = settle_hook(job)
    answer = settled if settled is not None else _generated(job)
    return replace(answer, evidence=(*answer.evidence, *missing_history(job.tree)))


def settle_hook(job: HookJob, *, origin: Change | None = None) -> Answer | None:
    """An answer for which nothing has to be made: the hook is there, in part, or not needed. None if it is to be made.

    `origin` is the change that introduces the hook, where the caller has it.
    """
    job.ports.progress("looking for the hook in the target")
    presence = probe_presence(job.source, job.spec)
    if presence.state is PresenceState.PRESENT:
        return _present(job, presence, origin or _origin(job))
    if presence.state is PresenceState.PARTIAL:
        names = ", ".join(f"{part.name} ({part.note or part.file})" for part in presence.missing)
        reason = f"the target has the hook but for: {names}"
        followups = judge_followups(_followups(job, origin or _origin(job)), target=job.source, result=None)
        return Answer(Outcome.PARTIALLY_PRESENT, reason, _parts(presence), followups=followups)
    return None if job.force else _not_needed(job)


def _parts(presence: Presence) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            "code-present" if part.present else "code-absent",
            f"{part.name}: {'there' if part.present else part.note or 'missing'}",
            part.file,
            part.where.line if part.where is not None else None,
        )
        for part in presence.parts
    )


def _origin(job: HookJob) -> Change | None:
    """The upstream commit of the hook, found by what the code says."""
    job.ports.progress("looking for the hook's own commit")

    def present(source: BlobSource) -> bool:
        header = source.read(job.spec.table_header) or b""
        # Its name alone is no proof, but where it is missing there is nothing to look at closely.
        return job.spec.slot.encode() in header and probe_presence(source, job.spec).state is PresenceState.PRESENT

    try:
        found = find_origin(
            job.past, target=job.target.oid, tips=find_tips(job.tree), present=present, paths=(job.spec.table_header,)
        )
    except KpatchError as error:
        if error.code not in HISTORY_ENDS:
            raise
        return None
    return None if found is None else read_change(job.tree, found)


def _followups(job: HookJob, origin: Change | None) -> tuple[Followup, ...]:
    if origin is None:
        return ()
    job.ports.progress("looking for follow-ups")
    try:
        return find_followups(job.past, origin, tips=find_tips(job.tree))
    except KpatchError as error:
        if error.code not in HISTORY_ENDS:
            raise
        return ()


def _origin_evidence(origin: Change | None) -> Evidence:
    if origin is None:
        return Evidence("history-missing", "no history in this repository shows where the hook comes from")
    return Evidence("origin", f"{_name(origin)} introduced it", commit=origin.commit)


def _present(job: HookJob, presence: Presence, origin: Change | None) -> Answer:
    """There already: is it necessary? The model tells by running without it."""
    evidence: tuple[Evidence, ...] = (*_parts(presence), _origin_evidence(origin))
    job.ports.progress("running the model with the hook")
    patched = _run(job, job.source)
    removed = remove_hook(job.source, job.spec)
    if removed is None:
        control = ModelResult(why="the hook cannot be taken out of this target in memory")
    else:
        job.ports.progress("running the model without the hook")
        control = _run(job, Overlay(job.source, dict(removed)))
    evidence += (Evidence("model", f"with the hook taken out: {control.describe()}"),)
    if control.verdict is Verdict.OK and origin is not None:
        evidence += _redundant_since(job, origin)
    return Answer(
        Outcome.ALREADY_PRESENT,
        f"every part of the hook is there; {_necessity(control, patched)}",
        evidence,
        followups=judge_followups(_followups(job, origin), target=job.source, result=None),
        control=control,
        patched=patched,
    )


def _redundant_since(job: HookJob, origin: Change) -> tuple[Evidence, ...]:
    """The commit that took the cause away, where the target's own history shows it."""
    assert origin.commit is not None, "an origin is a commit"
    until = job.tree.commit(origin.commit)
    trail = job.past.touching((job.spec.call_file,), tips=[job.target.oid], after=until)
    for commit in islice(trail, FAR):
        if probe_cause(job.tree.at(commit.parents[0]), job.spec).state is CauseState.PRESENT:
            if probe_cause(job.tree.at(commit.tree), job.spec).state is CauseState.PRESENT:
                break
            said = f'{commit.oid[:12]} ("{commit.subject}") took the cause away'
            return (Evidence("cause-absent", said, commit=commit.oid),)
    return ()


def _necessity(control: ModelResult, patched: ModelResult) -> str:
    if patched.verdict is not Verdict.OK:
        return f"with it the model says {patched.describe()}"
    if control.verdict.faults:
        return f"it is necessary: without it the model says {control.describe()}"
    if control.verdict is Verdict.OK:
        return "it is redundant: without it the model is OK, too"
    return f"whether it is necessary is not known: {control.describe()}"


def _not_needed(job: HookJob) -> Answer | None:
    """Whether the target is without the cause, by its structure or by what the model says of it."""
    cause = probe_cause(job.source, job.spec)
    job.ports.progress("running the model without the hook")
    control = _run(job, job.source)
    evidence = (*_cause_evidence(cause), Evidence("model", f"the target as it is: {control.describe()}"))
    if control.verdict.faults and cause.state in (CauseState.ABSENT, CauseState.SUPERSEDED):
        reason = f"by its structure the target does without the hook ({cause.reason}), but {control.describe()}"
        return Answer(Outcome.UNDETERMINED, reason, evidence, control=control)
    match cause.state:
        case CauseState.SUPERSEDED:
            reason = f"the code that the hook changes is gone: {cause.reason}"
            return Answer(Outcome.SUPERSEDED, reason, evidence, control=control)
        case CauseState.ABSENT:
            return Answer(Outcome.NOT_AFFECTED, f"the cause is not there: {cause.reason}", evidence, control=control)
        case CauseState.PRESENT | CauseState.UNDETERMINED:
            if control.verdict is Verdict.OK:
                reason = f"the target does without the hook: the model is {control.describe()}"
                return Answer(Outcome.NOT_AFFECTED, reason, evidence, control=control)
            return None
        case _:
            assert_never(cause.state)


def _run(job: HookJob, source: BlobSource, *, first: tuple[str, ...] = ()) -> ModelResult:
    if job.plan_only:
        return ModelResult(why="only the plan was asked for")
    return job.ports.model.run(source, first=first)


def _cause_evidence(cause: Cause) -> tuple[Evidence, ...]:
    kind: Mapping[CauseState, EvidenceId] = {
        CauseState.PRESENT: "cause-present",
        CauseState.UNDETERMINED: "cause-unknown",
        CauseState.ABSENT: "cause-absent",
        CauseState.SUPERSEDED: "code-gone",
    }
    return (
        Evidence(kind[cause.state], cause.reason),
        *(Evidence("features", one.statement, one.where.file, one.where.line) for one in cause.evidence),
        *(Evidence("features", one.statement, one.where.file, one.where.line) for one in cause.repairs),
    )


def _generated(job: HookJob) -> Answer:
    cause = probe_cause(job.source, job.spec)
    job.ports.progress("running the model without the hook")
    control = _run(job, job.source)
    origin = _origin(job)
    followups = _followups(job, origin)
    generated = generate_hook(
        job.source,
        job.spec,
        split=job.split,
        upstream=_upstream(origin),
        followup=next((_upstream(one.change) for one in followups), None),
    )
    if isinstance(generated, Refusal):
        reason = "the hook has no place here: " + "; ".join(lack.message for lack in generated.lacks)
        return Answer(Outcome.CONFLICT, reason, _cause_evidence(cause), control=control, clean=False)
    result = Overlay(job.source, generated.changes)
    answer = Answer(
        Outcome.BACKPORTED,
        "written for this target, and the result holds",
        (*_cause_evidence(cause), _origin_evidence(origin), *_features(generated)),
        followups=judge_followups(followups, target=job.source, result=result),
        hunks=_hunks(job.source, generated),
        control=control,
        plan=tuple(f"{part.file}: {part.part}" for part in generated.parts),
        parts=tuple(Part(step.changes, step.message) for step in generated.steps),
    )
    if job.plan_only:
        return replace(answer, reason="it could be written for this target; nothing was checked or executed")
    job.ports.progress("checking the result")
    checks = job.ports.check(Proposal(job.source, result, generated.changes, generated.messages[0]))
    job.ports.progress("running the model with the hook")
    patched = _run(job, result, first=control.faulting)
    answer = replace(answer, checks=checks, patched=patched)
    if patched.verdict.faults and control.verdict.faults:
        return _with_prerequisites(job, answer, origin)
    if patched.verdict in (Verdict.UNDETERMINED, Verdict.NOT_RUN):
        reason = f"it could be written, but whether the result holds is not known: {patched.describe()}"
        return replace(answer, outcome=Outcome.UNDETERMINED, reason=reason)
    return answer


def _features(generated: Generated) -> tuple[Evidence, ...]:
    """What was read from the target and decides the generated text."""
    features = generated.features
    evidence = []
    if features.reserve is not None:
        evidence.append(
            Evidence("features", f"reserves with {features.reserve.name}({features.reserve.call('start', 'end')})")
        )
    if features.buffer is not None:
        names = ", ".join(one.name for one in (features.buffer.start, features.buffer.end, features.buffer.top))
        place = features.buffer.set_up_at
        evidence.append(Evidence("features", f"the page-table buffer is {names}", place.file, place.line))
    return tuple(evidence)


def _hunks(source: BlobSource, generated: Generated) -> tuple[HunkResult, ...]:
    return tuple(
        HunkResult(file.path, number, HunkClass.GENERATED, "written for this target", hunk.new_start)
        for file in diff_sources(source, generated.changes)
        for number, hunk in enumerate(file.hunks, start=1)
    )


def _with_prerequisites(job: HookJob, answer: Answer, origin: Change | None) -> Answer:
    """The hook alone does not do: which upstream commits have to come first?"""
    answer = replace(
        answer,
        outcome=Outcome.NEEDS_PREREQUISITE,
        reason=f"the hook can be written, but with it alone the model still faults: {answer.patched.describe()}",
    )
    if origin is None or origin.commit is None:
        missing = Evidence(
            "history-missing", "which commits have to come first is undetermined: upstream's history is not here"
        )
        return replace(answer, evidence=(*answer.evidence, missing))
    job.ports.progress("searching prerequisites")

    def attempt(before: BlobSource) -> Mapping[RepoPath, bytes | None] | None:
        generated = generate_hook(before, job.spec)
        return generated.changes if isinstance(generated, Generated) else None

    excused = {(one.id, one.message) for one in answer.checks if one.status is Status.FAIL}

    def is_excused(finding: Finding) -> bool:
        return (finding.id, finding.message) in excused

    found = search_for(
        job.past,
        target=job.target.oid,
        source=job.source,
        upstream=origin.commit,
        paths=job.files,
        attempt=attempt,
        criteria=(
            checks_criterion(job.ports, answer.parts[0].message, is_excused),
            model_criterion(job.ports, first=answer.patched.faulting),
        ),
    )
    if isinstance(found, NotFound):
        return replace(answer, evidence=(*answer.evidence, not_found(found)))
    return replace(
        answer,
        reason=f"{answer.reason}; after {', '.join(map(_name, found.commits))} it is OK",
        prerequisites=relate(
            found.commits, origin, job.source, otherwise="without it the model faults with the hook, too"
        ),
    )


def _upstream(origin: Change | None) -> Upstream | None:
    return None if origin is None or origin.commit is None else Upstream(origin.commit, origin.subject)


def _name(change: Change) -> str:
    return f'{(change.commit or "")[:12]} ("{change.subject}")'
