"""Use case, the main job: a hook, a commit or a patch for another version; then, only if asked, files or a branch."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from kpatch_tools.app.apply import author_signature
from kpatch_tools.app.backport_conflict import find_left, format_left, format_rejects, mark_conflicts
from kpatch_tools.app.backport_message import Wording, first_message, last_message
from kpatch_tools.app.backport_writing import Places, write_parts
from kpatch_tools.app.checking import check_changes
from kpatch_tools.app.recall import WALK, Recall
from kpatch_tools.app.report import BackportReport
from kpatch_tools.app.staging import staged
from kpatch_tools.app.targets import kernel_at
from kpatch_tools.backport import (
    Answer,
    Change,
    Evidence,
    HookJob,
    Job,
    Modelling,
    Outcome,
    Past,
    Ports,
    Proposal,
    RememberingModel,
    backport_change,
    backport_hook,
    carry_change,
    change_of_patch,
    find_renames,
    read_change,
    settle_hook,
)
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.core.ids import ObjectId
from kpatch_tools.core.source import Overlay
from kpatch_tools.hooks.patches.presence import PresenceState, probe_presence
from kpatch_tools.hooks.patches.spec import HOOKS, HookSpec, load_hook
from kpatch_tools.patch import (
    Patch,
    diff_sources,
    patch_id,
    special_at,
)
from kpatch_tools.patch.compare import FileComparison, compare_edits
from kpatch_tools.tree import KernelTree, Revision, Signature


@dataclass(frozen=True, slots=True)
class BackportRequest:
    """What was asked for.

    `subject` is the name of a bundled hook, a revision, or a Patch, which the next command names as `spelled`. `out` is
    a folder for mails (None: no files; the mails themselves are in the report if `mails` is set), `branch` a new branch
    for the commits. `when` and `offset` are the moment, in seconds since the epoch and minutes east of UTC; `identity`
    is who commits, None for whom git's configuration names. `wording` is how the result reads. Where the change does
    not go on cleanly, `rejects` is a folder for what is left, `conflict_branch` a new branch for what could be done.
    """

    target: str
    subject: str | Patch = HOOKS[0]
    spelled: str = "PATCH"
    out: Path | None = None
    mails: bool = False
    branch: str | None = None
    force: bool = False
    split: bool = False
    dry_run: bool = False
    identity: Signature | None = None
    when: int = 0
    offset: int = 0
    wording: Wording = field(default_factory=Wording)
    compare: bool = False
    rejects: Path | None = None
    conflict_branch: str | None = None


@dataclass(frozen=True, slots=True)
class _Subject:
    """`spelled` is how to name it on the command line, `author` None for the user's own."""

    spelled: str
    title: str
    author: Signature | None
    hook: HookSpec | None
    change: Change | None


def backport(
    request: BackportRequest,
    tree: KernelTree,
    *,
    model: Modelling,
    progress: Callable[[str], None] = lambda _: None,
    recall: Recall = WALK,
) -> BackportReport:
    """Do the main job. Nothing is written unless files or a branch were asked for, and then only of a clean result.

    KpatchError: unknown-revision, merge-commit, not-a-file, root-commit, not-a-kernel-tree, branch-exists, no-identity,
    read-only-repository, existing-file, shallow-history.
    """
    target = kernel_at(tree, request.target)
    subject = _read_subject(request, tree)
    writing = (request.out is not None or request.branch is not None or request.mails) and not request.dry_run
    identity = (request.identity or tree.identity()) if writing or request.conflict_branch else None
    for branch in (request.branch if writing else None, request.conflict_branch):
        if branch is not None:
            _require_no_branch(tree, branch)

    def check(proposal: Proposal) -> tuple[Finding, ...]:
        return check_changes(tree, proposal.before, proposal.changes, proposal.message)

    named = (target.oid, *((subject.change.commit,) if subject.change and subject.change.commit else ()))
    past = recall.open(tree, named, progress=progress)
    answer = _answer(request, past, target, subject, Ports(check, RememberingModel(model), progress))
    report = BackportReport(
        subject=subject.title,
        target=target.describe if target.describe != target.oid[:12] else request.target,
        target_commit=target.oid,
        answer=answer,
        next_command=_next(request, subject, answer),
        warnings=_warnings(request, answer),
        dry_run=request.dry_run,
    )
    if request.compare and subject.change is not None and answer.parts:
        report = replace(report, comparison=_compared(tree, report, subject.change))
    if not answer.clean and subject.change is not None and not request.dry_run:
        return _write_conflict(request, tree, report, subject, identity)
    is_wanted = answer.outcome is Outcome.BACKPORTED or request.force
    if not writing or identity is None or not is_wanted or not answer.parts or not answer.clean:
        return report
    return _write(request, tree, report, subject, replace(identity, when=request.when, offset=request.offset))


def _require_no_branch(tree: KernelTree, branch: str) -> None:
    """An existing branch is told before the work, not after it; the write itself compares and swaps all the same."""
    name = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
    try:
        tree.resolve(name)
    except KpatchError:
        return
    hint = f"name another branch, or git branch -D {shlex.quote(branch)}"
    raise KpatchError("branch-exists", f"branch {branch!r} exists already", hint=hint)


def _read_subject(request: BackportRequest, tree: KernelTree) -> _Subject:
    if isinstance(request.subject, Patch):
        return _patch_subject(request.subject, request, tree)
    if request.subject in HOOKS:
        spec = load_hook(request.subject)
        return _Subject(spec.name, f"hook {spec.path}", None, spec, None)
    commit = tree.commit(_resolve_subject(tree, request.subject))
    title = f'{commit.oid[:12]} ("{commit.subject}")'
    return _Subject(request.subject, title, commit.author, None, read_change(tree, commit))


def author_of(request: BackportRequest, tree: KernelTree) -> Signature | None:
    """Who wrote the subject; None for a bundled hook, and a patch that names nobody."""
    return _read_subject(request, tree).author


def _resolve_subject(tree: KernelTree, spelled: str) -> ObjectId:
    try:
        return tree.resolve(spelled).oid
    except KpatchError as error:
        if error.code != "unknown-revision":
            raise
        hint = f"{error.hint}; bundled hooks are {', '.join(HOOKS)}; a patch is named by its file"
        raise KpatchError(error.code, error.message, hint=hint) from error


def _patch_subject(patch: Patch, request: BackportRequest, tree: KernelTree) -> _Subject:
    """A mail that says which commit it was made from, and is that commit, is treated as the commit."""
    change = change_of_patch(patch)
    if patch.commit is not None and tree.has_object(patch.commit):
        commit = tree.commit(patch.commit)
        known = read_change(tree, commit) if len(commit.parents) == 1 else None
        if known is not None and patch_id(known.files) == patch_id(patch.files):
            change = replace(known, message=patch.message)
    now = Signature("", "", request.when, request.offset)
    author = author_signature(patch, now) if patch.author is not None else None
    return _Subject(request.spelled, f'patch "{patch.subject}"' if patch.subject else "patch", author, None, change)


def _answer(request: BackportRequest, past: Past, target: Revision, subject: _Subject, ports: Ports) -> Answer:
    tree = past.tree
    if subject.hook is not None:
        return backport_hook(
            HookJob(tree, subject.hook, target, ports, request.force, request.split, request.dry_run, past)
        )
    change = subject.change
    assert change is not None, "a subject is a hook or a change"
    if not change.files:
        raise KpatchError("empty-change", f"{subject.title} changes no file", hint="name a commit that changes one")
    _require_files(tree, target, change)
    message = first_message(change, request.wording.reference)
    job = Job(tree, change, message, target, ports, request.force, request.dry_run, past)
    spec = _brought_hook(change)
    if spec is not None:
        settled = settle_hook(
            HookJob(tree, spec, target, ports, request.force, plan_only=request.dry_run, known=past), origin=change
        )
        if settled is not None:
            return settled
    return _with_completion(backport_change(job), job)


def _require_files(tree: KernelTree, target: Revision, change: Change) -> None:
    """What a change says of a file is nothing to say of a link or a submodule of that name."""
    source = tree.at(target)
    for file in change.files:
        if {file.old_mode, file.new_mode} & {0o120000, 0o160000}:
            continue
        for path in (file.old_path, file.new_path):
            special = special_at(source, path) if path is not None else None
            if special is not None:
                raise KpatchError(
                    "not-a-file",
                    f"{target.spelled}: {special} there, and the change is one to the file {path}",
                    hint="kpt follows no link and replaces nothing but files: do this one by hand",
                )


def _brought_hook(change: Change) -> HookSpec | None:
    """The bundled hook that this very change introduces: then more is known about it than its lines."""
    if change.before is None or change.after is None:
        return None
    for spec in map(load_hook, HOOKS):
        if spec.table_header not in change.touched:
            continue
        if (
            probe_presence(change.before, spec).state == "absent"
            and probe_presence(change.after, spec).state == "present"
        ):
            return spec
    return None


def _with_completion(answer: Answer, job: Job) -> Answer:
    """Say so where a patch is only a part of a bundled hook: what it lacks can be written for the target."""
    # What the patch brings counts, also where it uses what is not there: that is what makes it a part.
    changes = carry_change(job.change, job.source, guarded=False).changes if answer.parts else {}
    for spec in map(load_hook, HOOKS):
        if not {spec.override_file, spec.table_header, spec.call_file} & set(changes):
            continue
        if probe_presence(job.source, spec).state is not PresenceState.ABSENT:
            continue
        result = probe_presence(Overlay(job.source, changes), spec)
        if result.state is not PresenceState.PARTIAL:
            continue
        missing = ", ".join(f"{part.name} ({part.file})" for part in result.missing)
        said = Evidence("incomplete-patch", f"the patch is a part of the bundled hook {spec.name}; it lacks: {missing}")
        return replace(answer, evidence=(*answer.evidence, said))
    return answer


def _warnings(request: BackportRequest, answer: Answer) -> tuple[str, ...]:
    warnings = [
        f'follow-up {one.commit[:12]} ("{one.subject}") is missing in {request.target}: {one.why}'
        for one in answer.followups
        if one.state == "missing" and answer.outcome in (Outcome.ALREADY_PRESENT, Outcome.BACKPORTED)
    ]
    warnings += [one.message for one in answer.evidence if one.id in ("incomplete-patch", "repaired")]
    return tuple(warnings)


def _next(request: BackportRequest, subject: _Subject, answer: Answer) -> str:
    target = shlex.quote(request.target)
    again = f"kpt backport {shlex.quote(subject.spelled)} --to"
    if any(one.id == "incomplete-patch" for one in answer.evidence):
        return f"kpt backport {HOOKS[0]} --to {target}"
    if answer.prerequisites:
        return _with_prerequisites_first(request, answer, again)
    if answer.outcome is Outcome.BACKPORTED:
        if request.branch is not None:
            return f"git log -p --reverse {target}..{shlex.quote(request.branch)}"
        if request.out is not None:
            return f"git am {shlex.quote(str(request.out))}/*.patch"
        return f"{again} {target} -o patches"
    missing = [one for one in answer.followups if one.state == "missing"]
    if answer.outcome is Outcome.ALREADY_PRESENT and missing:
        return f"kpt backport {missing[0].commit[:12]} --to {target}"
    if answer.outcome is Outcome.CONFLICT and subject.change is not None and subject.change.commit is not None:
        return f"git switch -c backport {target} && git cherry-pick -x {subject.change.commit[:12]}"
    if answer.outcome in (Outcome.NOT_AFFECTED, Outcome.PARTIALLY_PRESENT):
        return f"{again} {target} --force"
    return f"kpt model --rev {target}"


def _with_prerequisites_first(request: BackportRequest, answer: Answer, again: str) -> str:
    """Each prerequisite onto a branch of its own, then the subject onto the last; by itself none need be flawless."""
    name = "kpt/" + re.sub(r"[^A-Za-z0-9.]+", "-", request.target)
    steps, base = [], shlex.quote(request.target)
    for number, one in enumerate(answer.prerequisites, start=1):
        steps.append(f"kpt backport {one.commit[:12]} --to {base} --branch {name}-{number} --force")
        base = f"{name}-{number}"
    return "; ".join((*steps, f"{again} {base}"))


def _write(
    request: BackportRequest, tree: KernelTree, report: BackportReport, subject: _Subject, identity: Signature
) -> BackportReport:
    author = subject.author or identity
    report = worded(report, request.wording, identity)
    written = write_parts(
        tree,
        report.target_commit,
        [(part, author) for part in report.answer.parts],
        identity,
        Places(request.out, request.mails, request.branch),
        request.wording,
    )
    return replace(report, patches=written.patches, files=written.files, branch=request.branch, commits=written.commits)


def worded(report: BackportReport, wording: Wording, identity: Signature) -> BackportReport:
    """The report with its parts' messages as they are to be written: each notes what was done in its own files."""
    parts = []
    for part in report.answer.parts:
        hunks = [one for one in report.answer.hunks if one.file in part.changes or one.kind is HunkClass.DROPPED]
        parts.append(replace(part, message=last_message(part.message, hunks, wording, identity)))
    return replace(report, answer=replace(report.answer, parts=tuple(parts)))


def _compared(tree: KernelTree, report: BackportReport, change: Change) -> tuple[FileComparison, ...]:
    source = tree.at(report.target_commit)
    modes = {path: mode for part in report.answer.parts for path, mode in part.modes.items()}
    result = diff_sources(source, report.changes, modes=modes)
    return compare_edits(change.files, result, find_renames(tree, change, target=source))


def _write_conflict(
    request: BackportRequest,
    tree: KernelTree,
    report: BackportReport,
    subject: _Subject,
    identity: Signature | None,
) -> BackportReport:
    """Rejects, and the tree with markers, for a person to go on from; each only if asked for."""
    change = subject.change
    assert change is not None, "what is generated has no conflicts"
    source = tree.at(report.target_commit)
    left = find_left(change, report.answer.hunks, find_renames(tree, change, target=source))
    with staged(request.rejects, format_rejects(left)) as put:
        if request.conflict_branch is not None and identity is not None:
            now = replace(identity, when=request.when, offset=request.offset)
            message = first_message(change, request.wording.reference)
            tree.write(
                base=report.target_commit,
                changes=mark_conflicts(change, left, source, report.changes, report.target_commit),
                modes={path: mode for part in report.answer.parts for path, mode in part.modes.items()},
                message=message.rstrip(b"\n") + b"\n\n" + format_left(left),
                author=subject.author or now,
                committer=now,
                ref=request.conflict_branch,
            )
        files = put()
    report = replace(report, rejects=files, conflict_branch=request.conflict_branch)
    if request.conflict_branch is None:
        return report
    return replace(report, next_command=f"git switch {shlex.quote(request.conflict_branch)}")
