"""`kpt model rules` on the miniature."""

import json
from pathlib import Path
from typing import Any

Kpt = Any


def test_prints_every_rule_with_its_source_and_cases(kpt: Kpt) -> None:
    done = kpt("model", "rules", "-v")
    assert done.code == 0
    text = done.out.decode()
    assert "xen@RELEASE-4.17.5:xen/arch/x86/mm.c#_get_page_type" in text
    assert "recursive-rw-refused (XSA-182): A root cannot contain itself writable" in text
    assert text.rstrip().endswith("cases answered as Xen answers")
    assert "boots" not in text.splitlines()[-1]


def test_json_says_what_exercises_each_rule(kpt: Kpt) -> None:
    done = kpt("model", "rules", "--json", "--rev", "v2.6.39", "--layout", "64M")
    assert done.code == 0
    rules = {rule["id"]: rule for rule in done.json["rules"]}
    assert rules["pin"]["boots"] == ["v2.6.39 on 64M"]
    assert rules["linear-table"]["boots"] == []
    assert "recursive-ro-ok" in rules["linear-table"]["cases"]
    assert done.json["without_case"] == []
    assert all(case["ok"] and case["answers"] for case in done.json["cases"])
    assert "pin" in done.json["boots"][0]["rules"]


def test_real_boots_are_run(kpt: Kpt, tmp_path: Path) -> None:
    record = {
        "id": "one",
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
    file = tmp_path / "boots.json"
    file.write_text(json.dumps([record, {**record, "id": "two", "by_hand": "a printk moved"}]))
    done = kpt("model", "rules", "--truth", str(file))
    assert done.code == 3
    text = done.out.decode()
    assert "1 of 2 boots: one" in text
    assert "undetermined two: the record's kernel" not in text
    assert "undetermined two: its change is told in words: a printk moved" in text


def test_bad_input(kpt: Kpt) -> None:
    assert kpt("model", "rules", "--layout", "64M").code == 2
    assert kpt("model", "rules", "--truth", "gone.json").code == 2
    assert kpt("model", "rules", "--rev", "nowhere").code == 2
