"""kpt model timeline, bisect and compare, as typed."""

import pytest


def test_timeline_as_text_and_as_json(kpt):
    as_text = kpt("model", "timeline", "v2.6.39~3..v2.6.39", "--layout", "64M", "--first-parent")
    assert as_text.code == 1
    lines = as_text.out.decode().splitlines()
    assert lines[0] == "v2.6.39~3..v2.6.39, first parents"
    assert any(line.startswith("* ") and "introduce x86_init.mapping.pagetable_reserve" in line for line in lines)
    assert any("64M: CRASH (" in line and line.endswith("→ OK") for line in lines)
    done = kpt("model", "timeline", "v2.6.39~3..v2.6.39", "--layout", "64M", "--first-parent", "--json")
    assert done.code == 1
    assert done.json["schema"] == 1
    # The first run settled everything.
    assert done.json["effort"] == {"read": 0, "booted": 0, "alike": 0}
    flipped = [entry for entry in done.json["entries"] if entry["flips"]]
    assert len(flipped) == 1
    assert flipped[0]["flips"][0]["after"]["verdict"] == "OK"
    assert flipped[0]["flips"][0]["before"][0]["verdict"] == "CRASH"
    assert len(flipped[0]["commit"]) == 40


def test_timeline_of_what_boots_throughout(kpt):
    assert kpt("model", "timeline", "v3.0..v3.1", "--layout", "64M").code == 0


def test_bisect_names_the_commit_and_what_to_do_next(kpt):
    done = kpt("model", "bisect", "v2.6.39~3", "v2.6.39", "--layout", "64M", "--json")
    assert done.code == 0
    found = done.json
    assert found["first"]["subject"] == "x86, xen: introduce x86_init.mapping.pagetable_reserve"
    assert found["next"] == f"kpt model explain --rev {found['first']['commit'][:12]} --layout 64M"
    assert [trial["term"] for trial in found["trials"]].count("new") >= 1
    as_text = kpt("model", "bisect", "v2.6.39~3", "v2.6.39", "--layout", "64M")
    assert as_text.out.decode().startswith(found["first"]["commit"])


def test_compare_says_what_is_redundant(kpt):
    done = kpt("model", "compare", "v3.1", "--without-loop", "xen_mapping_pagetable_reserve", "--layout", "64M")
    assert done.code == 0
    assert "redundant here: the loops of xen_mapping_pagetable_reserve" in done.out.decode()


def test_compare_shows_ranges(kpt):
    arguments = ("model", "compare", "v2.6.39~3", "v2.6.39", "--layout", "1200M,hole=1180M+18M")
    done = kpt(*arguments, "--json")
    assert done.code == 1
    (one,) = done.json["comparisons"]
    assert (one["verdict"], one["old"]["run"]["verdict"], one["new"]["run"]["verdict"]) == (
        "differs",
        "RO-LEFT-OVER",
        "OK",
    )
    assert {(piece["aspect"], piece["old"], piece["new"]) for piece in one["differences"]} == {
        ("direct map", "RO", "RW")
    }
    assert one["new"]["state"]["tables_by_level"]["L4"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("timeline", "v3.0"),
        ("bisect", "v3.0", "v3.1", "--layout", "64M"),
        ("bisect", "v3.0", "v3.1"),
        ("compare", "v3.0"),
        ("compare", "v2.6.38", "--without-hook", "--layout", "64M"),
        ("compare", "v3.0", "v3.1", "--layout", "1M"),
    ],
)
def test_bad_input_is_exit_2(kpt, arguments):
    assert kpt("model", *arguments).code == 2
