"""Where lines stand in others."""

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.backport.place import find_places, split_lines

LINES = st.lists(st.sampled_from([b"a\n", b"b\n"]), max_size=8)


@given(LINES, LINES, st.integers(0, 8), st.integers(0, 8))
def test_a_block_is_found_wherever_it_is(block, lines, low, high):
    high = min(high, len(lines))
    starts = range(low, high - len(block) + 1)
    expected = [start for start in starts if block and lines[start : start + len(block)] == block]
    assert find_places(block, lines, low, high) == expected


@given(st.binary(max_size=40).map(lambda data: data.replace(b"\0", b"\n")))
def test_lines_are_cut_at_line_feeds_alone(data):
    lines = split_lines(data)
    assert b"".join(lines) == data
    assert all(line.endswith(b"\n") for line in lines[:-1])
    assert all(b"\n" not in line[:-1] and line for line in lines)
