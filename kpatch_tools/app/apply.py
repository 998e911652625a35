"""Use case: apply a patch to a revision in memory, and refuse what would be wrong although it applies."""

from collections.abc import Mapping
from dataclasses import dataclass

from kpatch_tools.app.checking import check_changes
from kpatch_tools.app.exits import Exit, exit_of_findings
from kpatch_tools.app.targets import kernel_at, require_files
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.core.source import Overlay
from kpatch_tools.patch import ApplyResult, Patch, apply_patch, diff_sources, parse_date
from kpatch_tools.tree import KernelTree, Revision, Signature


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What applying came to. `changes` are complete new contents; `findings` are empty where hunks were rejected."""

    revision: Revision
    patch: Patch
    result: ApplyResult
    findings: tuple[Finding, ...]

    @property
    def changes(self) -> Mapping[RepoPath, bytes | None]:
        return self.result.changes

    @property
    def exit(self) -> Exit:
        """PERSON where a hunk was rejected or a check FAILs."""
        return Exit.PERSON if self.result.rejects else exit_of_findings(self.findings)


def apply_to(
    tree: KernelTree,
    patch: Patch,
    revision: str,
    *,
    fuzz: int = 0,
    before: Mapping[RepoPath, bytes | None] | None = None,
) -> ApplyReport:
    """Apply `patch` to the tree at `revision`, then check the result. Nothing is written.

    `before` are changes made to the revision first (the earlier patches of a series); the result does not hold them.

    Raises KpatchError "unknown-revision", "not-a-kernel-tree", "file-absent".
    """
    target = kernel_at(tree, revision)
    source = Overlay(tree.at(target), dict(before)) if before else tree.at(target)
    result = apply_patch(patch.files, source, fuzz=fuzz)
    require_files(source, revision, result.rejects)
    findings = () if result.rejects else check_changes(tree, source, result.changes, patch.message)
    return ApplyReport(target, patch, result, findings)


def commit_applied(tree: KernelTree, report: ApplyReport, *, branch: str, now: Signature) -> ObjectId:
    """Write the result as one commit on a new `branch`: objects first, then the ref.

    The patch's author and date are kept; `now` is the committer, and the author where the patch names none.
    Raises KpatchError "nothing-to-write" where the report refuses, "branch-exists", "read-only-repository".
    """
    if report.exit is not Exit.DONE:
        raise KpatchError("nothing-to-write", "the patch was refused", hint="see the report; nothing was written")
    author = report.patch.author
    return tree.write(
        base=report.revision.oid,
        changes=report.changes,
        modes=report.result.modes,
        message=report.patch.message or b"(no message)\n",
        author=now if author is None else author_signature(report.patch, now),
        committer=now,
        ref=branch,
    )


def author_signature(patch: Patch, now: Signature) -> Signature:
    """The patch's author with the date its mail gives; `now`'s date where it gives none that can be read."""
    if patch.author is None:
        return now
    when, offset = parse_date(patch.date or "") or (now.when, now.offset)
    return Signature(patch.author.name, patch.author.email, when, offset)


def rebased_patch(report: ApplyReport, tree: KernelTree) -> Patch:
    """The same patch with hunks and blob ids as they stand in the target."""
    from dataclasses import replace

    result = report.result
    return replace(report.patch, files=diff_sources(tree.at(report.revision), result.changes, modes=result.modes))
