"""A letter's headers and their encoded words."""

import email.header
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.patch import parse_patch
from kpatch_tools.patch.headers import decoded, read_headers, unfolded

DIFF = b"---\ndiff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n"


def test_headers_end_at_the_empty_row_and_the_first_of_two_counts() -> None:
    rows = b"Subject: one\n two\nno header\n  nor its fold\nsubject: again\n folded\nDate: x\n\nSubject: body".split(
        b"\n"
    )
    headers, end = read_headers(rows)
    assert (unfolded(headers["subject"]), headers["date"], rows[end]) == ("one two", "x", b"")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?a_b?=\n =?utf-8?q?c?= end", "a bc end"),
        ("=?utf-8?b?w7w=?=", "ü"),
        ("=?utf-8?b?w7w?=", "ü"),
        ("=?utf-8?q?=C3?= =?UTF-8?q?=BC?=", "ü"),
        ("=?utf-8*de?Q?x?= y", "x y"),
        ("Jörg =?iso-8859-1?q?M=FCller?=", "Jörg Müller"),
        ("=?utf-8?q?x=0D=0ABcc:_y?=", "x Bcc: y"),
        ("=?no-such?q?x?= y", "=?no-such?q?x?= y"),
        ("=?utf-8?q?=E9?=", "\udce9"),
        ("=?utf-8?b?=", "=?utf-8?b?="),
    ],
)
def test_encoded_words(value: str, text: str) -> None:
    assert decoded(value) == text


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-7", "utf-16", "idna", "undefined", "rot13"])
def test_a_charset_that_spells_no_text_is_left_alone(charset: str) -> None:
    head = f"From: =?{charset}?q?+2AA-=5Cud800?= <a@x.example>\nSubject: =?{charset}?q?+2AA-=5Cud800?=\n"
    letter = f"{head}Content-Type: text/plain; charset={charset}\n\n+2AA- \\ud800\n".encode()
    patch = parse_patch(letter + DIFF)
    assert patch.author is not None
    written = [patch.message.decode("utf-8", "surrogateescape"), patch.subject, patch.author.name]
    assert all(text == text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") for text in written)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Z")), max_size=200))
def test_what_python_encodes_is_decoded(text: str) -> None:
    assert decoded(email.header.Header(text, "utf-8").encode()) == text or "=?" in text


@given(st.text(max_size=300))
def test_any_text_is_a_value(text: str) -> None:
    assert not re.search("[\x00-\x1f\x7f]", decoded(f"=?utf-8?q?{text}?= {text}"))
