"""What holds of every settled file, whatever the two versions are."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.backport.merge import settle
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.patch import diff_blobs

PATH = "mm/toy.c"
WORDS = ("alpha one", "beta two", "gamma three", "}", "", "\treturn 0;", "if (delta four)")
lines = st.lists(st.sampled_from(WORDS), max_size=14)


def text(rows):
    return "".join(f"{row}\n" for row in rows).encode()


@st.composite
def edited(draw, rows):
    """`rows` with some taken out, and some put in that occur nowhere else (so that they can be told)."""
    result = []
    for number, row in enumerate(rows):
        action = draw(st.sampled_from(("keep",) * 6 + ("drop", "add")))
        if action == "add":
            result.append(f"\town line {draw(st.integers(0, 9))} at {number};")
        if action != "drop":
            result.append(row)
    return result


@st.composite
def versions(draw):
    base = draw(lines)
    theirs, ours = draw(edited(base)), draw(edited(base))
    return base, [row.replace("own", "their") for row in theirs], ours


def settled(base, theirs, ours):
    diff = diff_blobs(PATH, text(base), text(theirs))
    return None if diff is None else settle(diff, PATH, text(base), text(ours))


@given(versions())
def test_onto_upstreams_own_version_it_is_upstreams_result(given):
    base, theirs, _ = given
    found = settled(base, theirs, base)
    if found is not None and all(hunk.kind is HunkClass.EXACT for hunk in found[1]):
        assert found[0] == text(theirs)


@given(versions())
def test_upstreams_own_version_needs_no_person(given):
    base, theirs, _ = given
    found = settled(base, theirs, base)
    assert found is None or all(hunk.kind is not HunkClass.NEEDS_HUMAN for hunk in found[1])


@given(versions())
def test_no_line_of_the_targets_own_is_lost(given):
    base, theirs, ours = given
    found = settled(base, theirs, ours)
    if found is None:
        return
    own = [row for row in ours if "own" in row]
    assert [row for row in found[0].decode().split("\n") if "own" in row] == own


@given(versions())
def test_no_more_lines_are_taken_out_than_upstream_does(given):
    base, theirs, ours = given
    found = settled(base, theirs, ours)
    if found is None:
        return
    taken = Counter(ours) - Counter(found[0].decode().split("\n")[:-1])
    assert taken <= Counter(base) - Counter(row for row in theirs if "their" not in row) + Counter({"": len(base)})


@given(versions())
def test_nothing_is_put_in_twice(given):
    base, theirs, ours = given
    found = settled(base, theirs, ours)
    if found is None:
        return
    put = Counter(row for row in found[0].decode().split("\n") if "their" in row)
    assert put <= Counter(row for row in theirs if "their" in row)


@given(versions())
def test_what_needs_a_person_changes_nothing(given):
    base, theirs, ours = given
    found = settled(base, theirs, ours)
    if found is not None and all(hunk.kind is HunkClass.NEEDS_HUMAN for hunk in found[1]):
        assert found[0] == text(ours)
