"""The bot's rounds: each series once, whatever happens to the mail, the bot and the servers."""

import email
import email.policy
import os
import random
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from kpatch_tools.review.bot.config import Limits, Output, Source
from kpatch_tools.review.bot.outputs import deliver
from kpatch_tools.review.threads import Received

from .conftest import Bot, Smtp

Series = Callable[..., list[Received]]


def mail_to(smtp: Smtp, *, post: bool = True) -> Output:
    return Output("mail", smtp=smtp.address, sender="kpt <kpt@bot.example>", recipients=("l@x.example",), post=post)


def test_a_series_is_reviewed_once_and_answered_where_configured(bot: Bot, bad_series: Series, smtp: Smtp) -> None:
    letters = bad_series()
    bot.outputs = (mail_to(smtp),)
    bot.receive(*letters)
    first = bot.round()
    assert [line.split()[0] for line in first.reviewed] == ["FAIL"]
    assert len(first.posted) == 1
    for after in (60, 120):
        again = bot.round(after=after)
        assert again.quiet
    (envelope,) = smtp.envelopes
    assert envelope.rcpt_tos == ["l@x.example"]
    letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert "undeclared_thing" in letter.get_content()
    assert letter["In-Reply-To"].strip("<>") in letters[2].data.decode()


def test_nothing_is_sent_unless_the_configuration_says_so(bot: Bot, bad_series: Series, smtp: Smtp) -> None:
    bot.outputs = (mail_to(smtp, post=False),)
    bot.receive(*bad_series())
    done = bot.round()
    assert done.posted == []
    assert len(done.held) == 1
    assert smtp.envelopes == []
    bot.outputs = (mail_to(smtp),)
    assert len(bot.round(after=60).posted) == 1


def test_order_and_repetition_of_mail_do_not_matter(bot: Bot, bad_series: Series, smtp: Smtp) -> None:
    letters = bad_series()
    bot.outputs = (mail_to(smtp),)
    random.Random(3).shuffle(letters)
    for number, letter in enumerate(letters):
        bot.receive(letter, prefix=f"{number}-")
        # The same letter by way of a list, which adds a footer.
        bot.receive(Received(letter.name, letter.data + b"_______\nlist footer\n"), prefix=f"{number}-again-")
        bot.round(after=number)
    assert len(smtp.envelopes) == 1
    bot.receive(*letters, prefix="late-")
    assert bot.round(after=10_000).quiet


def test_a_series_waits_for_what_it_lacks_but_not_for_ever(bot: Bot, bad_series: Series) -> None:
    cover, first, _ = bad_series()
    bot.receive(cover, first)
    assert bot.round().quiet
    assert bot.round(after=29 * 60).quiet
    done = bot.round(after=31 * 60)
    assert [line.split()[0] for line in done.reviewed] == ["ERROR"]


def test_one_series_failure_does_not_stop_the_next(
    bot: Bot, bad_series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*arguments: object) -> None:
        if "poison" in str(arguments[1]):
            os.kill(os.getpid(), signal.SIGKILL)

    letters = bad_series()
    poison = Received("0", re.sub(rb"(?i)message-id: <", b"Message-ID: <p", letters[1].data))
    poison = Received("0", poison.data.replace(b"Subject: [PATCH 1/2]", b"Subject: [PATCH] poison"))
    monkeypatch.setattr("kpatch_tools.app.bot.review_input", _before(dies))
    bot.receive(poison, *letters)
    done = bot.round()
    assert len(done.failed) == 1
    assert "died" in done.failed[0]
    assert len(done.reviewed) == 1
    assert bot.round(after=60).quiet


@pytest.mark.parametrize(("limits", "word"), [(Limits(seconds=1), "seconds"), (Limits(megabytes=100), "MemoryError")])
def test_time_and_memory_of_a_series_are_bounded(
    bot: Bot, bad_series: Series, monkeypatch: pytest.MonkeyPatch, limits: Limits, word: str
) -> None:
    def takes_all(*arguments: object) -> None:
        if word == "seconds":
            while True:
                pass
        _ = bytearray(3_000_000_000)

    monkeypatch.setattr("kpatch_tools.app.bot.review_input", _before(takes_all))
    bot.limits = limits
    bot.receive(*bad_series())
    done = bot.round()
    assert len(done.failed) == 1
    assert word in done.failed[0]


def _before(first: Callable[..., None]) -> Callable[..., object]:
    from kpatch_tools.app.review import review_input

    def wrapped(*arguments: object, **more: object) -> object:
        first(*arguments)
        return review_input(*arguments, **more)  # type: ignore[arg-type]

    return wrapped


def test_a_server_that_is_away_gets_it_later(bot: Bot, bad_series: Series, smtp: Smtp) -> None:
    away = Output("mail", smtp="127.0.0.1:9", sender="kpt <kpt@bot.example>", recipients=("l@x.example",), post=True)
    bot.outputs = (away,)
    bot.receive(*bad_series())
    assert len(bot.round().failed) == 1
    bot.outputs = (mail_to(smtp),)
    assert len(bot.round(after=60).posted) == 1
    assert len(smtp.envelopes) == 1


@pytest.mark.parametrize(("answer", "again"), [("451 greylisted, come back", 1), ("554 no spam here", 0)])
def test_a_letter_that_is_refused_for_now_goes_out_later(
    bot: Bot, bad_series: Series, smtp: Smtp, answer: str, again: int
) -> None:
    bot.outputs = (mail_to(smtp),)
    bot.receive(*bad_series())
    smtp.refusals.append(answer)
    assert len(bot.round().failed) == 1
    assert len(bot.round(after=600).posted) == again


def test_posts_are_rate_limited(bot: Bot, bad_series: Series, smtp: Smtp) -> None:
    bot.outputs = (mail_to(smtp),)
    bot.limits = Limits(posts_per_hour=0)
    bot.receive(*bad_series())
    assert bot.round().posted == []
    bot.limits = Limits(posts_per_hour=1)
    assert len(bot.round(after=60).posted) == 1


@pytest.mark.parametrize("moment", ["before the post", "after the post"])
def test_a_crash_loses_nothing_and_doubles_nothing(
    bot: Bot, bad_series: Series, smtp: Smtp, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The bot is killed while it posts; the next round posts again what may not have gone out, under the same id."""

    class KilledError(BaseException):
        pass

    def killed(*arguments: object) -> None:
        if moment == "after the post":
            deliver(*arguments)  # type: ignore[arg-type]
        raise KilledError

    bot.outputs = (mail_to(smtp),)
    bot.receive(*bad_series())
    with monkeypatch.context() as patched:
        patched.setattr("kpatch_tools.app.bot.deliver", killed)
        with pytest.raises(KilledError):
            bot.round()
    bot.round(after=60)
    ids = {email.message_from_bytes(one.content)["Message-ID"] for one in smtp.envelopes}
    assert len(ids) == 1
    assert bot.round(after=120).quiet


def test_a_kill_in_a_review_counts_as_an_attempt(bot: Bot, bad_series: Series, monkeypatch: pytest.MonkeyPatch) -> None:
    class KilledError(BaseException):
        pass

    def killed(*arguments: object, **more: object) -> None:
        raise KilledError

    bot.receive(*bad_series())
    with monkeypatch.context() as patched:
        patched.setattr("kpatch_tools.app.bot.bounded", killed)
        for _ in range(2):
            with pytest.raises(KilledError):
                bot.round()
    done = bot.round(after=60)
    assert "took the bot down" in done.failed[0]
    assert [state for _, state in bot.states()] == ["failed"]


def test_a_source_that_fails_does_not_stop_the_others(bot: Bot, bad_series: Series, tmp_path: Path) -> None:
    bot.sources = (Source("maildir", tmp_path / "nowhere"), Source("maildir", tmp_path / "mail"))
    bot.receive(*bad_series())
    done = bot.round()
    assert len(done.failed) == 1
    assert len(done.reviewed) == 1


def test_the_folder_gets_one_file_for_each_series(bot: Bot, bad_series: Series, tmp_path: Path) -> None:
    bot.outputs = (Output("folder", tmp_path / "out", post=True),)
    bot.receive(*bad_series())
    bot.round()
    (file,) = (tmp_path / "out").iterdir()
    assert "undeclared\\_thing" in file.read_text()
