"""Letters to series."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kpatch_tools.review.threads import LARGEST_LETTER, Received, find_submissions

from .conftest import Work, lines

Series = Callable[..., list[Received]]


@pytest.mark.parametrize(
    "options",
    [
        ("--cover-letter", "--thread=shallow"),
        ("--cover-letter", "--thread=deep"),
        ("--thread=shallow",),
        ("--thread=deep",),
        ("--cover-letter", "--no-thread"),
        ("--no-thread", "-N"),
        ("--thread", "--cover-letter", "-v3", "--base=v1"),
    ],
)
def test_what_git_formats_is_one_series_in_any_order(series: Series, options: tuple[str, ...]) -> None:
    letters = series(*options)
    if "-N" in options:
        expected = [(1,), (1,), (1,)]
    else:
        expected = [(1, 2, 3)]
        random.Random(7).shuffle(letters)
    submissions, skipped = find_submissions(letters)
    assert [tuple(sent.number for sent in one.patches) for one in submissions] == expected
    assert skipped == ()
    assert all(one.missing == () for one in submissions)
    if "-v3" in options:
        assert submissions[0].version == 3
        assert submissions[0].named_base
    if "--cover-letter" in options:
        assert "BLURB HERE" in submissions[0].cover


def test_two_versions_in_one_thread_are_two_series(series: Series) -> None:
    first = series("--cover-letter", "--thread=shallow")
    root = _message_id(first[0])
    second = series("--cover-letter", "--thread=shallow", "-v2", f"--in-reply-to={root}")
    submissions, _ = find_submissions([*first, *second])
    assert [(one.version, len(one.patches)) for one in submissions] == [(1, 3), (2, 3)]


def test_the_same_series_sent_twice_without_threads_is_two(series: Series) -> None:
    letters = series("--no-thread")
    submissions, _ = find_submissions([*letters, *letters])
    assert [len(one.patches) for one in submissions] == [3, 3]


def test_a_letter_that_comes_twice_counts_once(series: Series) -> None:
    letters = series("--thread=shallow")
    submissions, skipped = find_submissions([*letters, letters[1]])
    assert [len(one.patches) for one in submissions] == [3]
    assert [one.reason for one in skipped] == ["the same letter again"]


def test_what_did_not_arrive_is_told(series: Series) -> None:
    letters = series("--thread=shallow", "--cover-letter")
    submissions, _ = find_submissions([letters[0], letters[1], letters[3]])
    assert submissions[0].missing == (2,)


def test_replies_give_trailers_and_are_no_patches(series: Series) -> None:
    letters = series("--thread=shallow", "--cover-letter")
    cover, second = _message_id(letters[0]), _message_id(letters[2])
    replies = [
        _reply("1", second, "> Signed-off-by: X <x@x.example>\n\nReviewed-by: Rev <rev@x.example>\n"),
        _reply("2", "1@reply.example", "and so do I\n\nAcked-by: Ack <ack@x.example>\n", references=f"<{second}>"),
        _reply("3", cover, "Tested-by: Test <test@x.example>\n"),
    ]
    submissions, skipped = find_submissions([*letters, *replies])
    assert submissions[0].trailers == (
        (2, "Reviewed-by: Rev <rev@x.example>"),
        (2, "Acked-by: Ack <ack@x.example>"),
        (0, "Tested-by: Test <test@x.example>"),
    )
    assert [one.reason for one in skipped] == ["a reply"] * 3


def test_pull_requests_and_chatter_are_passed_over_with_a_word(series: Series) -> None:
    pull = Received("pull", b"Subject: [GIT PULL] x86\nMessage-ID: <p@x>\n\nplease pull\n")
    bare = Received("bare", b"Subject: x86\n\nThe following changes since commit 0123456789ab:\n\n  x (date)\n")
    talk = Received("talk", b"Subject: hello\nMessage-ID: <h@x>\n\nhow are you?\n")
    big = Received("big", b"Subject: [PATCH] x\n\n" + b"x" * LARGEST_LETTER)
    submissions, skipped = find_submissions([pull, bare, talk, big])
    assert submissions == ()
    assert {one.name: one.reason for one in skipped} == {
        "pull": "a pull request",
        "bare": "a pull request",
        "talk": "no diff in it",
        "big": "larger than 8 MiB",
    }


def test_a_damaged_patch_is_said_to_be_one(series: Series) -> None:
    letters = series("--thread=shallow")
    damaged = Received("damaged", letters[1].data.replace(b"@@ -17,7 +17,7 @@", b"@@ -17,9 +17,7 @@"))
    assert damaged.data != letters[1].data
    submissions, _ = find_submissions([letters[0], damaged, letters[2]])
    (one,) = submissions
    assert [sent.number for sent in one.patches] == [1, 3]
    assert [(bad.number, bad.code) for bad in one.unreadable] == [(2, "malformed-patch")]
    assert one.missing == ()


def test_a_bare_diff_is_a_series_of_one(work: Work) -> None:
    work.commit("change", drivers__one_c=lines(40, {3: "int x;"}))
    submissions, _ = find_submissions([Received("stdin", work.git("diff", "v1").encode())])
    assert [len(one.patches) for one in submissions] == [1]


@given(st.lists(st.binary(max_size=400), max_size=4))
def test_any_bytes_can_be_received(letters: list[bytes]) -> None:
    submissions, skipped = find_submissions([Received(str(number), data) for number, data in enumerate(letters)])
    assert len(submissions) + len(skipped) <= len(letters)


def _message_id(letter: Received) -> str:
    line = next(row for row in letter.data.split(b"\n") if row.lower().startswith(b"message-id:"))
    return line.partition(b"<")[2].partition(b">")[0].decode()


def _reply(number: str, parent: str, text: str, references: str = "") -> Received:
    head = f"From: r@x.example\nSubject: Re: [PATCH 2/3] one\nMessage-ID: <{number}@reply.example>\n"
    return Received(number, f"{head}In-Reply-To: <{parent}>\nReferences: {references} <{parent}>\n\n{text}".encode())
