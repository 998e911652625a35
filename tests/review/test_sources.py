"""Where letters come from."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from kpatch_tools.core.errors import KpatchError
from kpatch_tools.review.sources import letters_in, letters_of_folder, letters_of_inbox
from kpatch_tools.review.threads import Received, find_submissions

from .conftest import Work

Series = Callable[..., list[Received]]


def test_a_mailbox_is_split_and_unpacked(series: Series, work: Work) -> None:
    letters = series("--thread=shallow")
    mailbox = b"\n".join(letter.data for letter in letters)
    plain = [letter.data.strip() for letter in letters_in(mailbox, "box")]
    assert plain == [letter.data.strip() for letter in letters]
    assert [one.data for one in letters_in(gzip.compress(mailbox), "box.gz")] == [
        one.data for one in letters_in(mailbox, "box")
    ]


def test_lines_that_mailboxes_mark_are_given_back() -> None:
    head = b"From a@x Mon May  2 10:00:00 2011\nSubject: x\n\n"
    first, _ = letters_in(head + b">From me\n>>From you\n\n" + head + b"y\n", "box")
    assert first.data.endswith(b"\nFrom me\n>From you\n\n") or first.data.endswith(b"\nFrom me\n>From you\n")


@pytest.mark.parametrize("data", [b"\x1f\x8b", b"\x1f\x8b\x08\0garbage", gzip.compress(b"x" * 9_000)[:-20]])
def test_damaged_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(KpatchError) as raised:
        list(letters_in(data, "box.gz"))
    assert raised.value.code == "malformed-gzip"


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kpatch_tools.review.sources.LARGEST_INPUT", 1_000)
    with pytest.raises(KpatchError) as raised:
        list(letters_in(gzip.compress(b"\0" * 1_000_000), "bomb.gz"))
    assert raised.value.code == "input-too-large"


def test_a_maildir(series: Series, tmp_path: Path) -> None:
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    for number, letter in enumerate(series("--thread=shallow")):
        (tmp_path / ("new" if number % 2 else "cur") / f"{number}.host:2,S").write_bytes(letter.data)
    (tmp_path / "new" / ".hidden").write_bytes(b"x")
    (tmp_path / "cur" / "link").symlink_to("/etc/passwd")
    (one,), skipped = find_submissions(letters_of_folder(tmp_path))
    assert len(one.patches) == 3
    assert skipped == ()


def test_an_empty_maildir_has_no_letters(tmp_path: Path) -> None:
    for name in ("new", "cur"):
        (tmp_path / name).mkdir()
    assert list(letters_of_folder(tmp_path)) == []


def test_a_folder_of_patches_and_one_without(series: Series, tmp_path: Path) -> None:
    folder = tmp_path / "patches"
    folder.mkdir()
    with pytest.raises(KpatchError) as raised:
        list(letters_of_folder(folder))
    assert raised.value.code == "no-patches"
    for letter in series():
        (folder / letter.name).write_bytes(letter.data)
    (folder / "README").write_text("no patch")
    assert [len(one.patches) for one in find_submissions(letters_of_folder(folder))[0]] == [3]


def test_a_quilt_series_is_read_in_its_order(series: Series, tmp_path: Path) -> None:
    first, second, third = series("-N")
    folder = tmp_path / "patches"
    folder.mkdir()
    for name, letter in (("z", first), ("a", second), ("m", third)):
        (folder / name).write_bytes(letter.data)
    (folder / "series").write_text("# ours\nz\n\na -p1 # why\nm\n")
    for named in (folder, tmp_path):
        assert [one.name for one in letters_of_folder(named)] == ["z", "a", "m"]


def test_a_quilt_series_stays_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "patches"
    folder.mkdir()
    (folder / "series").write_text("../../etc/passwd\n")
    with pytest.raises(KpatchError) as raised:
        list(letters_of_folder(folder))
    assert raised.value.code == "unsafe-path"


def test_a_public_inbox_is_read_from_where_one_was(series: Series, tmp_path: Path) -> None:
    epoch = Work(tmp_path / "list" / "git" / "0.git")
    epoch.path.mkdir(parents=True)
    scratch = Work(tmp_path / "scratch")
    scratch.path.mkdir()
    epoch.git("init", "-q", "--bare", "-b", "master")
    scratch.git("init", "-q", "-b", "master")
    letters = series("--thread=shallow")
    for letter in letters:
        (scratch.path / "m").write_bytes(letter.data)
        scratch.git("add", "m")
        scratch.git("commit", "-q", "--allow-empty", "-m", "letter")
    scratch.git("push", "-q", os.fspath(epoch.path), "master")
    found = list(letters_of_inbox(tmp_path / "list"))
    assert [letter.data for _, letter in found] == [letter.data for letter in letters]
    later = list(letters_of_inbox(tmp_path / "list", frozenset({found[0][0]})))
    assert [letter.data for _, letter in later] == [letter.data for letter in letters[1:]]
    assert [letter.data for letter in letters_of_folder(tmp_path / "list")] == [letter.data for letter in letters]
