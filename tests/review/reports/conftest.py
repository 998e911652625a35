"""A review with everything in it that a renderer may meet."""

from collections.abc import Callable

import pytest
from kpatch_tools.core.finding import Finding, Status
from kpatch_tools.core.ids import ObjectId, RepoPath
from kpatch_tools.review.placing import place_in_patch
from kpatch_tools.review.rules import Rule, Rules
from kpatch_tools.review.threads import Received, find_submissions
from kpatch_tools.review.values import Base, BaseReason, Placed, Review, Reviewed

ONE = RepoPath("drivers/one.c")


@pytest.fixture
def rules() -> Rules:
    return {"parse-damage": Rule("parse-damage", "parses no worse", "A compiler would stop.", "a lost brace")}


@pytest.fixture
def review(series: Callable[..., list[Received]]) -> Review:
    """Patch 1: a failure, a warning, one mended later, one that the base had; 2: nothing; 3: undetermined."""
    (submission,), _ = find_submissions(series("--cover-letter", "--thread=shallow"))
    first, second, third = submission.patches
    failure = Finding(
        "parse-damage", Status.FAIL, "`int` | <b>@torvalds\x00\x1b[31m ends here", ONE, 3, "close the brace"
    )
    findings = (
        failure,
        Finding("upstream-reference", Status.WARN, "the subject differs"),
        Finding("slot-called", Status.PASS, "every slot is called"),
    )
    held = [Placed(one, place_in_patch(first.patch, (), one)) for one in findings]
    mended = Placed(Finding("identifier-declared", Status.FAIL, "`later` is declared nowhere", ONE, 3), fixed_by=2)
    old = Placed(Finding("section-mismatch", Status.FAIL, "`old` is __init", ONE, 30), old=True)
    base = Base("v1", ObjectId("1" * 40), BaseReason.BLOBS, 1, 1)
    return Review(
        submission,
        base,
        (base,),
        (
            Reviewed(first, (*held, mended, old), touched=(ONE,)),
            Reviewed(second, (Placed(Finding("parse-damage", Status.PASS, "parses")),), touched=(ONE,)),
            Reviewed(third, (Placed(Finding("slot-called", Status.ERROR, "x.h was not understood", RepoPath("x.h"))),)),
        ),
    )
