"""Hunks onto files."""

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.patch import FileDiff, apply_patch, diff_blobs, diff_hunks, diff_sources, parse_patch

rows = st.sampled_from([b"a", b"b", b"c", b"", b"\r", b"}", b"\x0c", b"\xff", b"if (x)"])
texts = st.lists(rows, max_size=30).flatmap(
    lambda lines: st.sampled_from([b"\n".join(lines), b"".join(line + b"\n" for line in lines)])
)


def _file(old, new, path="x", context=3):
    return diff_blobs(path, old, new, context=context)


@given(texts, texts, st.integers(1, 4))
def test_what_diff_finds_apply_does(old, new, context):
    file = FileDiff("x", "x", hunks=diff_hunks(old, new, context=context))
    result = apply_patch([file], _Only(old))
    assert result.rejects == ()
    assert result.changes == {"x": new}
    assert all(placed.offset == 0 and placed.fuzz == 0 for placed in result.placed)


class _Only:
    def __init__(self, data):
        self.data = data

    def read(self, path):
        return self.data if path == "x" else None

    def paths(self, *prefixes):
        yield "x"


def test_lines_inserted_above_move_the_place_and_nothing_else(old, new, sources):
    file = _file(old, new)
    for count in (1, 7, 100):
        above = b"".join(b"/* %d */\n" % number for number in range(count))
        result = apply_patch([file], sources({"x": above + old}))
        assert result.changes == {"x": above + new}
        assert [placed.offset for placed in result.placed] == [count] * len(file.hunks)
        assert result.placed[0].line == file.hunks[0].old_start + count


def test_the_nearest_place_wins_forwards_first(sources):
    block = b"{\n\tx;\n}\n"
    text = b"0\n" * 10 + block + b"1\n" * 10 + block + b"2\n" * 10
    hunk = b"--- a/x\n+++ b/x\n@@ -%d,3 +%d,3 @@\n {\n-\tx;\n+\ty;\n }\n"

    def placed(line):
        return apply_patch(parse_patch(hunk % (line, line)).files, sources({"x": text})).placed[0].line

    assert placed(3) == 11
    assert placed(14) == 11
    assert placed(20) == 24
    # 17 and 18 lie between 11 and 24: as far, or nearly, from both.
    assert placed(18) == 24
    assert placed(17) == 11


def test_without_leading_context_only_the_start_without_trailing_only_the_end(sources):
    start = parse_patch(b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n+b\n c\n").files
    assert apply_patch(start, sources({"x": b"a\nc\n"})).changes == {"x": b"b\nc\n"}
    (reject,) = apply_patch(start, sources({"x": b"0\na\nc\n"})).rejects
    assert reject.code == "context-not-found"
    end = parse_patch(b"--- a/x\n+++ b/x\n@@ -4,2 +4,2 @@\n c\n-a\n+b\n").files
    assert apply_patch(end, sources({"x": b"c\na\nc\na\n"})).changes == {"x": b"c\na\nc\nb\n"}
    assert apply_patch(end, sources({"x": b"c\na\n0\n"})).rejects


def test_a_hunk_never_lands_on_lines_another_hunk_touched(sources):
    text = b"1\n2\nx\n3\n4\n"
    one = b"@@ -2,3 +2,3 @@\n 2\n-x\n+x\n 3\n"
    files = parse_patch(b"--- a/x\n+++ b/x\n" + one + one.replace(b"-2,3 +2,3", b"-9,3 +9,3")).files
    result = apply_patch(files, sources({"x": text}))
    assert len(result.placed) == 1
    assert len(result.rejects) == 1
    assert result.changes == {}


def test_fuzz_ignores_outer_context_and_says_how_much(old, new, sources):
    file = _file(old, new)
    target = old.replace(b"int demo_read", b"long demo_read")
    assert apply_patch([file], sources({"x": target})).rejects
    result = apply_patch([file], sources({"x": target}), fuzz=3)
    assert result.changes == {"x": new.replace(b"int demo_read", b"long demo_read")}
    assert result.placed[0].fuzz == 1
    assert apply_patch([file], sources({"x": old}), fuzz=3).placed[0].fuzz == 0


def test_a_reject_says_what_is_missing(old, new, sources):
    file = _file(old, new)
    (reject, *_) = apply_patch([file], sources({"x": old.replace(b"return -1", b"return 0")})).rejects
    assert reject.code == "context-not-found"
    assert "'return -1;'" in reject.reason
    (reject, *_) = apply_patch([file], sources({"x": b"\n".join(reversed(old.split(b"\n")))})).rejects
    assert "together" in reject.reason


def test_files_that_are_absent_present_or_different(old, new, sources):
    changed, created, deleted = _file(old, new), diff_blobs("n", None, new), diff_blobs("x", old, None)
    assert apply_patch([changed], sources({})).rejects[0].code == "file-absent"
    assert apply_patch([created], sources({"n": b""})).rejects[0].code == "file-exists"
    assert apply_patch([created], sources({})).changes == {"n": new}
    assert apply_patch([deleted], sources({"x": old})).changes == {"x": None}
    assert apply_patch([deleted], sources({"x": old + b"more\n"})).rejects
    assert apply_patch([FileDiff("x", "x", binary=True)], sources({"x": b""})).rejects[0].code == "binary"


def test_renames_copies_and_modes(old, new, sources):
    hunks = diff_hunks(old, new)
    renamed = FileDiff("x", "y", 0o100644, 0o100755, hunks=hunks)
    result = apply_patch([renamed], sources({"x": old}))
    assert result.changes == {"x": None, "y": new}
    assert result.modes == {"y": 0o100755}
    copied = FileDiff("x", "y", hunks=hunks, copied=True)
    assert apply_patch([copied], sources({"x": old})).changes == {"y": new}
    assert apply_patch([renamed], sources({"x": old, "y": b""})).rejects[0].code == "file-exists"


def test_one_bad_file_leaves_the_others(old, new, sources):
    files = diff_sources(sources({"a": old, "b": old}), {"a": new, "b": new})
    result = apply_patch(files, sources({"a": old}))
    assert result.changes == {"a": new}
    assert [reject.file.path for reject in result.rejects] == ["b"]
