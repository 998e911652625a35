"""`kpt model mutants` on the miniature."""

from collections.abc import Callable
from typing import Any

import pytest

Kpt = Callable[..., Any]
ARGUMENTS = ("--rev", "v2.6.39", "--function", "native_pagetable_reserve", "--layout", "64M")


@pytest.fixture
def mutants(kpt: Kpt) -> Kpt:
    return lambda *arguments: kpt("model", "mutants", *ARGUMENTS, *arguments)


def test_every_mutant_with_its_fate(mutants: Kpt) -> None:
    done = mutants("--json")
    assert done.code in (0, 1), done.err
    assert sum(done.json["counts"].values()) == len(done.json["mutants"]) > 5
    assert all(one["layout"] for one in done.json["mutants"] if one["fate"] == "killed")
    assert done.code == (1 if done.json["counts"]["equivalent-so-far"] else 0)


def test_the_text_shows_who_lives_on_and_all_with_v(mutants: Kpt) -> None:
    short, long = mutants(), mutants("-v")
    assert b"mutants:" in short.out
    assert b"killed  " not in short.out
    assert long.out.count(b"\n") > short.out.count(b"\n")


def test_an_unknown_function_is_bad_input(kpt: Kpt) -> None:
    done = kpt("model", "mutants", "--rev", "v2.6.39", "--function", "nothing_of_that_name")
    assert done.code == 2
    assert "no-such-function" in done.err
