"""What the main job reports: one frozen value with the fields of the command line's contract, and its exit code."""

from collections.abc import Mapping
from dataclasses import dataclass

from kpatch_tools.backport import Answer, ModelResult, Outcome, RelatedCommit, Verdict
from kpatch_tools.core.finding import Status, finding_fields
from kpatch_tools.core.hunkclass import HunkClass, worst_class
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.patch.compare import FileComparison

from .exits import Exit


@dataclass(frozen=True, slots=True)
class PatchFile:
    """One mail that `git am` takes: its suggested name, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class BackportReport:
    """The answer of the main job, and what was written because it was asked for.

    `subject` and `target` are for people, `target_commit` is what the target resolved to. `patches` are the result as
    mails, empty unless patches were asked for; `commits` and `branch` likewise. `next_command` is the exact command to
    run next. `rejects` are the files and `conflict_branch` the branch that were written of what did not go on cleanly,
    `comparison` is how the edit compares with upstream's; none unless asked for.
    """

    subject: str
    target: str
    target_commit: ObjectId
    answer: Answer
    next_command: str
    warnings: tuple[str, ...] = ()
    patches: tuple[PatchFile, ...] = ()
    files: tuple[str, ...] = ()
    branch: str | None = None
    commits: tuple[ObjectId, ...] = ()
    dry_run: bool = False
    rejects: tuple[str, ...] = ()
    conflict_branch: str | None = None
    comparison: tuple[FileComparison, ...] = ()

    @property
    def outcome(self) -> Outcome:
        return self.answer.outcome

    @property
    def worst(self) -> HunkClass:
        """The class of the whole: its worst hunk's."""
        return worst_class(hunk.kind for hunk in self.answer.hunks)

    @property
    def changes(self) -> Mapping[RepoPath, bytes | None]:
        """The result's complete new contents against the target; None deletes."""
        changes: dict[RepoPath, bytes | None] = {}
        for part in self.answer.parts:
            changes.update(part.changes)
        return changes

    @property
    def exit(self) -> Exit:
        return exit_of_backport(self)


_DONE = (Outcome.ALREADY_PRESENT, Outcome.NOT_AFFECTED, Outcome.SUPERSEDED)
_PERSON = (Outcome.CONFLICT, Outcome.NEEDS_PREREQUISITE, Outcome.PARTIALLY_PRESENT)


def exit_of_backport(report: BackportReport) -> Exit:
    """What the answer means to a script. The control run never decides."""
    if report.outcome in _DONE:
        return Exit.DONE
    if report.outcome in _PERSON:
        return Exit.PERSON
    if report.outcome is Outcome.UNDETERMINED:
        return Exit.UNDETERMINED
    return Exit.PERSON if report.worst >= HunkClass.DROPPED else objections(report)


def objections(report: BackportReport) -> Exit:
    """What the checks and the model say of the result, whatever its classes are."""
    statuses = {finding.status for finding in report.answer.checks}
    patched = report.answer.patched.verdict
    if Status.FAIL in statuses or patched.faults:
        return Exit.PERSON
    if Status.ERROR in statuses or patched is Verdict.UNDETERMINED:
        return Exit.UNDETERMINED
    return Exit.DONE


def fields_of_backport(report: BackportReport) -> dict[str, object]:
    """The JSON form, without the schema's number."""
    answer = report.answer
    return {
        "outcome": answer.outcome.value,
        "reason": answer.reason,
        "subject": report.subject,
        "target": report.target,
        "target_commit": report.target_commit,
        "class": report.worst.label if answer.hunks else None,
        "evidence": [
            {"id": one.id, "message": one.message, "file": one.file, "line": one.line, "commit": one.commit}
            for one in answer.evidence
        ],
        "prerequisites": [_related(one) for one in answer.prerequisites],
        "followups": [_related(one) for one in answer.followups],
        "hunks": [
            {"file": one.file, "hunk": one.number, "class": one.kind.label, "line": one.line, "why": one.why}
            for one in answer.hunks
        ],
        "checks": [finding_fields(one) for one in answer.checks],
        "model": _model(answer.control, answer.patched),
        "plan": list(answer.plan),
        "warnings": list(report.warnings),
        "dry_run": report.dry_run,
        "branch": report.branch,
        "commits": list(report.commits),
        "files": list(report.files),
        "rejects": list(report.rejects),
        "conflict_branch": report.conflict_branch,
        "comparison": [
            {
                "file": one.path,
                "equal": one.equal,
                "moved": one.moved,
                "only_upstream": [_edit(*line) for line in one.missing],
                "only_here": [_edit(*line) for line in one.extra],
            }
            for one in report.comparison
        ],
        "next": report.next_command,
    }


def _edit(kind: str, text: bytes) -> str:
    return kind + text.decode("utf-8", "backslashreplace")


def _related(one: RelatedCommit) -> dict[str, object]:
    return {"commit": one.commit, "subject": one.subject, "kind": one.kind, "state": one.state, "why": one.why}


def _model(control: ModelResult, patched: ModelResult) -> dict[str, object]:
    """One verdict for each side, then both sides layout by layout; null where a layout was not run."""
    runs = {"control": {run.layout: run for run in control.runs}, "patched": {run.layout: run for run in patched.runs}}
    layouts: list[dict[str, object]] = []
    for name in dict.fromkeys((*runs["control"], *runs["patched"])):
        row: dict[str, object] = {"layout": name}
        for side, by_layout in runs.items():
            run = by_layout.get(name)
            row[side] = None if run is None else run.verdict.value
            row[f"{side}_why"] = None if run is None else run.why
        layouts.append(row)
    return {
        "control": control.verdict.value,
        "patched": patched.verdict.value,
        "control_why": "" if control.runs else control.why,
        "patched_why": "" if patched.runs else patched.why,
        "layouts": layouts,
    }
