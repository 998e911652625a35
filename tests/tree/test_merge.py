"""Three-way merge in memory."""

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.tree import merge_blobs

BASE = b"".join(b"line %d\n" % number for number in range(20))
data = st.binary(max_size=40)


def test_changes_apart_merge_and_bytes_survive():
    ours = BASE.replace(b"line 3\n", b"caf\xe9\r\n")
    theirs = BASE.replace(b"line 15\n", b"\xfe\xff\n")
    merged = merge_blobs(BASE, ours, theirs)
    assert merged.conflicts == 0
    assert merged.data == BASE.replace(b"line 3\n", b"caf\xe9\r\n").replace(b"line 15\n", b"\xfe\xff\n")


def test_changes_to_the_same_line_conflict_and_are_counted():
    ours = BASE.replace(b"line 3\n", b"ours\n").replace(b"line 12\n", b"o\n")
    theirs = BASE.replace(b"line 3\n", b"theirs\n").replace(b"line 12\n", b"t\n")
    merged = merge_blobs(BASE, ours, theirs)
    assert merged.conflicts == 2
    assert b"<<<<<<< ours\nours\n=======\ntheirs\n>>>>>>> theirs\n" in merged.data


def test_binary_contents_are_never_mixed():
    merged = merge_blobs(b"\0a\n", b"\0b\n", b"\0c\n")
    assert (merged.data, merged.conflicts) == (b"\0b\n", 1)


@given(data, data)
def test_a_side_that_did_not_change_takes_the_other(base, other):
    assert merge_blobs(base, base, other).data == other
    assert merge_blobs(base, other, base).data == other
    assert merge_blobs(base, other, other).data == other
    assert merge_blobs(base, other, other).conflicts == 0


@given(st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n"]), max_size=6).map(b"".join), st.data())
def test_sides_in_conflict_or_not_never_fail(base, draw):
    side = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d"]), max_size=6).map(b"".join)
    result = merge_blobs(base, draw.draw(side), draw.draw(side))
    assert result.conflicts >= 0
