"""The part of the main job that reads nothing but the text of both versions: milliseconds, for queues."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kpatch_tools.app.backport_accept import Accepted
from kpatch_tools.app.report import BackportReport, objections
from kpatch_tools.backport import Change, HunkResult, Outcome, carry_change, find_renames, is_present
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.hunkclass import HunkClass, worst_class
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.tree import KernelTree, TreeAt

QuickStatus = Literal["applied", "offered", "conflict", "present"]


@dataclass(frozen=True, slots=True)
class QuickAnswer:
    """What came of one change.

    `status` is applied (every hunk is of an accepted class), offered (there is a result, and a hunk's class is not
    accepted), conflict (a person is needed), or present (nothing is to be done). `changes` is the result against the
    target; on a conflict it is what could be done. `hunks` are in the change's order; none where the change is present.
    """

    status: QuickStatus
    reason: str
    hunks: tuple[HunkResult, ...] = ()
    changes: Mapping[RepoPath, bytes | None] = field(default_factory=dict)
    modes: Mapping[RepoPath, int] = field(default_factory=dict)

    @property
    def worst(self) -> HunkClass | None:
        """None where nothing was carried."""
        return worst_class(hunk.kind for hunk in self.hunks) if self.hunks else None


def carry_quickly(tree: KernelTree, change: Change, source: TreeAt, accepted: Accepted) -> QuickAnswer:
    """Carry `change` to `source`, unless it is there already. Nothing is checked, executed or written."""
    renamed = find_renames(tree, change, target=source)
    pick = carry_change(change, source, renamed=renamed)
    if pick.clean and not pick.changes:
        return QuickAnswer("present", "the target has all of its lines")
    # Where each hunk stands in its own unchanged context, its lines cannot be there as well: that is seldom asked.
    is_plain = all(hunk.kind is HunkClass.EXACT for hunk in pick.hunks)
    if not is_plain and is_present(change, source, renamed=renamed):
        return QuickAnswer("present", "all of its code is in the target")
    if not pick.clean:
        if _is_ancestor(tree, change.commit, source.oid):
            return QuickAnswer("present", "the commit itself is in the target's history")
        needy = [hunk for hunk in pick.hunks if hunk.kind is HunkClass.NEEDS_HUMAN]
        reason = "; ".join(dict.fromkeys(f"{hunk.file}: {hunk.why}" for hunk in needy))
        return QuickAnswer("conflict", reason, pick.hunks, pick.changes, pick.modes)
    counts = Counter(hunk.kind for hunk in pick.hunks)
    reason = ", ".join(f"{count} {kind.label}" for kind, count in sorted(counts.items()))
    status: QuickStatus = "applied" if accepted.takes(counts) else "offered"
    return QuickAnswer(status, reason, pick.hunks, pick.changes, pick.modes)


def answer_of_report(report: BackportReport, accepted: Accepted) -> QuickAnswer:
    """What the whole job's report says in a queue's words: applied only if no check and no model objects, either."""
    answer = report.answer
    if report.outcome in (Outcome.ALREADY_PRESENT, Outcome.NOT_AFFECTED, Outcome.SUPERSEDED):
        return QuickAnswer("present", answer.reason)
    modes = {path: mode for part in answer.parts for path, mode in part.modes.items()}
    status: QuickStatus = "conflict"
    if report.outcome is Outcome.BACKPORTED and answer.clean:
        is_taken = accepted.takes(hunk.kind for hunk in answer.hunks) and not objections(report)
        status = "applied" if is_taken else "offered"
    return QuickAnswer(status, answer.reason, answer.hunks, report.changes, modes)


def _is_ancestor(tree: KernelTree, commit: ObjectId | None, target: ObjectId) -> bool:
    """In a shallow clone, whose history ends before the answer, it is taken for none."""
    try:
        return commit is not None and tree.is_ancestor(commit, target)
    except KpatchError:
        return False
