"""b4's protocol for review checks: a list of {tool, status, summary, details}; the whole list on standard output.

Source: mricon/b4 src/b4/review/checks.py (0.16): `details` is itself JSON, a list of {status, description}; b4 gives
one patch on standard input and shows what comes back beside it.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from kpatch_tools.core.finding import Status
from kpatch_tools.review.rules import Rules
from kpatch_tools.review.statements import Statement, statements, summary
from kpatch_tools.review.values import COMPLETE, Review

_STATUSES = {Status.FAIL: "fail", Status.ERROR: "warn", Status.WARN: "warn"}


def format_b4(reviews: Sequence[Review], rules: Rules) -> str:
    """One entry for each series; b4 gives one patch at a time."""
    return json.dumps([_entry(review) for review in reviews], ensure_ascii=False) + "\n"


def _entry(review: Review) -> dict[str, str]:
    # The others of a series come each on their own.
    review = replace(review, general=tuple(one for one in review.general if one.id != COMPLETE))
    found = list(statements(review))
    fields = {"tool": "kpt", "status": _STATUSES.get(review.status, "pass"), "summary": summary(review)}
    if found:
        fields["details"] = json.dumps([_detail(one) for one in found], ensure_ascii=False)
    return fields


def _detail(one: Statement) -> dict[str, str]:
    place = f"{one.finding.file}:{one.finding.line or 0}: " if one.finding.file else ""
    return {
        "status": _STATUSES[one.finding.status],
        "description": f"{place}{one.finding.id}: {one.text}",
    }
