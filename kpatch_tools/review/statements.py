"""The findings of a review in one list, as most renderers want them."""

from collections.abc import Iterator
from dataclasses import dataclass

from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import RepoPath

from .values import Placed, Review, Reviewed


@dataclass(frozen=True, slots=True)
class Statement:
    """One finding that says something. `patch` is None where it is about the series."""

    placed: Placed
    patch: Reviewed | None

    @property
    def finding(self) -> Finding:
        return self.placed.finding

    @property
    def file(self) -> RepoPath | None:
        """The finding's file; of one that names none, the first that its patch touches."""
        if self.finding.file is not None:
            return self.finding.file
        return self.patch.touched[0] if self.patch is not None and self.patch.touched else None

    @property
    def number(self) -> int:
        """The patch's number; 0 for the series."""
        return self.patch.sent.number if self.patch is not None else 0

    @property
    def text(self) -> str:
        """The message with what is known to help."""
        hint = self.finding.hint
        return f"{self.finding.message} (next: {hint})" if hint else self.finding.message


def statements(review: Review, *, every: bool = False) -> Iterator[Statement]:
    """WARN, ERROR and FAIL, the series' own first, then patch by patch; what the base had already and what a later
    patch mends only with `every`."""
    for finding in review.general:
        if finding.status >= Status.WARN:
            yield Statement(Placed(finding), None)
    for patch in review.patches:
        for placed in patch.findings:
            if placed.finding.status >= Status.WARN and (every or placed.counts):
                yield Statement(placed, patch)


def told(status: Status) -> str:
    """A status for people, to whom a check that had nothing to look at is no news."""
    return Status.PASS.name if status is Status.SKIP else status.name


def summary(review: Review) -> str:
    """In a few words: "1 failure, 2 warnings in 3 patches"."""
    counts = dict.fromkeys((Status.FAIL, Status.ERROR, Status.WARN), 0)
    for one in statements(review):
        counts[one.finding.status] += 1
    words = {Status.FAIL: "failure", Status.ERROR: "check without an answer", Status.WARN: "warning"}
    plural = {Status.FAIL: "failures", Status.ERROR: "checks without an answer", Status.WARN: "warnings"}
    said = [f"{count} {words[status] if count == 1 else plural[status]}" for status, count in counts.items() if count]
    patches = len(review.patches)
    return f"{', '.join(said) if said else 'nothing found'} in {patches} {'patch' if patches == 1 else 'patches'}"
