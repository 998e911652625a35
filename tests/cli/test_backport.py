"""kpt backport for queues, several versions and series, as a user runs it."""

import json
import os
import signal
import subprocess
import sys

import pytest


@pytest.fixture
def kpt_process(miniature, tmp_path):
    """kpt at work, as a terminal would start it: with SIGINT at its default, which a background shell ignores."""

    def start(*arguments):
        begin = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        command = [sys.executable, "-c", begin + "from kpatch_tools.cli.main import main; main()", *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KPT_LINUX_GIT": str(miniature)}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment)

    return start


def lines(*rows):
    return "".join(
        json.dumps(dict(zip(("id", "upstream", "target"), row, strict=True))) + "\n" for row in rows
    ).encode()


def test_a_queue_from_standard_input_to_standard_output(kpt):
    queue = lines(("a", "v2.6.39", "nowhere")) + b"nonsense\n"
    done = kpt("backport", "--batch", "-", "--out", "-", "--objects", "none", stdin=queue)
    records = [json.loads(line) for line in done.out.splitlines()]
    assert [record["status"] for record in records] == ["error", "error"]
    assert done.code == 2
    assert "2 backports" in done.err


def test_a_queue_into_a_file_with_its_summary_as_json(kpt, tmp_path):
    first = kpt("backport", "v2.6.39", "--to", "v2.6.38", "--json").json
    (tmp_path / "queue").write_bytes(lines(("a", "v2.6.39", "v2.6.38"), ("b", "v2.6.39", "v2.6.39")))
    asked = ("backport", "--batch", "queue", "--out", "results", "--objects", "objects", "--json")
    done = kpt(*asked)
    records = {record["id"]: record for record in map(json.loads, (tmp_path / "results").read_text().splitlines())}
    assert records["b"]["status"] == "present"
    assert records["a"]["status"] in ("applied", "conflict", "present"), first["outcome"]
    assert (done.json["total"], done.json["kept"]) == (2, 0)
    again = kpt(*asked)
    assert (again.json["kept"], again.json["statuses"], again.code) == (2, done.json["statuses"], done.code)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--batch", "x"), "--batch needs --out"),
        (("--batch", "x", "--out", "y", "--to", "v2.6.39"), "--to does nothing with --batch"),
        (("--batch", "x", "--out", "y", "--conflict-branch", "z"), "--conflict-branch does nothing with --batch"),
        (("--batch", "x", "--out", "-", "--json"), "--json prints one document"),
        (("--to", "v2.6.39", "--accept", "exact"), "--accept does nothing without --batch"),
        (("--to", "v2.6.38,v2.6.39", "-o", "x"), "-o does nothing without a --series to one version"),
        (("v2.6.38..v2.6.39", "--to", "v2.6.38", "--branch", "x"), "--branch does nothing without a --series"),
        (("--to", ","), "Missing option '--to'"),
        (("--batch", "missing", "--out", "y"), "cannot read missing"),
        (("--batch", "missing", "--out", "y", "--accept", "best"), "cannot read missing"),
    ],
)
def test_options_that_do_not_go_together(kpt, tmp_path, arguments, said):
    done = kpt("backport", *arguments)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "y").exists()


def test_several_versions_are_one_table_and_the_worst_counts(kpt):
    done = kpt("backport", "--to", "v2.6.39,nowhere", "--json")
    results = done.json["results"]
    assert results[0]["error"] is None
    assert results[0]["outcome"]
    assert results[1]["error"]["code"] == "unknown-revision"
    assert (done.code, done.json["exit"]) == (2, 2)
    table = kpt("backport", "--to", "v2.6.39,nowhere").out.decode()
    assert table.splitlines()[0].split() == ["change", "v2.6.39", "nowhere"]
    assert "unknown-revision" in table


def test_a_range_is_a_row_each(kpt):
    done = kpt("backport", "v2.6.39~1..v2.6.39", "--to", "v2.6.39", "--series", "--json")
    assert [one["outcome"] for one in done.json["results"]] == ["already-present"]
    assert done.json["series"] is True


def test_an_interrupt_keeps_what_is_finished(kpt_process, tmp_path):
    rows = [(str(number), "v2.6.39", "v2.6.38") for number in range(3000)]
    (tmp_path / "queue").write_bytes(lines(*rows))
    asked = ("backport", "--batch", "queue", "--out", "results", "--objects", "none", "-v")
    with kpt_process(*asked) as process:
        assert b" of 3000, about" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert b"the same command goes on from there" in err
    finished = (tmp_path / "results").read_bytes()
    records = [json.loads(line) for line in finished.splitlines()]
    assert 0 < len(records) < 3000
    assert finished.endswith(b"\n")


def test_the_history_is_indexed_where_that_is_asked_for_and_then_used(kpt, tmp_path):
    folder = tmp_path / "cache" / "history"
    asked = ("backport", "v2.6.39", "--to", "v2.6.38", "--json")
    walked = kpt(*asked, KPT_CACHE_DIR=str(tmp_path / "cache")).json
    assert not folder.exists()
    indexed = kpt(*asked, "--index", KPT_CACHE_DIR=str(tmp_path / "cache")).json
    (kept,) = folder.glob("*.sqlite")
    assert indexed == walked
    before = kept.read_bytes()
    assert kpt(*asked, KPT_CACHE_DIR=str(tmp_path / "cache")).json == walked
    assert kept.read_bytes() == before
