"""kpt hooks --html and --dot, as typed."""

from pathlib import Path

import pytest

VERSIONS = ("--rev", "v2.6.38", "--rev", "v3.1")


def test_the_page_is_written_and_says_how_it_was_made(kpt, tmp_path: Path):
    done = kpt("hooks", "--html", "atlas.html", *VERSIONS, "--table", "x86_init")
    assert (done.code, done.out) == (0, b"")
    assert done.err.startswith("atlas.html: 1 table, ")
    page = (tmp_path / "atlas.html").read_text()
    assert "xen_mapping_pagetable_reserve" in page
    assert "kpt hooks --html atlas.html --rev v2.6.38 --rev v3.1 --table x86_init" in page


def test_page_and_graph_are_written_at_once_and_told_as_json(kpt, tmp_path: Path):
    done = kpt("hooks", "--html", "a.html", "--dot", "a.dot", *VERSIONS, "--scope", "arch/x86", "--json")
    assert done.code == 0
    assert (done.json["html"], done.json["dot"], done.json["scope"]) == ("a.html", "a.dot", ["arch/x86"])
    assert [one["revision"] for one in done.json["revisions"]] == ["v2.6.38", "v3.1"]
    assert done.json["tables"]["x86_init"] > 0
    assert "<!DOCTYPE html>" in (tmp_path / "a.html").read_text()
    assert (tmp_path / "a.dot").read_text().startswith('digraph "hook tables of v3.1" {')


def test_the_graph_goes_to_standard_output_unless_a_file_is_named(kpt):
    done = kpt("hooks", "--rev", "v2.6.39", "--table", "x86_init", "--dot")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(b'digraph "hook tables of v2.6.39" {')
    assert b'"table x86_init"' in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--html", "-", "--dot"),
        ("--dot", "--json"),
        ("--rev", "v2.6.38", "--rev", "v2.6.39"),
        ("--html", "a.html", "diff", "v2.6.38", "v2.6.39"),
    ],
)
def test_what_cannot_be_meant_is_bad_usage(kpt, arguments: tuple[str, ...]):
    done = kpt("hooks", *arguments)
    assert done.code == 2
    assert "Error: " in done.err
    assert "Traceback" not in done.err


def test_a_page_that_cannot_be_written_leaves_nothing(kpt, tmp_path: Path):
    done = kpt("hooks", "--html", "no/such/folder.html", "--rev", "v2.6.39", "--table", "x86_init")
    assert done.code == 2
    assert "[cannot-write]" in done.err
    assert not (tmp_path / "no").exists()
