"""Patchwork's REST API, spoken with a server that answers as its documentation and source say."""

from collections.abc import Callable
from pathlib import Path

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.review.bot.config import Limits, Output, Source
from kpatch_tools.review.bot.patchwork import Patchwork
from kpatch_tools.review.bot.server import AwayError
from kpatch_tools.review.threads import Received

from .conftest import Bot, FakePatchwork

Series = Callable[..., list[Received]]
CHECK = {"state": "success", "context": "kpt", "description": "nothing found"}


@pytest.fixture
def linked(bot: Bot, patchwork: FakePatchwork, tmp_path: Path) -> Bot:
    """A bot that watches a project there and sets checks."""
    (tmp_path / "token").write_text("secret\n")
    bot.sources = (Source("patchwork", url=patchwork.url, project="linux"),)
    bot.outputs = (Output("patchwork", url=patchwork.url, token=tmp_path / "token", post=True),)
    return bot


def arrives(patchwork: FakePatchwork, letters: list[Received], number: int) -> None:
    patchwork.complete(number, b"\n".join(letter.data for letter in letters))
    for place, letter in enumerate(letters):
        patchwork.has_patch(letter.data, 10 * number + place)


def test_series_are_read_and_checks_set_once(linked: Bot, bad_series: Series, patchwork: FakePatchwork) -> None:
    arrives(patchwork, bad_series()[1:], 7)
    done = linked.round()
    assert done.failed == []
    assert {number: [one["state"] for one in checks] for number, checks in patchwork.checks.items()} == {
        70: ["success"],
        71: ["fail"],
    }
    assert patchwork.tokens == ["Token secret"] * 2
    patchwork.asked.clear()
    assert linked.round(after=60).quiet
    assert sum(map(len, patchwork.checks.values())) == 2
    assert [one.partition("?")[0] for one in patchwork.asked] == ["GET /api/1.2/events/"]


def test_pages_are_followed_by_their_links_alone(patchwork: FakePatchwork) -> None:
    for number in range(5):
        patchwork.complete(number, b"")
    found = list(Patchwork(patchwork.url).completed_series("linux", ""))
    assert [address.rpartition("/series/")[2] for _, address in found] == [f"{number}/mbox/" for number in range(5)]
    assert len(patchwork.asked) == 3
    later = list(Patchwork(patchwork.url).completed_series("linux", found[2][0]))
    assert later == found[3:]


def test_events_of_one_moment_are_all_read(patchwork: FakePatchwork) -> None:
    for number in range(3):
        patchwork.complete(number, b"", date="2011-05-01T12:00:00")
    found = list(Patchwork(patchwork.url).completed_series("linux", ""))
    later = list(Patchwork(patchwork.url).completed_series("linux", found[1][0]))
    assert found[2] in later
    assert found[1] not in later


def test_a_project_that_is_not_there_is_no_silent_project(patchwork: FakePatchwork) -> None:
    assert list(Patchwork(patchwork.url).completed_series("linux", "")) == []
    with pytest.raises(KpatchError, match="no project linus"):
        list(Patchwork(patchwork.url).completed_series("linus", ""))


def test_a_server_that_does_not_know_of_its_proxy(patchwork: FakePatchwork) -> None:
    patchwork.link_scheme = "https"
    for number in range(3):
        patchwork.complete(number, b"x%d" % number)
    server = Patchwork(patchwork.url)
    assert [server.fetch(address) for _, address in server.completed_series("linux", "")] == [b"x0", b"x1", b"x2"]


def test_a_check_is_set_in_each_project_or_in_one(patchwork: FakePatchwork) -> None:
    patchwork.patches = {("a@x", "linux"): 1, ("a@x", "crypto"): 2, ("a@x", "net"): 3, ("b@x", "net"): 4}
    server = Patchwork(patchwork.url, "secret")
    assert server.post_check("a@x", CHECK, project="crypto")
    assert set(patchwork.checks) == {2}
    assert server.post_check("a@x", CHECK)
    assert {number: len(checks) for number, checks in patchwork.checks.items()} == {1: 1, 2: 1, 3: 1}
    assert not server.post_check("a@x", CHECK)
    with pytest.raises(KpatchError) as error:
        server.post_check("c@x", CHECK)
    assert error.value.code == "patchwork-unknown-patch"


def test_the_last_check_of_many_counts(patchwork: FakePatchwork) -> None:
    patchwork.patches = {("a@x", "linux"): 1}
    other = {**CHECK, "context": "build"}
    failed = {**CHECK, "state": "fail"}
    patchwork.checks = {1: [CHECK, other, CHECK, failed, other, other]}
    assert Patchwork(patchwork.url).post_check("a@x", CHECK)
    assert patchwork.checks[1][-1] == CHECK


@pytest.mark.parametrize(
    ("status", "headers", "code", "seconds"),
    [
        (400, {}, "server-refuses", None),
        (401, {}, "server-forbids", 0),
        (403, {}, "server-forbids", 0),
        (404, {}, "server-refuses", None),
        (500, {}, "server-fails", None),
        (502, {}, "server-fails", None),
        (503, {"Retry-After": "120"}, "server-busy", 120),
        (429, {"Retry-After": "7"}, "server-busy", 7),
        (429, {}, "server-busy", 300),
        (429, {"Retry-After": "soon"}, "server-busy", 300),
        (429, {"Retry-After": "99999999999999"}, "server-busy", 6 * 3600),
        (
            429,
            {"Date": "Sun, 01 May 2011 12:00:00 GMT", "Retry-After": "Sun, 01 May 2011 12:01:30 GMT"},
            "server-busy",
            90,
        ),
        (302, {"Location": "http://elsewhere.example/"}, "server-away", 0),
        (302, {"Location": "ftp://elsewhere.example/"}, "server-away", 0),
    ],
)
def test_refusals(
    patchwork: FakePatchwork, status: int, headers: dict[str, str], code: str, seconds: int | None
) -> None:
    patchwork.patches = {("a@x", "linux"): 1}
    for path in ("GET /api/1.2/events/", "POST /api/1.2/patches/1/checks/"):
        patchwork.refusals[path] = [(status, headers)]
    server = Patchwork(patchwork.url, "secret")
    for attempt in (lambda: list(server.completed_series("linux", "")), lambda: server.post_check("a@x", CHECK)):
        with pytest.raises(KpatchError) as error:
            attempt()
        assert error.value.code == code
        assert (error.value.seconds if isinstance(error.value, AwayError) else None) == seconds
        assert "secret" not in error.value.message
    assert patchwork.checks == {}


def test_what_is_written_is_never_redirected(patchwork: FakePatchwork) -> None:
    """Following would read what stands there, and take that for success."""
    patchwork.patches = {("a@x", "linux"): 1}
    path = "/api/1.2/patches/1/checks/"
    patchwork.refusals[f"POST {path}"] = [(301, {"Location": f"{patchwork.url}{path}"})]
    with pytest.raises(AwayError, match="301"):
        Patchwork(patchwork.url, "secret").post_check("a@x", CHECK)


@pytest.mark.parametrize("answer", [b"{}", b"[1]", b"no", b'[{"date": "d"}]', b'[{"date": 1, "id": 2, "payload": []}]'])
def test_answers_that_are_no_answers(patchwork: FakePatchwork, answer: bytes) -> None:
    patchwork.mboxes["/api/1.2/events/"] = answer
    with pytest.raises(KpatchError) as error:
        list(Patchwork(patchwork.url).completed_series("linux", ""))
    assert error.value.code == "server-fails"


def test_it_does_not_send_us_elsewhere(linked: Bot, patchwork: FakePatchwork) -> None:
    patchwork.complete(1, b"")
    patchwork.events[0]["payload"]["series"]["mbox"] = "http://169.254.169.254/secret"
    assert "another server" in linked.round().failed[0]


def test_what_a_server_says_steers_no_terminal(linked: Bot, patchwork: FakePatchwork) -> None:
    patchwork.refusals["GET /api/1.2/events/"] = [(302, {"Location": "http://x.example/\x1b[31m\x9b0m"})]
    (told,) = linked.round().failed
    assert "http://x.example/" in told
    assert told.isprintable()


def test_a_server_that_asks_for_a_pause_gets_it_and_loses_nothing(
    linked: Bot, bad_series: Series, patchwork: FakePatchwork
) -> None:
    arrives(patchwork, bad_series()[1:], 7)
    arrives(patchwork, bad_series("-v2")[1:], 8)
    patchwork.refusals["GET /series/8/mbox/"] = [(429, {"Retry-After": "600"})]
    patchwork.refusals["POST /api/1.2/patches/71/checks/"] = [(503, {"Retry-After": "60"})]
    first = linked.round()
    assert [one.rpartition("[")[2] for one in first.failed] == ["server-busy]"] * 2
    assert len(first.reviewed) == len(first.posted) == 1
    patchwork.asked.clear()
    linked.round(after=30)
    assert patchwork.asked == []
    assert len(linked.round(after=90).posted) == 1
    assert not [one for one in patchwork.asked if "events" in one]
    last = linked.round(after=700)
    assert (len(last.reviewed), last.failed) == (1, [])
    assert set(patchwork.checks) == {70, 71, 80, 81}


def test_a_series_that_is_gone_does_not_stop_the_next(
    linked: Bot, bad_series: Series, patchwork: FakePatchwork
) -> None:
    patchwork.complete(6, b"")
    arrives(patchwork, bad_series()[1:], 7)
    patchwork.mboxes.pop("/series/6/mbox/")
    done = linked.round()
    assert "404" in done.failed[0]
    assert len(done.reviewed) == 1
    assert linked.round(after=60).quiet


def test_a_series_that_the_server_fails_to_give_is_read_later(
    linked: Bot, bad_series: Series, patchwork: FakePatchwork
) -> None:
    arrives(patchwork, bad_series()[1:], 7)
    patchwork.refusals["GET /series/7/mbox/"] = [(500, {})]
    assert len(linked.round().failed) == 1
    assert len(linked.round(after=60).reviewed) == 1


@pytest.mark.parametrize(("status", "again"), [(404, 0), (400, 0), (500, 1), (403, 1)])
def test_what_is_refused_for_good_is_not_tried_again(
    linked: Bot, bad_series: Series, patchwork: FakePatchwork, status: int, again: int
) -> None:
    arrives(patchwork, bad_series()[1:], 7)
    patchwork.refusals["POST /api/1.2/patches/71/checks/"] = [(status, {})]
    assert len(linked.round().failed) == 1
    assert len(linked.round(after=60).posted) == again


def test_a_server_that_is_away_is_asked_once_a_round(
    linked: Bot, bad_series: Series, patchwork: FakePatchwork, tmp_path: Path
) -> None:
    arrives(patchwork, bad_series()[1:], 7)
    away = Output("patchwork", url="http://127.0.0.1:9", token=tmp_path / "token", post=True)
    linked.outputs = (away, *linked.outputs)
    done = linked.round()
    assert len(done.failed) == 1
    assert len(done.posted) == 2
    linked.limits = Limits(posts_per_hour=100)
    assert len(linked.round(after=60).failed) == 1
