"""Line differences."""

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.tree import diff_lines

texts = st.lists(st.sampled_from([b"a", b"b", b"\r", b"", b"\x0c", b"int f(void)", b"\xff"]), max_size=12).flatmap(
    lambda rows: st.sampled_from([b"\n".join(rows), b"".join(row + b"\n" for row in rows)])
)


def _patched(old, hunks):
    rows = old.split(b"\n")
    tail = rows.pop()
    lines = [row + b"\n" for row in rows] + ([tail] if tail else [])
    result, position = [], 0
    for hunk in hunks:
        start = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        result += lines[position:start]
        position = start
        for kind, text, newline in hunk.lines:
            data = text + b"\n" * newline
            if kind != b"+":
                assert lines[position] == data
                position += 1
            if kind != b"-":
                result.append(data)
    return b"".join(result + lines[position:])


@given(texts, texts, st.integers(0, 5))
def test_the_hunks_lead_from_old_to_new(old, new, context):
    hunks = diff_lines(old, new, context=context)
    assert _patched(old, hunks) == new
    for hunk in hunks:
        assert hunk.old_count == sum(kind != b"+" for kind, _, _ in hunk.lines)
        assert hunk.new_count == sum(kind != b"-" for kind, _, _ in hunk.lines)


def test_the_section_is_the_function_above_trimmed_at_80_bytes():
    long = b"static int " + b"x" * 68 + b" y(void)\n{\n"
    body = b"".join(b"\tl%d;\n" % number for number in range(9))
    (hunk,) = diff_lines(long + body, long + body.replace(b"l8", b"L8"))
    assert hunk.section == long[:79]


def test_equal_texts_have_no_hunks():
    assert diff_lines(b"a\n", b"a\n") == ()
    assert diff_lines(b"a\0b\n", b"a\0c\n")[0].lines[0] == (b"-", b"a\0b", True)
