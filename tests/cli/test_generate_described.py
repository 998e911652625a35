"""Hooks from descriptions, as a user asks for them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kpatch_tools.hooks.patches.described.catalogue import described_hooks, load_description

Kpt = Callable[..., Any]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A description and its texts, copied out of kpt as the listing says."""
    folder = load_description("wallclock_init").templates
    shutil.copytree(folder / "wallclock_init", tmp_path / "wallclock_init")
    return Path(shutil.copy(folder / "wallclock_init.toml", tmp_path))


def test_the_listing_names_every_hook_and_a_file_to_begin_with(kpt: Kpt) -> None:
    done = kpt("generate", "--list-hooks")
    assert done.code == 0
    text = done.out.decode()
    assert all(f"{name} " in text for name in described_hooks())
    assert "--hook FILE.toml" in text
    listed = kpt("generate", "--list-hooks", "--json").json["hooks"]
    assert [one["name"] for one in listed] == list(described_hooks())
    assert all(Path(one["file"]).is_file() for one in listed)
    assert listed[-1]["file"] in text


def test_a_description_that_the_tree_has_no_place_for(kpt: Kpt, copied: Path) -> None:
    text = copied.read_text().replace('[slot]\nname = "wallclock_init"', '[slot]\nname = "clock_up"')
    copied.write_text(text.replace('after = "timer_init"', 'after = "no_such_slot"'))
    done = kpt("generate", "--hook", str(copied), "--for", "v2.6.39", "--json")
    assert done.code == 2
    error = done.json["error"]
    assert error["code"] == "cannot-generate"
    assert "no_such_slot" in error["message"]
    assert "--hook FILE.toml" in error["hint"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [("after =", "behind =", "unknown field"), ("[call]", "[call", "is no TOML"), ('"x86_init"', "1", "found 1")],
)
def test_a_description_that_cannot_be_used(kpt: Kpt, copied: Path, old: str, new: str, said: str) -> None:
    copied.write_text(copied.read_text().replace(old, new))
    done = kpt("generate", "--hook", str(copied), "--for", "v2.6.39", "--json")
    error = done.json["error"]
    assert (done.code, error["code"]) == (2, "malformed-hook")
    assert said in error["message"]
    assert str(copied) in error["message"]
    assert error["hint"]


def test_a_hook_and_a_description_are_one_too_many(kpt: Kpt, copied: Path) -> None:
    done = kpt("generate", "wallclock_init", "--hook", str(copied), "--for", "v2.6.39")
    assert done.code == 2
    assert "name a HOOK, or a description" in done.err
