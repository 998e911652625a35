"""One line for each finding, as checkpatch --terse and compilers print them: editors jump to it."""

from collections.abc import Sequence

from kpatch_tools.core.finding import Status
from kpatch_tools.review.rules import Rules
from kpatch_tools.review.statements import statements, summary
from kpatch_tools.review.values import Review

_WORDS = {Status.FAIL: "ERROR", Status.ERROR: "UNDETERMINED", Status.WARN: "WARNING"}


def format_terse(reviews: Sequence[Review], rules: Rules) -> str:
    """`file:line: ERROR: id: message`, and after each series its sum."""
    return "".join(map(_series, reviews))


def _series(review: Review) -> str:
    lines = [
        f"{one.file or '-'}:{one.finding.line or 0}: {_WORDS[one.finding.status]}: {one.finding.id}: "
        + " ".join(one.finding.message.split())
        for one in statements(review)
    ]
    return "\n".join([*lines, f"total: {summary(review)}"]) + "\n"
