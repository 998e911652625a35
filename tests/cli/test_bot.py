"""kpt bot as cron runs it."""

import fcntl
from pathlib import Path

import pytest

from .conftest import BAD, GOOD, Clone, Kpt


@pytest.fixture
def config(clone: Clone, tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    file = tmp_path / "kpt.toml"
    file.write_text(
        'repository = "work"\nstate = "bot.sqlite"\n[[source]]\nkind = "maildir"\npath = "mail"\n'
        '[[output]]\nkind = "mail"\nsmtp = "127.0.0.1:9"\nfrom = "k@x.example"\nto = ["l@x.example"]\n'
    )
    return file


def arrive(clone: Clone, tmp_path: Path, *options: str) -> None:
    letter = clone.git("format-patch", "--stdout", "--thread", *options, "origin/main").stdout
    (tmp_path / "mail" / "new" / str(len(letter))).write_text(letter)


def test_the_example_is_printed(kpt: Kpt) -> None:
    assert b"[[source]]" in kpt("bot", "--example").out


def test_a_round_says_what_happened_and_the_next_one_nothing(
    kpt: Kpt, clone: Clone, config: Path, tmp_path: Path
) -> None:
    empty = kpt("bot", "--config", str(config), "--once")
    assert (empty.code, empty.out, empty.err) == (0, b"", "")
    clone.commit("drivers/one.c", GOOD)
    clone.commit("drivers/two.c", BAD)
    arrive(clone, tmp_path)
    first = kpt("bot", "--config", str(config), "--once")
    assert first.code == 0
    assert first.out.startswith(b"reviewed: FAIL")
    again = kpt("bot", "--config", str(config), "--once")
    assert (again.code, again.out, again.err) == (0, b"", "")
    shown = kpt("bot", "--config", str(config), "--show").out
    assert b"undeclared_thing" in shown
    assert b"In-Reply-To: <" in shown


def test_two_bots_do_not_work_on_one_state(kpt: Kpt, config: Path, tmp_path: Path) -> None:
    with (tmp_path / "bot.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = kpt("bot", "--config", str(config), "--once", "-v")
    assert done.code == 0
    assert "another bot" in done.err


def test_what_is_wrong_with_the_configuration_is_said(kpt: Kpt, config: Path) -> None:
    config.write_text(config.read_text() + "[[output]]\nkind = 'fax'\n")
    done = kpt("bot", "--config", str(config), "--once", "--json")
    assert (done.code, done.json["error"]["code"]) == (2, "malformed-config")
    assert kpt("bot", "--config", "/nowhere.toml", "--json").json["error"]["code"] == "unreadable-file"
    assert kpt("bot").code == 2
