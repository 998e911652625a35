"""`kpt model --truth` on hand-written records of the miniature."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Kpt = Any
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write({…}, {…})`: a file with one record for each, of a machine with 64 MiB that boots."""

    def build(*changes: dict[str, Any]) -> Path:
        base = {
            "commit": "v2.6.38",
            "mode": "extra",
            "e820": ["0-9f000 usable", "9fc00-100000 reserved", "100000-4000000 usable"],
            "xen_layout": {
                "Phys-Mach map": "ffffffff81397000->ffffffff813b7000",
                "Loaded kernel": "ffffffff81000000->ffffffff81397000",
            },
            "direct_map_tables": [{"start": "0x1ae0000", "top": "0x1b02000"}],
            "outcome": "boots",
            "stage": "all the way",
        }
        path = tmp_path / "boots.json"
        path.write_text(json.dumps([{"id": str(number), **base, **change} for number, change in enumerate(changes)]))
        return path

    return build


WORDS = {"by_hand": "a printk moved"}


def measured(kpt: Kpt, write: Write) -> list[dict[str, str]]:
    """The buffer that this machine really gets, so that a record can state it."""
    done = kpt("model", "--json", "--truth", str(write({})))
    return [{"start": one["start"], "top": one["top"]} for one in done.json["records"][0]["tables"]]


def test_counts_records_and_the_confusion_table(kpt: Kpt, write: Write) -> None:
    tables = {"direct_map_tables": measured(kpt, write)}
    file = str(write(tables, {**tables, "outcome": "crash"}, {**tables, **WORDS}))
    done = kpt("model", "--json", "--truth", file)
    assert done.code == 1
    assert (done.json["agree"], done.json["disagree"], done.json["undetermined"]) == (1, 1, 1)
    assert done.json["confusion"] == {"boots": {"OK": 1, "UNDETERMINED": 1}, "crash": {"OK": 1}}
    assert [one["state"] for one in done.json["records"]] == ["agree", "disagree", "undetermined"]
    assert done.json["records"][1]["why"] == ["OK, but it crashed"]


def test_what_is_undetermined_must_be_allowed(kpt: Kpt, write: Write) -> None:
    tables = {"direct_map_tables": measured(kpt, write)}
    file = str(write(tables, {**tables, **WORDS}))
    assert kpt("model", "--truth", file).code == 3
    done = kpt("model", "--truth", file, "--allow-undetermined", "0,1")
    assert done.code == 0
    assert b"undetermined 1 (allowed)" in done.out
    assert b"allowed to be undetermined, but is not: 0" in done.out
    assert b"2 real boots: 1 agree, 0 disagree, 1 undetermined" in done.out


def test_a_malformed_record_is_bad_input(kpt: Kpt, write: Write) -> None:
    done = kpt("model", "--truth", str(write({"outcome": "perhaps"})))
    assert done.code == 2
    assert "record '0', field 'outcome'" in done.err


def test_a_file_that_is_not_there_is_bad_input(kpt: Kpt) -> None:
    assert kpt("model", "--truth", "absent.json").code == 2


def test_a_record_names_its_own_kernel_and_machine(kpt: Kpt, write: Write) -> None:
    for option in (("--rev", "v3.0"), ("--layout", "64M")):
        assert kpt("model", *option, "--truth", str(write({}))).code == 2
    assert kpt("model", "--allow-undetermined", "1").code == 2
