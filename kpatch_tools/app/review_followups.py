"""What upstream did later to the commit that a backport cites, as a check of a review."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpatch_tools.app.review_rules import FOLLOWUPS
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.source import BlobSource
from kpatch_tools.patch import upstream_reference

if TYPE_CHECKING:
    from kpatch_tools.backport import Past

_STRONG = ("Fixes: it", "takes it back", "only touches what this change added")


@dataclass(frozen=True, slots=True)
class FollowupReview:
    """Asks the index of the history; without one it would take too long to ask for each patch.

    `past` opens the history, which is asked for only where a patch cites an upstream commit.
    """

    past: "Callable[[], Past]"

    def findings(self, message: bytes, before: BlobSource, after: BlobSource) -> Iterator[Finding]:
        """WARN for each follow-up that neither `before` nor the series' end, `after`, has; else one PASS or SKIP."""
        reference = upstream_reference(message)
        if reference is None:
            yield Finding(FOLLOWUPS.id, Status.SKIP, "the message names no upstream commit")
            return
        # Few patches are backports, and what follows takes a fifth of a second to import.
        from kpatch_tools.backport import WalkedPast, find_tips, read_change
        from kpatch_tools.backport.followups import find_followups, judge_followups

        past = self.past()
        if isinstance(past, WalkedPast):
            hint = "kpt backport … --index makes one"
            yield Finding(FOLLOWUPS.id, Status.SKIP, "there is no index of the history to look them up in", hint=hint)
            return
        try:
            change = read_change(past.tree, past.tree.commit(past.tree.commit_id(reference)))
        except KpatchError:
            yield Finding(FOLLOWUPS.id, Status.SKIP, f"upstream commit {reference} is not in this repository")
            return
        found = find_followups(past, change, tips=find_tips(past.tree))
        strong = [one for one in found if one.why in _STRONG]
        missing = [one for one in judge_followups(strong, target=before, result=after) if one.state == "missing"]
        for one in missing:
            text = f'upstream commit {one.commit[:12]} ("{one.subject}") is not there: {one.why}'
            yield Finding(
                FOLLOWUPS.id, Status.WARN, text, hint=f"kpt backport {one.commit[:12]} says whether it is needed"
            )
        if not missing:
            yield Finding(FOLLOWUPS.id, Status.PASS, f"all {len(strong)} follow-ups of {reference[:12]} are there")
