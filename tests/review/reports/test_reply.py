"""A review as mail."""

import email
import email.policy
import re

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.review.reports.reply import format_replies
from kpatch_tools.review.values import Review

WHO = {"sender": "kpt <kpt@bot.example>", "domain": "bot.example", "date": "Mon, 02 May 2011 10:00:00 +0000"}


def test_one_letter_for_each_patch_that_something_is_said_of(review: Review) -> None:
    letters = format_replies(review, recipients=["list@x.example"], **WHO)
    # Of the third it is only said that something could not be established.
    assert [patch.sent.number for patch, _ in letters] == [1]
    letter = email.message_from_bytes(letters[0][1], policy=email.policy.default)
    first = review.patches[0].sent.envelope
    assert letter["In-Reply-To"] == f"<{first.message_id}>"
    assert str(letter["References"]).split()[-1] == f"<{first.message_id}>"
    assert letter["Subject"] == f"Re: {first.subject}"
    assert letter["To"] == "list@x.example"
    assert letter["Cc"] is None
    body = letter.get_content().replace("\r\n", "\n")
    assert body.startswith("On Sun, 1 May 2011 12:00:00 +0200, Ann Author wrote:\n> --- a/")
    assert "> @@ -1,6 +1,6 @@" in body
    assert "> +int line3 = 10;" in body
    own = [line for line in body.splitlines() if not line.startswith(">")]
    assert max(map(len, own)) <= 72
    assert "is declared nowhere" not in body
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", body)


def test_the_same_answer_has_the_same_id(review: Review) -> None:
    first = format_replies(review, recipients=["list@x.example"], **WHO)
    again = format_replies(review, recipients=["list@x.example"], **WHO)
    assert first == again


@pytest.mark.parametrize("address", ["a@x.example\r\nBcc: b@x.example", "nobody", "a@x.example\0"])
def test_no_address_smuggles_a_header(review: Review, address: str) -> None:
    with pytest.raises(KpatchError) as raised:
        format_replies(review, recipients=[address], **WHO)
    assert raised.value.code == "bad-address"


def test_nobody_is_written_to_by_default(review: Review) -> None:
    with pytest.raises(KpatchError) as raised:
        format_replies(review, recipients=[], **WHO)
    assert raised.value.code == "no-recipients"
