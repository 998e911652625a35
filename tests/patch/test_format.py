"""Patches to text and back."""

from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.patch import (
    FileDiff,
    Patch,
    Person,
    diff_sources,
    format_date,
    format_diff,
    format_diffstat,
    format_patch,
    parse_patch,
)

names = st.lists(st.text('ab \t"\\é\x7f.-', min_size=1, max_size=5), min_size=1, max_size=3).map("/".join)
safe_names = names.filter(lambda n: all(p.strip() and p not in (".", "..") for p in n.split("/")) and "\t" not in n)
texts = st.lists(
    st.sampled_from([b"a", b"b", b"-- x", b"++ y", b"@@ -1 +1 @@", b"diff --git a/x b/x", b"\r", b"\xff"])
).flatmap(lambda rows: st.sampled_from([b"\n".join(rows), b"".join(row + b"\n" for row in rows)]))


@given(st.dictionaries(safe_names, st.tuples(st.none() | texts, st.none() | texts), max_size=4))
def test_parse_undoes_format(changes):
    old = {path: pair[0] for path, pair in changes.items() if pair[0] is not None}
    files = diff_sources(_Source(old), {path: pair[1] for path, pair in changes.items()})
    if not files:
        return
    assert parse_patch(format_diff(files, abbrev=40)).files == files


class _Source:
    def __init__(self, files):
        self.files = files

    def read(self, path):
        return self.files.get(path)

    def paths(self, *prefixes):
        yield from self.files


@given(
    st.text("ab ,.:éü[]=?_\"'()", min_size=1, max_size=120)
    .map(lambda t: " ".join(t.split()))
    .filter(lambda t: t.strip("[ ")),
    st.text('ab .é"\\,', min_size=1, max_size=40).map(lambda t: " ".join(t.split())).filter(lambda t: t.strip('" \\')),
)
def test_a_mail_carries_subject_and_author(subject, name):
    files = (FileDiff("run", "run", 0o100644, 0o100755),)
    message = f"demo: {subject}\n\nBody {name}\n".encode()
    patch = Patch(files, message, f"demo: {subject}", Person(name, "a@example.org"), format_date(1_300_000_000, -90))
    parsed = parse_patch(format_patch(patch))
    assert parsed == patch
    assert all(len(row) <= 78 or b" " not in row[1:] for row in format_patch(patch).split(b"\n\n")[0].split(b"\n")[3:])


def test_options_of_a_mail(mail):
    patch = parse_patch(mail)
    text = format_patch(patch, prefix="PATCH 6.1.y", number=(2, 3), headers={"Cc": "stable@example.org"}, signature="x")
    assert b"\nSubject: [PATCH 6.1.y 2/3] demo: return" in text
    assert b"\nCc: stable@example.org\n\nA body" in text
    assert text.endswith(b"-- \nx\n\n")
    assert b"\nSubject: demo: return" in format_patch(patch, prefix="")


def test_what_is_unknown_is_left_out(mail):
    patch = parse_patch(mail)
    bare = Patch(patch.files, b"demo: x\n", "demo: x")
    text = format_patch(bare)
    assert text.startswith(b"From " + b"0" * 40)
    assert b"\nFrom:" not in text
    assert b"\nDate:" not in text
    assert parse_patch(text) == bare


def test_base_commit_is_carried(mail):
    patch = parse_patch(format_patch(Patch(parse_patch(mail).files, b"x\n", "x", base_commit="7" * 40)))
    assert patch.base_commit == "7" * 40


def test_the_diffstat_names_binary_files_without_sizes():
    (row, total) = format_diffstat([FileDiff("a.png", "a.png", binary=True)]).splitlines()
    assert row == b" a.png | Bin"
    assert total == b" 1 file changed, 0 insertions(+), 0 deletions(-)"
    assert format_diffstat(()) == b""


def test_binary_files_are_said_to_differ(sources):
    (file,) = diff_sources(sources({"x": b"a\0"}), {"x": b"b\0"})
    assert file.binary
    assert format_diff([file]).endswith(b"Binary files a/x and b/x differ\n")


def test_unchanged_files_are_left_out(sources):
    assert diff_sources(sources({"x": b"a"}), {"x": b"a", "y": None}) == ()


def test_dates():
    assert format_date(0, -90) == "Wed, 31 Dec 1969 22:30:00 -0130"
