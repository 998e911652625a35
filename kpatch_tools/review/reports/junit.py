"""JUnit XML, as GitLab and Jenkins show it: one suite for each patch, one case for each check.

Source: the xUnit schema of Jenkins' junit plugin; testmoapp/junitxml.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree

from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.review.rules import Rules
from kpatch_tools.review.values import Placed, Review

_FORBIDDEN = re.compile("[^\\t\\n\\r\\u0020-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def format_junit(reviews: Sequence[Review], rules: Rules) -> str:
    """A FAIL is a failure, an ERROR an error, a SKIP skipped; a WARN passes, and stands in the case's output."""
    suites = ElementTree.Element("testsuites", name="kpt")
    for review in reviews:
        if review.general:
            _suite(suites, review.submission.subject, [Placed(finding) for finding in review.general])
        for patch in review.patches:
            title = f"{patch.sent.number}/{len(review.patches)} {patch.sent.patch.subject}"
            _suite(suites, title, list(patch.findings))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _suite(suites: ElementTree.Element, name: str, findings: list[Placed]) -> None:
    suite = ElementTree.SubElement(suites, "testsuite", name=_text(name))
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    ordered = sorted(findings, key=lambda placed: placed.finding.id)
    for check, group in groupby(ordered, key=lambda placed: placed.finding.id):
        own = list(group)
        counts["tests"] += 1
        case = ElementTree.SubElement(suite, "testcase", classname="kpt", name=_text(check))
        held = [placed.finding for placed in own if placed.counts]
        status = max((finding.status for finding in held), default=Status.PASS)
        worst = [finding for finding in held if finding.status == status]
        if status is Status.FAIL:
            counts["failures"] += 1
            _add(case, "failure", worst)
        elif status is Status.ERROR:
            counts["errors"] += 1
            _add(case, "error", worst)
        elif status is Status.SKIP and len(worst) == len(own):
            counts["skipped"] += 1
            ElementTree.SubElement(case, "skipped", message=_text(worst[0].message))
        rest = [line for placed in own if (line := _remark(placed, status))]
        if rest:
            ElementTree.SubElement(case, "system-out").text = _text("\n".join(rest))
    for key, count in counts.items():
        suite.set(key, str(count))


def _add(case: ElementTree.Element, tag: str, findings: list[Finding]) -> None:
    element = ElementTree.SubElement(case, tag, message=_text(findings[0].message), type=_text(findings[0].id))
    element.text = _text("\n".join(map(_line, findings)))


def _remark(placed: Placed, status: Status) -> str:
    """What a case's output says of findings that do not decide it."""
    finding = placed.finding
    if finding.status < Status.WARN or (placed.counts and finding.status == status and status is not Status.WARN):
        return ""
    return f"{placed.excuse}: {_line(finding)}" if placed.excuse else _line(finding)


def _line(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line or 0}: " if finding.file else ""
    return f"{place}{finding.message}" + (f" (next: {finding.hint})" if finding.hint else "")


def _text(text: str) -> str:
    """Without what XML cannot hold."""
    return _FORBIDDEN.sub("\ufffd", text)
