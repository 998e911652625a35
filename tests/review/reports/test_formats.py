"""Every renderer says what is held against a patch, and nothing that is not."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.review.reports import FORMATS
from kpatch_tools.review.reports.patchwork import check_fields
from kpatch_tools.review.reports.sarif import MOST_RESULTS
from kpatch_tools.review.rules import Rules
from kpatch_tools.review.values import Placed, Review, Reviewed

SCHEMAS = Path(__file__).parent / "schemas"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_counts_is_said_and_what_does_not_is_not(review: Review, rules: Rules, name: str) -> None:
    text = FORMATS[name]([review], rules)
    assert "parse-damage" in text
    assert "x.h was not understood" in text or "x.h" in text
    if name not in ("json", "junit"):  # these two mark it
        assert "is declared nowhere" not in text
    if name not in ("json", "junit", "sarif"):
        assert "is __init" not in text


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_no_review_is_a_document_too(rules: Rules, name: str) -> None:
    text = FORMATS[name]([], rules)
    if name not in ("terse", "markdown", "junit"):
        json.loads(text)
    text.encode()


def test_sarif_fits_its_schema(review: Review, rules: Rules) -> None:
    log = json.loads(FORMATS["sarif"]([review], rules))
    jsonschema.validate(log, json.loads((SCHEMAS / "sarif.json").read_text()))
    (run,) = log["runs"]
    assert [(one["ruleId"], one["level"], one["baselineState"]) for one in run["results"]] == [
        ("parse-damage", "error", "new"),
        ("slot-called", "warning", "new"),
        ("upstream-reference", "note", "new"),
        ("section-mismatch", "error", "unchanged"),
    ]
    for one in run["results"]:
        assert run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
        assert one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


def test_a_fingerprint_outlives_moved_lines_and_tells_two_findings_apart(review: Review, rules: Rules) -> None:
    def fingerprints(*lines: int) -> list[str]:
        findings = tuple(
            Placed(Finding("parse-damage", Status.FAIL, "a brace is lost", RepoPath("a.c"), line)) for line in lines
        )
        one = Review(review.submission, None, (), (Reviewed(review.submission.patches[0], findings),))
        results = json.loads(FORMATS["sarif"]([one], rules))["runs"][0]["results"]
        return [result["partialFingerprints"]["kptFinding/v1"] for result in results]

    assert fingerprints(3, 9) == fingerprints(4, 12)
    assert len(set(fingerprints(3, 9))) == 2


def test_sarif_stays_within_what_github_takes(review: Review, rules: Rules) -> None:
    many = tuple(
        Placed(Finding("parse-damage", Status.WARN if n else Status.FAIL, f"{n}", RepoPath("a.c"), n + 1))
        for n in range(MOST_RESULTS + 10)
    )
    one = Review(review.submission, None, (), (Reviewed(review.submission.patches[0], many),))
    (run,) = json.loads(FORMATS["sarif"]([one], rules))["runs"]
    assert len(run["results"]) == MOST_RESULTS
    assert run["results"][0]["level"] == "error"
    assert "10 findings more" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_junit_counts_cases_and_is_well_formed(review: Review, rules: Rules) -> None:
    suites = ElementTree.fromstring(FORMATS["junit"]([review], rules).encode())
    first, second, third = suites.findall("testsuite")
    assert (first.get("failures"), second.get("failures"), third.get("errors")) == ("1", "0", "1")
    assert first.get("tests") == str(len(first.findall("testcase")))
    said = {case.get("name"): case for case in first.findall("testcase")}
    assert said["identifier-declared"].find("failure") is None
    assert "mended by patch 2" in (said["identifier-declared"].findtext("system-out") or "")
    assert "the base has it already" in (said["section-mismatch"].findtext("system-out") or "")
    assert "the subject differs" in (said["upstream-reference"].findtext("system-out") or "")


def test_terse_lines_are_what_editors_jump_to(review: Review, rules: Rules) -> None:
    lines = FORMATS["terse"]([review], rules).splitlines()
    assert lines[0].startswith("drivers/one.c:3: ERROR: parse-damage: ")
    assert lines[-1] == "total: 1 failure, 1 check without an answer, 1 warning in 3 patches"


def test_rdformat_has_a_path_and_a_known_severity(review: Review, rules: Rules) -> None:
    result = json.loads(FORMATS["rdformat"]([review], rules))
    assert {one["severity"] for one in result["diagnostics"]} <= {"ERROR", "WARNING", "INFO"}
    assert all(one["location"]["path"] for one in result["diagnostics"])


def test_markdown_notifies_nobody_and_breaks_no_table(review: Review, rules: Rules) -> None:
    text = FORMATS["markdown"]([review], rules)
    assert "@torvalds" not in text.replace("\\@", "")
    assert "\\<b\\>" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 4 for line in table)


def test_patchwork_gets_one_check_for_each_patch(review: Review, rules: Rules) -> None:
    checks = json.loads(FORMATS["patchwork"]([review], rules))
    assert [one["check"]["state"] for one in checks] == ["fail", "success", "warning"]
    assert all(one["msgid"] for one in checks)
    assert all(len(one["check"]["description"]) <= 255 for one in checks)
    assert check_fields(review, review.patches[0], url="https://x.example/1")["target_url"] == "https://x.example/1"


def test_b4_gets_its_words(review: Review, rules: Rules) -> None:
    (entry,) = json.loads(FORMATS["b4"]([review], rules))
    assert entry["tool"] == "kpt"
    assert entry["status"] == "fail"
    assert {one["status"] for one in json.loads(entry["details"])} <= {"pass", "warn", "fail"}


def test_a_markdown_table_ends_before_the_list_and_each_item_is_one_line(review: Review, rules: Rules) -> None:
    text = FORMATS["markdown"]([review], rules)
    table, _, items = text.partition("\n\n- ")
    assert [line.rpartition("|")[0].rpartition("| ")[2].strip() for line in table.splitlines()[-3:]] == [
        "FAIL",
        "PASS",
        "ERROR",
    ]
    assert all(line.startswith(("- **", "**")) for line in items.strip().splitlines())


def test_json_holds_what_came_with_the_series(review: Review, rules: Rules) -> None:
    given = replace(review.submission, trailers=((2, "Acked-by: A <a@x.example>"), (0, "Tested-by: T <t@x.example>")))
    (found,) = json.loads(FORMATS["json"]([replace(review, submission=given)], rules))["reviews"]
    assert "BLURB HERE" in found["cover"]
    assert found["trailers"] == [
        {"patch": 2, "trailer": "Acked-by: A <a@x.example>"},
        {"patch": None, "trailer": "Tested-by: T <t@x.example>"},
    ]
