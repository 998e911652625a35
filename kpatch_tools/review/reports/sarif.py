"""SARIF 2.1.0, within what GitHub takes.

Source: OASIS sarif-v2.1.0; docs.github.com "SARIF support for code scanning" (results and their size are limited,
every result needs a location, partialFingerprints tell a result again after lines have moved).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from urllib.parse import quote

from kpatch_tools.core.finding import Status
from kpatch_tools.review.rules import Rule, Rules
from kpatch_tools.review.statements import Statement, statements
from kpatch_tools.review.values import Review

MOST_RESULTS = 5_000
"""GitHub takes 25,000 of a run and shows 5,000."""

_LONGEST = 1_000  # characters of a message
_LEVELS = {Status.FAIL: "error", Status.ERROR: "warning", Status.WARN: "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def format_sarif(reviews: Sequence[Review], rules: Rules) -> str:
    """One run. What the base had already is `unchanged`, what a later patch of the series mends is left out."""
    every = [one for review in reviews for one in statements(review, every=True)]
    said = [one for one in every if not one.placed.fixed_by]
    # The worst first: if some must be left out, it is not those.
    said.sort(key=lambda one: (one.placed.old, -one.finding.status))
    kept, left = said[:MOST_RESULTS], len(said) - MOST_RESULTS
    ids = sorted({one.finding.id for one in kept})
    seen: Counter[str] = Counter()
    run: dict[str, object] = {
        "tool": {
            "driver": {
                "name": "kpt",
                "version": version("kpatch-tools"),
                "rules": [_rule(rules.get(check, Rule(check, check))) for check in ids],
            }
        },
        "columnKind": "utf16CodeUnits",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": (
                    [{"level": "warning", "message": {"text": f"{left} findings more are not in this file"}}]
                    if left > 0
                    else []
                ),
            }
        ],
        "results": [_result(one, ids.index(one.finding.id), seen) for one in kept],
    }
    bases = [{"commit": one.base.commit, "reason": one.base.reason.value} for one in reviews if one.base is not None]
    if bases:
        run["properties"] = {"bases": bases}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, object]:
    text = "\n\n".join(part for part in (rule.why, rule.example and f"Example: {rule.example}", rule.source) if part)
    fields: dict[str, object] = {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.title[:_LONGEST]},
    }
    if text:
        fields["fullDescription"] = {"text": (rule.why or rule.title)[:_LONGEST]}
        fields["help"] = {"text": text}
    return fields


def _result(one: Statement, index: int, seen: "Counter[str]") -> dict[str, object]:
    finding = one.finding
    location: dict[str, object] = {
        "artifactLocation": {"uri": quote((one.file or "Makefile").encode("utf-8", "surrogateescape"))},
        "region": {"startLine": finding.line or 1},
    }
    properties: dict[str, object] = {"status": finding.status.name}
    if one.patch is not None:
        properties |= {"patch": one.number, "subject": one.patch.sent.patch.subject}
    suppressions = [{"kind": "external", "justification": one.placed.ignored}] if one.placed.ignored else []
    return {
        "ruleId": finding.id,
        "ruleIndex": index,
        "level": _LEVELS[finding.status],
        "message": {"text": one.text[:_LONGEST]},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"kptFinding/v1": _fingerprint(one, seen)},
        "suppressions": suppressions,
        "baselineState": "unchanged" if one.placed.old else "new",
        "properties": properties,
    }


def _fingerprint(one: Statement, seen: "Counter[str]") -> str:
    """The same wherever the lines of the file went; the second such finding of a file has another."""
    finding = one.finding
    text = "\0".join((finding.id, finding.file or "", finding.message))
    seen[text] += 1
    whole = f"{text}\0{seen[text]}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(whole).hexdigest()[:32]
