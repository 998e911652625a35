"""Xen keeps its promises; and a Xen that does not is found out."""

import pytest
from kpatch_tools.model.xen import RuleId, l1, mmuext, pte, tables, update
from kpatch_tools.model.xen.cases import CASES, Case, run_case
from kpatch_tools.model.xen.state import XenState

LISTED = {
    "rw-mapping-of-own-l1-refused": "",
    "ro-remap-then-pin-ok": "",
    "pin-twice-einval": "",
    "unpin-unpinned-einval": "",
    "rw-map-of-pinned-frame-refused": "",
    "unpin-and-drop-last-reference-then-rw-ok": "",
    "recursive-ro-ok": "",
    "recursive-rw-refused": "XSA-182",
    "l2-pin-with-l1-that-has-one-rw-alias-refused": "",
    "ptwr-on-l1-ok": "",
    "ptwr-on-l2-refused": "",
    "l2-remap-is-seen-at-once": "XSA-286",
    "l2-remap-back-and-forth-keeps-the-counts": "XSA-286",
    "l2-remap-to-itself-has-no-l1-to-update": "XSA-286",
    "ro-remap-then-descriptor-promotion": "XSA-298",
}
"""The cases that the model must agree with, and where they come from."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_xen_keeps_its_promise(case: Case) -> None:
    result = run_case(case)
    assert result.wrong == ()
    assert len(result.answers) > 3, "a case that asks for nothing promises nothing"


def test_the_listed_cases_are_there() -> None:
    assert {case.id: case.advisory for case in CASES if case.id in LISTED} == LISTED


def test_cases_have_names_and_promises_of_their_own() -> None:
    assert len({case.id for case in CASES}) == len(CASES)
    assert len({case.promise for case in CASES}) == len(CASES)
    for case in CASES:
        assert case.promise.endswith("."), case.id
        assert len(case.promise) < 120, case.id


def test_every_rule_is_exercised_by_a_case() -> None:
    exercised = {rule for case in CASES for rule in run_case(case).rules}
    assert exercised == set(RuleId)


def _broken(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Take one thing away from Xen."""
    if what == "writable counts":
        monkeypatch.setattr(XenState, "take_writable", lambda *_: True)
        monkeypatch.setattr(XenState, "drop_writable", lambda *_: None)
    elif what == "linear tables are checked":
        monkeypatch.setattr(tables, "get_linear_pagetable", lambda *_: True)
    elif what == "flags are checked":
        for module in (l1, tables, update, pte):
            monkeypatch.setattr(module, "check_flags", lambda *_: True)
    elif what == "devalidation":
        monkeypatch.setattr(tables, "devalidate_page", lambda *_: None)
    elif what == "ownership":
        for module in (tables, mmuext, update):
            monkeypatch.setattr(module, "get_page", lambda *_: True)
    else:
        monkeypatch.setattr(pte, "adjust_l1", lambda entry: entry)
        for module in (l1, update):
            monkeypatch.setattr(module, "adjust_l1", lambda entry: entry)


@pytest.mark.parametrize(
    ("what", "promise"),
    [
        ("writable counts", "ro-remap-then-pin-ok"),
        ("linear tables are checked", "recursive-rw-refused"),
        ("flags are checked", "flags-that-are-xens-are-refused"),
        ("devalidation", "the-last-reference-devalidates"),
        ("ownership", "foreign-frames-are-out-of-reach"),
        ("entries are adjusted", "entries-are-stored-for-a-kernel-in-user-mode"),
    ],
)
def test_a_xen_that_breaks_its_promise_is_found_out(what: str, promise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(case for case in CASES if case.id == promise)
    _broken(monkeypatch, what)
    try:
        wrong = run_case(case).wrong
    except Exception:
        return
    assert wrong
