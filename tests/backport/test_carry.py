"""One file carried to the target's version."""

import pytest
from kpatch_tools.backport.carry import Versions, carry_file
from kpatch_tools.backport.guards import Objection
from kpatch_tools.core.hunkclass import HunkClass
from kpatch_tools.patch import diff_blobs

BASE = "".join(f"line {number}\n" for number in range(1, 41)).encode()
THEIRS = BASE.replace(b"line 5\n", b"line 5\nadded\n").replace(b"line 30\n", b"line thirty\n")


def carry(ours, base=BASE, theirs=THEIRS, path="a.c", known=True, refused=()):
    diff = diff_blobs("a.c", base, theirs)
    assert diff is not None
    objections = {number: Objection("a-rule", path, number, "for a reason") for number in refused}
    return carry_file(diff, path, Versions(base if known else None, ours, theirs if known else None), objections)


def kinds(carried):
    return [hunk.kind for hunk in carried.hunks]


@pytest.mark.parametrize("known", [True, False], ids=["with upstream's blobs", "from the text alone"])
def test_the_same_file(known):
    carried = carry(BASE, known=known)
    assert carried.data == THEIRS
    assert kinds(carried) == [HunkClass.EXACT] * 2
    assert [hunk.line for hunk in carried.hunks] == [3, 28]


@pytest.mark.parametrize("known", [True, False], ids=["with upstream's blobs", "from the text alone"])
def test_lines_above_move_a_hunk_and_leave_it_exact(known):
    carried = carry(b"new\n" * 7 + BASE, known=known)
    assert carried.data == b"new\n" * 7 + THEIRS
    assert kinds(carried) == [HunkClass.EXACT] * 2


def test_another_context_is_merged():
    ours = BASE.replace(b"line 3\n", b"line three\n")
    carried = carry(ours)
    assert carried.data == THEIRS.replace(b"line 3\n", b"line three\n")
    assert kinds(carried) == [HunkClass.MERGED, HunkClass.EXACT]


def test_a_conflict_names_its_hunk_and_keeps_the_other():
    ours = BASE.replace(b"line 30\n", b"line XXX\n")
    carried = carry(ours)
    assert kinds(carried) == [HunkClass.EXACT, HunkClass.NEEDS_HUMAN]
    assert carried.data == ours.replace(b"line 5\n", b"line 5\nadded\n")


def test_a_hunk_that_is_there_already():
    ours = THEIRS.replace(b"line thirty\n", b"line XXX\n")
    carried = carry(ours)
    assert kinds(carried) == [HunkClass.EXACT, HunkClass.NEEDS_HUMAN]
    assert carried.data == ours


@pytest.mark.parametrize("known", [True, False], ids=["with upstream's blobs", "from the text alone"])
@pytest.mark.parametrize("refused", [1, 2])
def test_a_hunk_that_is_objected_to_is_left_out(known, refused):
    carried = carry(b"new\n" + BASE, known=known, refused=[refused])
    other = BASE.replace(b"line 5\n", b"line 5\nadded\n") if refused == 2 else BASE.replace(b"line 30", b"line thirty")
    assert carried.data == b"new\n" + other
    expected = [HunkClass.EXACT] * 2
    expected[refused - 1] = HunkClass.NEEDS_HUMAN
    assert kinds(carried) == expected
    assert [hunk.number for hunk in carried.hunks] == [1, 2]
    assert (carried.hunks[refused - 1].guard, carried.hunks[refused - 1].why) == ("a-rule", "for a reason")


def test_all_hunks_are_objected_to():
    carried = carry(BASE, refused=[1, 2])
    assert (carried.data, kinds(carried)) == (BASE, [HunkClass.NEEDS_HUMAN] * 2)


def test_a_new_file_is_taken_as_a_whole_or_not_at_all():
    carried = carry(None, base=None, refused=[1])
    assert (carried.data, kinds(carried)) == (None, [HunkClass.NEEDS_HUMAN])


def test_two_places_are_no_place_for_a_bare_patch():
    assert kinds(carry(b"new\n" + BASE + BASE, known=False)) == [HunkClass.NEEDS_HUMAN] * 2


def test_of_two_places_the_one_it_names_is_its_place():
    assert carry(BASE + BASE, known=False).data == THEIRS + BASE


def test_a_binary_file_is_taken_as_a_whole_or_not_at_all():
    base, theirs = b"\0one", b"\0two"
    assert carry(base, base=base, theirs=theirs).data == theirs
    other = carry(b"\0own", base=base, theirs=theirs)
    assert (other.data, kinds(other)) == (b"\0own", [HunkClass.NEEDS_HUMAN])


def test_a_file_of_another_name_is_moved():
    assert kinds(carry(BASE, path="b.c")) == [HunkClass.MOVED] * 2


def test_a_missing_file():
    carried = carry(None)
    assert carried.data is None
    assert kinds(carried) == [HunkClass.NEEDS_HUMAN] * 2


def test_new_files():
    assert carry(None, base=None).data == THEIRS
    assert kinds(carry(THEIRS, base=None)) == [HunkClass.EXACT]
    assert kinds(carry(BASE, base=None)) == [HunkClass.NEEDS_HUMAN]


def test_deleted_files():
    assert carry(BASE, theirs=None).data is None
    assert kinds(carry(BASE, theirs=None)) == [HunkClass.EXACT]
    assert kinds(carry(None, theirs=None)) == [HunkClass.DROPPED]
    changed = carry(BASE + b"more\n", theirs=None)
    assert (changed.data, kinds(changed)) == (BASE + b"more\n", [HunkClass.NEEDS_HUMAN])


def test_bytes_that_are_no_text_survive():
    base = b"caf\xe9\n" + BASE
    assert carry(base, base=base, theirs=b"caf\xe9\n" + THEIRS).data == b"caf\xe9\n" + THEIRS
