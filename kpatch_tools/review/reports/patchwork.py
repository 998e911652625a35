"""Checks as Patchwork's API takes them, one for each patch.

Source: getpatchwork/patchwork docs/api/schemas/latest/patchwork.yaml#CheckCreate: state is pending, success, warning
or fail, context a slug, description at most 255 characters in practice.
"""

import json
from collections.abc import Sequence

from kpatch_tools.core.finding import Status
from kpatch_tools.review.rules import Rules
from kpatch_tools.review.statements import statements
from kpatch_tools.review.values import Review, Reviewed

CONTEXT = "kpt"
_STATES = {Status.FAIL: "fail", Status.ERROR: "warning", Status.WARN: "warning"}
_LONGEST = 255


def check_fields(review: Review, patch: Reviewed, *, url: str = "") -> dict[str, str]:
    """The check of one patch; `url`: where the whole review can be read, "" for nowhere."""
    found = [one for one in statements(review) if one.patch is patch]
    state = _STATES.get(patch.status, "success")
    text = "; ".join(f"{one.finding.id}: {one.finding.message}" for one in found) or "nothing found"
    fields = {"state": state, "context": CONTEXT, "description": _shortened(text)}
    return {**fields, "target_url": url} if url else fields


def format_patchwork(reviews: Sequence[Review], rules: Rules) -> str:
    """A JSON list: the Message-ID by which Patchwork knows the patch, and its check."""
    checks = [
        {"msgid": patch.sent.envelope.message_id, "check": check_fields(review, patch)}
        for review in reviews
        for patch in review.patches
    ]
    return json.dumps(checks, indent=1, ensure_ascii=False) + "\n"


def _shortened(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
