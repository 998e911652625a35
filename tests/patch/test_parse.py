"""Text to patches: every form in which they arrive, and every reason to refuse one."""

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.patch import Person, apply_patch, parse_mbox, parse_patch

SUBJECT = "demo: return an error number and say why at such a length that the subject is folded"


def _refused(data: bytes) -> KpatchError:
    with pytest.raises(KpatchError) as refusal:
        parse_patch(data)
    assert refusal.value.hint, "every error has a next step"
    return refusal.value


def test_format_patch_mail(mail, old, new, sources):
    patch = parse_patch(mail)
    assert patch.subject == SUBJECT
    assert patch.message.startswith(SUBJECT.encode() + b"\n\nA body.\n\nSigned-off-by: Ada R\xc3\xa4k")
    assert patch.author == Person("Ada Räksmörgås", "ada@example.org")
    assert patch.date == "Sun, 13 Mar 2011 07:06:40 +0100"
    assert patch.commit == "1" * 40
    assert patch.notes == ()
    (file,) = patch.files
    assert (file.old_path, file.new_path, file.old_mode, file.old_blob) == ("demo.c", "demo.c", 0o100644, "2222222")
    assert [hunk.section for hunk in file.hunks] == [b"static int counter;", b"int demo_read(struct demo *demo)"]
    assert apply_patch(patch.files, sources({"demo.c": old})).changes == {"demo.c": new}


def test_a_bare_diff(diff, mail):
    patch = parse_patch(diff)
    assert patch.files == parse_patch(mail).files
    assert (patch.message, patch.author, patch.date, patch.commit) == (b"", None, None, None)


def test_a_message_without_headers_and_a_diff_without_sections_or_final_newline(diff, mail):
    """What somebody pasted: the message, one file, and the last newline lost on the way."""
    bare = diff.replace(b"@@ static int counter;", b"@@").replace(b"@@ int demo_read(struct demo *demo)", b"@@")
    text = (
        b"demo: say why\n\nAs a consequence of\n\ncommit " + b"4" * 40 + b"\nAuthor: Bob\n\n    demo: begin\n\n" + bare
    )
    patch = parse_patch(text.removesuffix(b"\n"))
    assert patch.subject == "demo: say why"
    assert b"Author: Bob" in patch.message
    assert patch.notes == ("no newline at the end of the patch: added",)
    assert patch.author is None
    assert [hunk.lines for hunk in patch.files[0].hunks] == [h.lines for h in parse_patch(mail).files[0].hunks]
    assert [hunk.section for hunk in patch.files[0].hunks] == [b"", b""]


def test_what_git_show_prints(diff):
    text = (
        b"commit " + b"5" * 40 + b" (HEAD -> main)\nMerge: 1 2\nAuthor: Ada <ada@example.org>\n"
        b"Date:   Sun Mar 13 07:06:40 2011 +0100\n\n    demo: say why\n    \n    A body.\n      indented\n\n" + diff
    )
    patch = parse_patch(text)
    assert patch.message == b"demo: say why\n\nA body.\n  indented\n"
    assert patch.author == Person("Ada", "ada@example.org")
    assert patch.date == "Sun, 13 Mar 2011 07:06:40 +0100"
    assert patch.commit == "5" * 40
    assert len(parse_mbox(text + b"\n" + text.replace(b"5" * 40, b"6" * 40))) == 2


def test_a_mailbox_of_several_and_a_cover_letter(mail):
    cover = b"From ada@example.org Sun Mar 13 07:06:40 2011\nSubject: [PATCH 0/2] demo\n\nHello\n-- \n2.39.5\n\n"
    patches = parse_mbox(cover + mail + mail.replace(b"A body", b"Another"))
    assert [patch.subject for patch in patches] == [SUBJECT, SUBJECT]
    assert b"Another" in patches[1].message
    assert _refused(mail + mail).code == "several-patches"


def _encoded(mail: bytes, encoding: str, body: bytes) -> bytes:
    head = mail[: mail.index(b"\n\n")].replace(b"8bit", encoding.encode())
    return head + b"\n\n" + body


def test_encoded_mail(mail):
    plain = parse_patch(mail)
    body = mail[mail.index(b"\n\n") + 2 :]
    quoted = parse_patch(_encoded(mail, "quoted-printable", quopri.encodestring(body)))
    crlf = base64.encodebytes(body.replace(b"\n", b"\r\n"))
    based = parse_patch(_encoded(mail, "base64", crlf))
    for patch in (quoted, based):
        assert (patch.files, patch.message, patch.author) == (plain.files, plain.message, plain.author)
    assert quoted.notes == ("mail encoding undone: quoted-printable",)


def test_a_multipart_mail_with_the_diff_attached(diff):
    text = (
        b"From: Bob <bob@example.org>\nSubject: [RFC PATCH] demo: say why\nContent-Type: multipart/mixed; "
        b"boundary=XX\n\n--XX\nContent-Type: text/plain\n\nA body.\n---\n\n--XX\n"
        b"Content-Type: text/x-patch; name=demo.patch\n"
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(diff) + b"--XX--\n"
    )
    patch = parse_patch(text)
    assert patch.files == parse_patch(diff).files
    assert patch.message == b"demo: say why\n\nA body.\n"


def test_bytes_that_are_not_utf8_survive(diff):
    latin = diff.replace(b"-EINVAL;", b"-EINVAL; /* na\xefve \x0c\x85 */")
    (line,) = [line for line in parse_patch(latin).files[0].hunks[0].lines if line.kind == "+"]
    assert line.text == b"\t\treturn -EINVAL; /* na\xefve \x0c\x85 */"


def test_the_body_may_name_the_author(mail):
    text = mail.replace(
        b"\n\nA body.", b"\n\nFrom: Carl <carl@example.org>\nDate: Tue, 1 Mar 2011 00:00:00 +0000\n\nA body."
    )
    patch = parse_patch(text)
    assert patch.author == Person("Carl", "carl@example.org")
    assert patch.date == "Tue, 1 Mar 2011 00:00:00 +0000"
    assert b"Carl" not in patch.message


@pytest.mark.parametrize(
    ("spelled", "person"),
    [
        ("Ada <a@b>", Person("Ada", "a@b")),
        ('"Lovelace, Ada \\"A\\"" <a@b>', Person('Lovelace, Ada "A"', "a@b")),
        ("a@b (Ada)", Person("Ada", "a@b")),
        ("a@b", Person("a@b", "a@b")),
        ("<a@b>", Person("a@b", "a@b")),
        ("nobody", None),
        ("=?ISO-8859-1?Q?K=F6nig?= <k@b>", Person("König", "k@b")),
        ("=?x-unknown?Q?K?= <k@b>", Person("=?x-unknown?Q?K?=", "k@b")),
    ],
)
def test_people(diff, spelled, person):
    text = f"From: {spelled}\nSubject: [PATCH] x\n\n---\n".encode() + diff
    assert parse_patch(text).author == person


def test_a_body_in_another_charset_becomes_utf8(diff):
    text = b"From: a@b\nSubject: [PATCH] x\nContent-Type: text/plain; charset=ISO-8859-1\n\nK\xf6nig\n---\n" + diff
    assert parse_patch(text).message == "x\n\nKönig\n".encode()


def test_crlf_is_refused_or_repaired(mail, diff):
    for data in (mail, diff):
        crlf = data.replace(b"\n", b"\r\n")
        assert _refused(crlf).code == "crlf-patch"
        repaired = parse_patch(crlf, repair_crlf=True)
        assert repaired.files == parse_patch(data).files
        assert repaired.notes == ("CRLF line ends: converted to LF",)


def test_a_file_whose_own_lines_end_in_crlf_is_fine(diff):
    text = diff.replace(b"-EINVAL;\n", b"-EINVAL;\r\n").replace(b"return -1;\n", b"return -1;\r\n")
    changed = [line.text for line in parse_patch(text).files[0].hunks[0].lines if line.kind != " "]
    assert changed == [b"\t\treturn -1;\r", b"\t\treturn -EINVAL;\r"]


def test_blank_context_lines_that_lost_their_blank(diff, mail):
    assert parse_patch(diff.replace(b"\n \n", b"\n\n")).files == parse_patch(mail).files


def test_lines_that_look_like_file_headers(sources):
    """Removed and added lines of SQL or mail text: `-- x` and `++ y`."""
    text = b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- one\n+++ two\n same\n"
    (file,) = parse_patch(text).files
    assert [(line.kind, line.text) for line in file.hunks[0].lines] == [
        ("-", b"-- one"),
        ("+", b"++ two"),
        (" ", b"same"),
    ]


def test_consecutive_dev_null_pairs():
    """quilt writes no diff --git line; unidiff joins such files into one."""
    text = b"".join(b"--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+%s\n" % (name, name) for name in (b"a", b"b", b"c"))
    text += b"--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    files = parse_patch(text).files
    assert [(file.old_path, file.new_path) for file in files] == [(None, "a"), (None, "b"), (None, "c"), ("gone", None)]
    assert files[0].hunks[0].lines[0].text == b"a"


def test_prefixes():
    def path(old, new):
        text = f"--- {old}\t2011-03-13 07:06:40\n+++ {new}\t2011-03-13\n@@ -1 +1 @@\n-a\n+b\n"
        return parse_patch(text.encode()).files[0].path

    assert path("linux-2.6.38.orig/mm/a.c", "linux-2.6.38/mm/a.c") == "mm/a.c"
    assert path("a/mm/a.c", "b/mm/a.c") == "mm/a.c"
    assert path("mm/a.c", "mm/a.c") == "mm/a.c"
    assert path('"a/caf\\303\\251"', '"b/caf\\303\\251"') == "café"


def test_renames_copies_modes_and_empty_files():
    text = (
        b"diff --git a/old name.c b/new name.c\nsimilarity index 100%\nrename from old name.c\nrename to new name.c\n"
        b"diff --git a/x.c b/y.c\nsimilarity index 90%\ncopy from x.c\ncopy to y.c\nindex 1..2 100644\n"
        b"--- a/x.c\n+++ b/y.c\n@@ -1 +1 @@\n-a\n+b\n"
        b"diff --git a/run b/run\nold mode 100644\nnew mode 100755\n"
        b"diff --git a/an empty file b/an empty file\nnew file mode 100644\nindex 000..e69de29\n"
        b"diff --git a/gone b/gone\ndeleted file mode 100644\nindex e69de29..000\n"
    )
    renamed, copied, mode, empty, gone = parse_patch(text).files
    assert (renamed.old_path, renamed.new_path, renamed.similarity) == ("old name.c", "new name.c", 100)
    assert copied.copied
    assert (mode.old_mode, mode.new_mode) == (0o100644, 0o100755)
    assert (empty.old_path, empty.new_path, empty.hunks) == (None, "an empty file", ())
    assert (gone.old_path, gone.new_path) == ("gone", None)


def test_missing_newlines_at_the_end_of_files():
    text = b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ Pas de fin de ligne\n"
    lines = parse_patch(text).files[0].hunks[0].lines
    assert [(line.text, line.newline) for line in lines] == [(b"a", False), (b"b", False)]
    kept = parse_patch(text.replace(b"\\ Pas de fin de ligne\n", b"")).files[0].hunks[0].lines
    assert [line.newline for line in kept] == [False, True]


@pytest.mark.parametrize("data", [b"", b" \n\n", b"just a letter\n", b"From: a@b\nSubject: [PATCH] x\n\nno diff\n"])
def test_empty(data):
    assert _refused(data).code == "empty-patch"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ((b"@@ -5,7 +5,7 @@", b"@@ -5,8 +5,7 @@"), "fewer lines"),
        ((b"@@ -5,7 +5,7 @@", b"@@ -5,6 +5,6 @@"), "more lines"),
        ((b"@@ -5,7 +5,7 @@", b"@@ nonsense @@"), "cannot be read"),
        ((b"--- a/demo.c\n+++ b/demo.c\n", b""), "name its file"),
        ((b" \tif (!demo)\n", b"if (!demo)\n"), "wrapped"),
        ((b"--- a/demo.c", b"--- /dev/null"), ""),
        ((b"\n void demo_write(struct demo *demo, int value)", b""), ""),
    ],
)
def test_damaged(diff, change, what):
    data = diff.replace(*change)
    assert data != diff
    if change[1] == b"--- /dev/null":
        data = data.replace(b"+++ b/demo.c", b"+++ /dev/null")
    error = _refused(data)
    assert error.code == "malformed-patch"
    assert what in error.message
    assert "line" in error.message


def test_cut_off_inside_a_hunk(diff):
    for end in range(diff.index(b"@@ -5") + 40, len(diff) - 2):
        if diff[:end].count(b"@@ -") == 1 and diff[end - 1 : end] == b"\n" and not diff[:end].endswith(b"\n \n"):
            assert _refused(diff[:end]).code == "malformed-patch"


def test_one_line_too_many(diff):
    assert _refused(diff + b"+more\n").code == "malformed-patch"


def test_a_file_changed_twice(diff):
    assert _refused(diff + diff).code == "malformed-patch"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"diff --git a/x.png b/x.png\nindex 1..2 100644\nBinary files a/x.png and b/x.png differ\n", "binary-patch"),
        (
            b"diff --git a/x b/x\nnew file mode 100644\nindex 0..2\nGIT binary patch\nliteral 3\nKcmY\n\n",
            "binary-patch",
        ),
        (b"diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+x\n", "symlink-patch"),
        (b"diff --git a/l b/l\nindex 1..2 120000\n--- a/l\n+++ b/l\n@@ -1 +1 @@\n-y\n+x\n", "symlink-patch"),
        (b"diff --git a/s b/s\nnew file mode 160000\n--- /dev/null\n+++ b/s\n@@ -0,0 +1 @@\n+x\n", "submodule-patch"),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n".encode("utf-16"), "encoded-patch"),
        (b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\0\n", "encoded-patch"),
        (b"diff --git a/x b/x\nnew file mode 10x644\n", "malformed-patch"),
        (b"diff --git a/x b/x\nindex 1..2 100644\n", "malformed-patch"),
    ],
)
def test_what_is_not_ours_to_apply(data, code):
    assert _refused(data).code == code


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a//etc/passwd",
        "a/.git/config",
        "b/sub/.GIT/hooks/x",
        "a/x/../y",
        "a/C:/x",
        "a/./x",
    ],
)
@pytest.mark.parametrize("form", ["plain", "git", "rename", "quoted"])
def test_unsafe_paths(path, form):
    hunk = "@@ -1 +1 @@\n-a\n+b\n"
    text = {
        "plain": f"--- a/ok\n+++ {path}\n{hunk}",
        "git": f"diff --git {path} {path}\n--- {path}\n+++ {path}\n{hunk}",
        "rename": f"diff --git a/ok b/ok\nsimilarity index 90%\nrename from ok\nrename to {path.removeprefix('a/')}\n",
        "quoted": f'--- "{path}"\n+++ "{path}"\n{hunk}',
    }[form]
    assert _refused(text.encode()).code == "unsafe-path"


@given(st.binary(max_size=200), st.integers(0, 900), st.integers(0, 60))
def test_no_input_raises_anything_but_our_error(noise, start, cut):
    from_mail = (
        b"From: a@b\nSubject: [PATCH] x\n\nbody\n---\ndiff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n"
        b"@@ -1,3 +1,3 @@ f\n a\n-b\n+c\n d\n-- \n2\n"
    )
    start = min(start, len(from_mail))
    data = from_mail[:start] + noise + from_mail[start + cut :]
    try:
        assert parse_mbox(data)
    except KpatchError as error:
        assert error.code  # noqa: PT017 - any of our codes will do; nothing else may come out


def test_a_hunk_that_begins_with_the_mark_of_a_missing_newline_is_refused() -> None:
    diff = b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n\\ No newline at end of file\n-a\n+b\n"
    assert _refused(diff).code == "malformed-patch"
