"""Mail that was made to hurt: whatever arrives, it is a finding or is passed over, never a traceback.

`make fuzz` runs many more of these (KPT_FUZZ_MAILS).
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kpatch_tools.app.review import Choice, review_input
from kpatch_tools.app.review_input import inputs_of_letters
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.review.reports import FORMATS
from kpatch_tools.review.reports.reply import format_replies
from kpatch_tools.review.sources import letters_in
from kpatch_tools.review.values import Review
from kpatch_tools.tree import KernelTree, Signature
from kpatch_tools.workers import bounded

CASES = int(os.environ.get("KPT_FUZZ_MAILS", "150"))

LETTER = b"""\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: =?utf-8?q?J=C3=B6rg?= <j@kernel.example>
Date: Mon, 2 May 2011 10:00:00 +0200
Subject: [PATCH v2 1/1] one: change
Message-ID: <1@kernel.example>
In-Reply-To: <0@kernel.example>
References: <0@kernel.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit

Because.

Fixes: 0123456789ab ("one: start")
Signed-off-by: J <j@kernel.example>
---
 drivers/one.c | 2 +-

diff --git a/drivers/one.c b/drivers/one.c
index 1234567..89abcde 100644
--- a/drivers/one.c
+++ b/drivers/one.c
@@ -1,4 +1,5 @@
 int line1;
-int line2;
+int line2 = undeclared_thing(2);
+int more;
 int line3;
 int line4;
diff --git a/drivers/new.c b/drivers/new.c
new file mode 100644
index 0000000..1111111
--- /dev/null
+++ b/drivers/new.c
@@ -0,0 +1 @@
+int new;
--
2.39.0

"""

PIECES = [
    *(
        b"",
        b"\n",
        b"\r\n",
        b"\0",
        b"\xff\xfe",
        b"\xe2\x80\xae",
        b"\x1b[2J",
        b"From ",
        b"From x@y Mon May  2 10:00:00 2011\n",
    ),
    *(b"../../../etc/passwd", b"/etc/passwd", b".git/hooks/pre-push", b"a/" * 300, b"C:\\x", b"%s%n", b"{{ 7*7 }}"),
    *(b"@@ -1,999999999 +1,1 @@", b"@@ -0,0 +0,0 @@", b"@@ -18446744073709551616,1 +1 @@", b"--- ", b"+++ /dev/null"),
    *(
        b"diff --git a/x b/x",
        b"rename from x\nrename to ../y",
        b"new file mode 120000",
        b"old mode 0",
        b"GIT binary patch",
    ),
    *(
        b"Content-Type: multipart/mixed; boundary=x",
        b"Content-Transfer-Encoding: base64",
        b"charset=utf-7",
        b"=?x?b?==",
    ),
    *(b"Subject: x\r\nBcc: v@x", b"Message-ID: <a>\nMessage-ID: <b>", b"[PATCH 99999/1]", b"[" * 200, b"Re: " * 50),
    *(
        b"#define A(x) A(x) A(x)\n",
        b"(" * 400,
        b"{" * 400,
        b'"',
        b"/*",
        b"\\\n" * 100,
        b"#if 0\n",
        b"+" * 2000,
        b"\t" * 300,
    ),
    *(b"commit 0123456789 upstream.", b"Fixes: " + b"a" * 500, b"base-commit: ffffffff"),
]


@st.composite
def mails(draw: st.DrawFn) -> bytes:
    """The letter with a few pieces put in, taken out or doubled, at any place."""
    data = LETTER
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 3, 40, 400])))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12), st.just(data[start:end] * 2)))
        data = data[:start] + piece + data[end:]
    return data


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> KernelTree:
    """The letter applies to it as it stands."""
    made = KernelTree.create(tmp_path_factory.mktemp("repo") / "linux.git", branch="main")
    files = {
        "Makefile": b"VERSION = 3\n",
        "include/linux/one.h": b"int one(int);\n",
        "arch/Kconfig": b"config X\n",
        "drivers/one.c": b"int line1;\nint line2;\nint line3;\nint line4;\n",
    }
    who = Signature("A", "a@x.example", 1_300_000_000, 0)
    made.write(
        base=made.empty_tree(),
        changes={RepoPath(path): data for path, data in files.items()},
        message=b"start\n",
        author=who,
        committer=who,
        ref="main",
    )
    return made


def reviews_of(tree: KernelTree, data: bytes) -> Iterator[Review]:
    try:
        inputs, _ = inputs_of_letters(letters_in(data, "mail"))
    except KpatchError:
        return
    for given_input in inputs:
        yield review_input(tree, given_input, Choice(old=True))


def test_the_letter_itself_is_reviewed(tree: KernelTree) -> None:
    (review,) = reviews_of(tree, LETTER)
    assert review.patches[0].applies == ""
    assert any("undeclared_thing" in one.finding.message for one in review.patches[0].findings)


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=mails())
def test_no_mail_breaks_anything(tree: KernelTree, data: bytes) -> None:
    for review in reviews_of(tree, data):
        for patch in review.patches:
            assert patch.findings
            for path in patch.touched:
                assert not path.startswith("/")
                assert ".." not in path.split("/")
                assert ".git" not in path.lower().split("/")
        for form in FORMATS.values():
            form([review], {}).encode()
        if not all(patch.sent.envelope.message_id for patch in review.patches):
            continue
        for _, letter in format_replies(review, recipients=["l@x.example"], sender="k@x.ex", domain="x", date="now"):
            head = letter.partition(b"\r\n\r\n")[0]
            names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] not in b" \t"]
            assert len(names) == len(set(names))
            assert b"bcc" not in names
            assert b"cc" not in names


@pytest.mark.parametrize(
    "text",
    [
        b"a" * 2_000_000,
        b"[" * 500_000,
        b"From: " + b"<" * 500_000,
        b"Subject: " + b"=?utf-8?q?" * 50_000,
        b"References: " + b"<a@b> " * 200_000,
        b"Subject: [PATCH]\n\n" + b"Fixes: " * 200_000,
        b"Subject: [PATCH]\n\n" + b"commit " * 200_000,
        b"Subject: [PATCH]\n\n" + b'Revert "' * 200_000,
        b"Subject: [PATCH]\n\n" + b"a: b\n" * 200_000,
        b"Subject: [PATCH]\n\n" + b"abcdef1 (" * 150_000,
        b"Subject: [PATCH]\n\n" + b" " * 1_000_000 + b"x",
        b"Subject: [PATCH]\n\n---\n" + b"diff --git a/x b/x\n" * 50_000,
        b"Subject: [PATCH]\n\n---\n" + b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n+y\n" * 20_000,
    ],
    ids=range(13),
)
def test_no_text_takes_more_than_its_length(tree: KernelTree, text: bytes) -> None:
    """A pattern that explodes would not end: the bot's bound on a series' time is what would stop it."""
    assert bounded(lambda: len(list(reviews_of(tree.reopened(), text))), seconds=240, megabytes=2_000) >= 0
