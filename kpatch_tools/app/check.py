"""Use case: check a patch on a revision, a commit, or each commit of a range."""

from collections.abc import Callable
from dataclasses import dataclass

from kpatch_tools.app.apply import ApplyReport, apply_to
from kpatch_tools.app.checking import check_commit
from kpatch_tools.app.exits import Exit, exit_of_findings
from kpatch_tools.app.ranges import commits_of_range, is_range
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.patch import Patch, patch_of_commit
from kpatch_tools.tree import KernelTree


@dataclass(frozen=True, slots=True)
class Checked:
    """One change and what the checks said. `commit` is None for a patch that is no commit here."""

    name: str
    subject: str
    commit: ObjectId | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """`on` is what a patch was applied to, as typed; None where commits were checked in place."""

    on: str | None
    changes: tuple[Checked, ...]

    @property
    def exit(self) -> Exit:
        return exit_of_findings(finding for change in self.changes for finding in change.findings)


Show = Callable[[Checked], None]


def _silent(_: Checked) -> None:
    return


def check_patches(tree: KernelTree, patches: tuple[Patch, ...], *, on: str, checked: Show = _silent) -> CheckReport:
    """Check the patches of a series on the revision `on`, each on top of those before it that apply.

    A patch that does not apply FAILs `patch-applies`. `checked` is called with each result as it is there.
    """
    done: list[Checked] = []
    before: dict[RepoPath, bytes | None] = {}
    for patch in patches:
        report = apply_to(tree, patch, on, before=before)
        done.append(_checked(report, on))
        checked(done[-1])
        if not report.result.rejects:
            before |= report.changes
    return CheckReport(on, tuple(done))


def check_commit_on(tree: KernelTree, commit: str, *, on: str, checked: Show = _silent) -> CheckReport:
    """Check a commit's change as a patch on another revision.

    Raises KpatchError "unknown-revision", "merge-commit".
    """
    data = tree.commit(tree.resolve(commit).oid)
    if len(data.parents) > 1:
        raise KpatchError("merge-commit", f"{commit} is a merge, not one change", hint="name a commit with one parent")
    return check_patches(tree, (patch_of_commit(tree, data.oid),), on=on, checked=checked)


def check_commits(
    tree: KernelTree, spelled: str, *, progress: Callable[[str], None] = lambda _: None, checked: Show = _silent
) -> CheckReport:
    """Check a commit, or the commits of `A..B` oldest first (merges left out), each against its parent.

    `checked` is called with each result as it is there.

    Raises KpatchError "unknown-revision", "empty-range", and "bad-range" for `A...B`, which is no line of commits.
    """
    if not is_range(spelled):
        only = _check_commit(tree, tree.resolve(spelled).oid)
        checked(only)
        return CheckReport(None, (only,))
    commits = commits_of_range(tree, spelled)
    done = []
    for number, one in enumerate(commits, start=1):
        progress(f"{number} of {len(commits)}, {one.subject}")
        done.append(_check_commit(tree, one.oid))
        checked(done[-1])
    return CheckReport(None, tuple(done))


def _check_commit(tree: KernelTree, commit: ObjectId) -> Checked:
    return Checked(commit[:12], tree.commit(commit).subject, commit, check_commit(tree, commit))


def _checked(report: ApplyReport, on: str) -> Checked:
    patch = report.patch
    findings = report.findings
    if report.result.rejects:
        findings = tuple(
            Finding("patch-applies", Status.FAIL, f"a hunk does not apply to {on}: {reject.reason}", reject.file.path)
            for reject in report.result.rejects
        )
    return Checked(patch.subject or "patch", patch.subject, patch.commit, findings)
