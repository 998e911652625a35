"""kpt model explain: text, JSON, a page, and the exit codes."""

from pathlib import Path
from typing import Any

import pytest

Kpt = Any
SMALL = ("--layout", "64M")


def test_a_failure_is_told_in_text(kpt: Kpt) -> None:
    done = kpt("model", "explain", "--rev", "v2.6.39~3", *SMALL)
    assert done.code == 1
    text = done.out.decode()
    for words in ("CRASH", "refused: write to va", "buffer: pgt_buf_start", "mapped read-only at", "written by", "→"):
        assert words in text
    assert "map-memory: page-table buffer chosen" in text


def test_json_has_stable_fields(kpt: Kpt) -> None:
    done = kpt("model", "explain", "--rev", "v2.6.39~3", *SMALL, "--json")
    assert done.code == 1
    assert list(done.json) == ["schema", "revision", "commit", "layout", "patch", "sides"]
    (side,) = done.json["sides"]
    assert list(side) == ["label", "run", "fault", "smallest", "moments"]
    fault = side["fault"]
    assert list(fault) == ["kind", "operation", "frame", "buffer", "types", "mappings", "chain", "reading"]
    assert list(fault["buffer"]) == ["pgt_buf_start", "pgt_buf_end", "pgt_buf_top"]
    assert fault["frame"]["pfn"] == side["run"]["fault"]["pfn"]
    write = fault["mappings"][0]["writes"][-1]
    assert write["stage"] == "map-memory"
    assert {"function", "file", "line"} == set(write["chain"][0])
    first = side["moments"][0]
    assert list(first) == ["stage", "kind", "what", "buffer", "printed", "pages"]
    assert list(first["pages"][0]) == ["first", "past", "use", "access"]
    assert side["smallest"] == {"layout": "64M", "tried": []}


def test_the_hook_makes_it_good(kpt: Kpt, tmp_path: Path) -> None:
    page = tmp_path / "story.html"
    done = kpt(
        "model", "explain", "--rev", "v2.6.39~3", "--hook", "pagetable_reserve", *SMALL, "--html", str(page), "--json"
    )
    assert done.code == 0
    assert [side["run"]["verdict"] for side in done.json["sides"]] == ["CRASH", "OK"]
    assert done.json["patch"] == "pagetable_reserve"
    assert page.read_bytes().startswith(b"<!DOCTYPE html>")
    assert [file.name for file in tmp_path.glob("*story*")] == ["story.html"]


def test_a_page_can_be_piped_and_is_the_same_every_time(kpt: Kpt) -> None:
    pages = [kpt("model", "explain", "--rev", "v2.6.39", *SMALL, "--html", "-").out for _ in range(2)]
    assert pages[0].startswith(b"<!DOCTYPE html>")
    assert pages[0] == pages[1]


def test_an_older_tree_is_told_in_its_own_names(kpt: Kpt) -> None:
    done = kpt("model", "explain", "--rev", "v2.6.39-rc1~3", *SMALL, "--json")
    assert done.code == 1
    assert list(done.json["sides"][0]["fault"]["buffer"]) == [
        "e820_table_start",
        "e820_table_end",
        "e820_table_top",
    ]


def test_a_patch_from_standard_input_is_the_second_side(kpt: Kpt) -> None:
    patch = kpt("generate", "pagetable_reserve", "--for", "v2.6.39~3").out
    done = kpt("model", "explain", "--rev", "v2.6.39~3", "--with", "-", *SMALL, "--json", stdin=patch)
    assert done.code == 0
    assert [side["label"] for side in done.json["sides"]] == ["without", "with"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--layout", "12X"),
        (*SMALL, "--rev", "no-such-revision"),
        (*SMALL, "--hook", "no-such-hook"),
        (*SMALL, "--hook", "pagetable_reserve", "--with", "x.patch"),
        (*SMALL, "--html", "-", "--json"),
        (*SMALL, "--html", "no/such/folder/page.html"),
    ],
)
def test_bad_usage_is_exit_2(kpt: Kpt, arguments: tuple[str, ...]) -> None:
    done = kpt("model", "explain", *arguments)
    assert done.code == 2
    assert done.err or b'"error"' in done.out


def test_help_has_examples(kpt: Kpt) -> None:
    done = kpt("model", "explain", "--help")
    assert done.code == 0
    assert done.out.count(b"kpt model explain --rev") >= 3
