"""`kpt model sweep` on the miniature."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Kpt = Callable[..., Any]

HOOKLESS, FIXED = "v2.6.39~3", "v2.6.39"


@pytest.fixture
def sweep(kpt: Kpt, tmp_path: Path) -> Kpt:
    """`kpt model sweep --bound 1` with a journal of the test's own."""

    def run(*arguments: str, **more: Any) -> Any:
        return kpt("model", "sweep", "--bound", "1", "--journal", str(tmp_path / "sweep.jsonl"), *arguments, **more)

    return run


def test_all_ok_is_0_and_a_second_run_remembers(sweep: Kpt) -> None:
    done = sweep("--rev", FIXED, "--json")
    assert done.code == 0, done.err
    assert done.json["counts"] == {"OK": done.json["layouts"]}
    assert done.json["booted"] == done.json["layouts"] > 400
    assert done.json["counterexamples"] == []
    assert "16 entries" in done.json["machine"]
    again = sweep("--rev", FIXED, "--resume")
    assert again.code == 0
    assert f"{done.json['layouts']} remembered".encode() in again.out
    assert str(done.json["layouts"]).encode() in again.out


def test_a_fault_is_1_with_the_smallest_layout_and_its_real_size(sweep: Kpt, kpt: Kpt, tmp_path: Path) -> None:
    done = sweep("--rev", HOOKLESS, "--until-fault", "--json")
    assert done.code == 1, done.err
    assert done.json["counts"]["not-run"] > 0
    example = next(one for one in done.json["counterexamples"] if one["confirmed"])
    assert example["smallest"] != example["found"]
    machine = tmp_path / "real.json"
    machine.write_text(json.dumps(example["real"][-1]))
    real = kpt("model", "--rev", HOOKLESS, "--layout", str(machine), "--json")
    (run,) = real.json["runs"]
    assert (run["verdict"], run["fault"]["kind"]) == (example["verdict"], example["fault"])


def test_the_text_says_confirmed(sweep: Kpt) -> None:
    done = sweep("--rev", HOOKLESS, "--until-fault")
    assert done.code == 1
    assert b"confirmed at real size" in done.out
    assert b"smallest:" in done.out
    untried = sweep("--rev", HOOKLESS, "--until-fault", "--no-confirm", "--resume")
    assert b"not tried at real size" in untried.out


def test_a_tree_that_is_no_kernel_is_undetermined(kpt: Kpt, tmp_path: Path) -> None:
    done = kpt("model", "sweep", "--rev", "v9.9.9")
    assert done.code == 2
    assert "unknown revision" in done.err
    assert not (tmp_path / "sweep.jsonl").exists()


def test_a_journal_that_cannot_be_written_is_bad_input(kpt: Kpt, tmp_path: Path) -> None:
    done = kpt("model", "sweep", "--rev", FIXED, "--bound", "1", "--journal", str(tmp_path))
    assert done.code == 2
    assert "cannot write results" in done.err
