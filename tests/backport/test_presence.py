"""Whether a change is there: the short answer is the long one's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.backport.change import Change
from kpatch_tools.backport.presence import ChangeState, is_present, judge_change
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import Overlay
from kpatch_tools.patch import FileDiff, diff_hunks
from kpatch_tools.tree import Folder

PATH = RepoPath("mm/a.c")
LINES = st.lists(
    st.sampled_from(
        [b"int one(int a)\n", b"__init int one(int a)\n", b"{\n", b"}\n", b"\tcount += a;\n", b"\tcount -= a;\n", b"\n"]
    ),
    max_size=9,
).map(b"".join)


def _change(before: bytes | None, after: bytes | None) -> Change:
    file = FileDiff(
        PATH if before is not None else None,
        PATH if after is not None else None,
        0o100644 if before is not None else None,
        0o100644 if after is not None else None,
        "0" * 40,
        "0" * 40,
        diff_hunks(before or b"", after or b""),
        False,
    )
    return Change("a change", b"", (file,), None, None, None)


@given(LINES, LINES, st.one_of(st.none(), LINES))
def test_it_agrees_with_the_judgement(before, after, target):
    change = _change(before, after)
    for here in (target, before, after):
        source = Overlay(Folder(RepoPath("/nonexistent")), {PATH: here})
        assert is_present(change, source) is (judge_change(change, source).state is ChangeState.PRESENT)


@pytest.mark.parametrize(("there", "expected"), [(b"\tcount += b;\n\tcount -= b;\n", True), (b"\tint c;\n", False)])
def test_a_new_file_is_there_or_not(there, expected):
    change = _change(None, b"\tcount += b;\n\tcount -= b;\n")
    assert is_present(change, Overlay(Folder(RepoPath("/nonexistent")), {PATH: there})) is expected


def test_another_section_annotation_is_no_other_line():
    body = b"\tcount += a;\n\tcount -= a;\n"
    change = _change(b"int none;\n", b"int none;\nint one(int a)\n" + body)
    target = Overlay(Folder(RepoPath("/nonexistent")), {PATH: b"int none;\n__init int one(int a)\n" + body})
    assert is_present(change, target)


def test_a_file_that_is_deleted_is_there_until_it_is_gone():
    change = _change(b"\tcount += b;\n", None)
    gone = Overlay(Folder(RepoPath("/nonexistent")), {PATH: None})
    assert is_present(change, gone)
    assert not is_present(change, Overlay(gone, {PATH: b"\tcount += b;\n"}))
