"""reviewdog's Diagnostic Format (rdjson).

Source: reviewdog/reviewdog proto/rdf/reviewdog.proto#DiagnosticResult.
"""

import json
from collections.abc import Sequence

from kpatch_tools.core.finding import Status
from kpatch_tools.review.rules import Rules
from kpatch_tools.review.statements import Statement, statements
from kpatch_tools.review.values import Review

_SEVERITIES = {Status.FAIL: "ERROR", Status.ERROR: "WARNING", Status.WARN: "INFO"}


def format_rdformat(reviews: Sequence[Review], rules: Rules) -> str:
    """One DiagnosticResult; findings about no file are left to the other formats, for each needs a path."""
    fields = {
        "source": {"name": "kpt"},
        "diagnostics": [_diagnostic(one) for review in reviews for one in statements(review) if one.file],
    }
    return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


def _diagnostic(one: Statement) -> dict[str, object]:
    location: dict[str, object] = {"path": one.file}
    if one.finding.line:
        location["range"] = {"start": {"line": one.finding.line}}
    return {
        "message": one.text,
        "location": location,
        "severity": _SEVERITIES[one.finding.status],
        "code": {"value": one.finding.id},
    }
