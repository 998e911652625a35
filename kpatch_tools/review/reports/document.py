"""The whole reviews as one JSON document: stable fields, schema 1."""

import json
from collections.abc import Sequence

from kpatch_tools.core.finding import finding_fields
from kpatch_tools.review.rules import Rules
from kpatch_tools.review.values import Base, Placed, Review, Reviewed


def review_fields(review: Review) -> dict[str, object]:
    """Everything, what does not count included and marked."""
    submission = review.submission
    return {
        "subject": submission.subject,
        "version": submission.version,
        "message_id": submission.envelope.message_id or None,
        "from": submission.envelope.sender or None,
        "status": review.status.name,
        "base": None if review.base is None else _base(review.base),
        "bases": [_base(base) for base in review.bases],
        "nearest": None if review.nearest is None else _base(review.nearest),
        "named_base": submission.named_base or None,
        "cover": submission.cover or None,
        "trailers": [{"patch": number or None, "trailer": line} for number, line in submission.trailers],
        "missing": list(submission.missing),
        "unreadable": [
            {"number": one.number, "subject": one.subject, "code": one.code, "message": one.message}
            for one in submission.unreadable
        ],
        "findings": [_finding(Placed(finding)) for finding in review.general],
        "patches": [_patch(patch) for patch in review.patches],
    }


def format_json(reviews: Sequence[Review], rules: Rules) -> str:
    """One entry for each series, see `review_fields`."""
    fields = {"schema": 1, "reviews": [review_fields(review) for review in reviews]}
    return json.dumps(fields, indent=2, ensure_ascii=False) + "\n"


def _base(base: Base) -> dict[str, object]:
    return {
        "revision": base.revision,
        "commit": base.commit,
        "reason": base.reason.value,
        "blobs": {"matched": base.matched, "wanted": base.wanted},
    }


def _patch(patch: Reviewed) -> dict[str, object]:
    return {
        "number": patch.sent.number,
        "subject": patch.sent.patch.subject,
        "message_id": patch.sent.envelope.message_id or None,
        "commit": patch.sent.patch.commit,
        "status": patch.status.name,
        "applies": not patch.applies,
        "cause": patch.applies or None,
        "findings": [_finding(placed) for placed in patch.findings],
    }


def _finding(placed: Placed) -> dict[str, object]:
    finding, place = placed.finding, placed.place
    return {
        **finding_fields(finding),
        "in_patch": None if place is None else {"file": place.file, "hunk": place.hunk, "row": place.row},
        "new": not placed.old,
        "fixed_by": placed.fixed_by or None,
        "ignored": placed.ignored or None,
    }
