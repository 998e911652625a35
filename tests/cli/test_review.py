"""kpt review as a user and a bot run it."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import BAD, GOOD, Clone, Kpt


@pytest.fixture
def mailbox(clone: Clone) -> Callable[..., bytes]:
    """The commits since origin/main as mail."""

    def build(*options: str) -> bytes:
        done = clone.git("format-patch", "--stdout", "--thread", *options, "origin/main")
        assert done.returncode == 0
        return done.stdout.encode()

    return build


def test_a_mailbox_on_standard_input(kpt: Kpt, clone: Clone, mailbox: Callable[..., bytes]) -> None:
    clone.commit("drivers/one.c", GOOD)
    clone.commit("drivers/two.c", BAD)
    done = kpt("review", "-", stdin=mailbox(), repo=clone.path)
    assert done.code == 1
    lines = done.out.decode().splitlines()
    assert [line for line in lines if "/2 " in line] == ["✓ 1/2 drivers/one.c: change", "✗ 2/2 drivers/two.c: change"]
    assert not [line for line in lines if line.startswith("  ✓")]
    assert b"undeclared_thing" in done.out
    assert done.out.strip().endswith(b"in 2 patches")


def test_what_a_later_patch_mends_is_not_held_against_the_series(
    kpt: Kpt, clone: Clone, mailbox: Callable[..., bytes]
) -> None:
    clone.commit("drivers/two.c", BAD)
    clone.commit("drivers/two.c", BAD.replace("undeclared_thing(3)", "3"))
    found = kpt("review", "-", "--json", stdin=mailbox(), repo=clone.path)
    assert found.code == 0
    (review,) = found.json["reviews"]
    mended = [one for one in review["patches"][0]["findings"] if one["fixed_by"]]
    assert [one["id"] for one in mended] == ["identifier-declared"]


def test_a_later_patch_mends_from_another_file_and_what_it_breaks_again_is_not_mended(
    kpt: Kpt, clone: Clone, mailbox: Callable[..., bytes]
) -> None:
    """And what is said of a patch as such, no later one mends."""
    header = "drivers/two.h"
    clone.commit(header, "int two;\n")
    clone.commit("drivers/two.c", '#include "two.h"\n' + BAD)
    clone.commit("drivers/two.c", '#include "two.h"\n' + BAD + "int other_thing_too(void);\n")
    clone.commit(header, "int two;\nint undeclared_thing(int);\n")
    found = kpt("review", "-", "--json", stdin=mailbox(), repo=clone.path).json["reviews"][0]
    mended = [one["fixed_by"] for one in found["patches"][1]["findings"] if one["id"] == "identifier-declared"]
    assert mended == [4]
    clone.commit(header, "int two;\n")
    unsigned = mailbox().replace(b"Signed-off-by", b"Seen-by")
    found = kpt("review", "-", "--json", stdin=unsigned, repo=clone.path).json["reviews"][0]
    held = {one["id"]: one["fixed_by"] for one in found["patches"][1]["findings"] if one["status"] in ("WARN", "FAIL")}
    assert held == {"identifier-declared": None, "signed-off": None}


def test_every_format_is_a_file_or_a_pipe(
    kpt: Kpt, clone: Clone, mailbox: Callable[..., bytes], tmp_path: Path
) -> None:
    clone.commit("drivers/two.c", BAD)
    box = tmp_path / "box.gz"
    box.write_bytes(gzip.compress(mailbox()))
    for form in ("json", "sarif", "junit", "terse", "rdformat", "markdown", "patchwork", "b4"):
        piped = kpt("review", str(box), "--format", form, repo=clone.path)
        filed = kpt("review", str(box), "--format", form, "-o", str(tmp_path / form), repo=clone.path)
        assert piped.code == filed.code == 1
        assert (tmp_path / form).read_bytes() == piped.out
        assert b"identifier-declared" in piped.out


def test_a_patch_that_does_not_apply_says_why_and_where_it_would(kpt: Kpt, clone: Clone) -> None:
    clone.commit("drivers/one.c", GOOD)
    clone.git("branch", "there")
    clone.commit("drivers/one.c", GOOD.replace("return 1", "return 2"))
    patch = clone.git("format-patch", "--stdout", "-1").stdout.encode()
    clone.git("reset", "-q", "--hard", "origin/main")
    done = kpt("review", "-", "--on", "main", "--json", stdin=patch, repo=clone.path)
    (review,) = done.json["reviews"]
    assert done.code == 1
    assert review["patches"][0]["cause"] == "file-absent"
    assert review["nearest"]["commit"] == clone.git("rev-parse", "there").stdout.strip()
    found = kpt("review", "-", "--json", stdin=patch, repo=clone.path)
    assert found.json["reviews"][0]["base"]["reason"] == "parent"


def test_nothing_is_said_of_patches_whose_base_nobody_knows(
    kpt: Kpt, clone: Clone, mailbox: Callable[..., bytes], tmp_path: Path
) -> None:
    """What stands on another tree would be told that it lacks what only this one lacks."""
    clone.commit("drivers/one.c", GOOD)
    clone.git("push", "-q", "origin", "HEAD:main")
    clone.commit("drivers/one.c", GOOD.replace("return 1", "return 2"))
    clone.commit("drivers/two.c", BAD)
    series = re.sub(rb"^From [0-9a-f]{40}", b"From " + b"0" * 40, mailbox(), flags=re.MULTILINE)
    clone.git("checkout", "-q", "--orphan", "elsewhere")
    clone.commit("drivers/one.c", "int elsewhere;\n")
    for name in ("main", "origin/main"):
        clone.git("branch", "-q", "-D", *(["-r"] if "/" in name else []), name)
    done = kpt("review", "-", "--json", stdin=series, repo=clone.path)
    (review,) = done.json["reviews"]
    assert (done.code, review["status"]) == (3, "ERROR")
    assert [one["id"] for one in review["findings"]] == ["base-found"]
    assert [[one["status"] for one in patch["findings"]] for patch in review["patches"]] == [["ERROR"]] * 2
    assert review["patches"][0]["cause"] == "context-not-found"
    options = ("--format", "mail", "--mail-from", "k@x.example", "--mail-to", "l@x.example")
    assert kpt("review", "-", *options, stdin=series, repo=clone.path).out == b""


def test_what_comes_after_a_patch_that_does_not_apply_is_not_judged(
    kpt: Kpt, clone: Clone, mailbox: Callable[..., bytes]
) -> None:
    clone.commit("drivers/one.c", GOOD)
    clone.git("push", "-q", "origin", "HEAD:main")
    clone.git("fetch", "-q", "origin")
    clone.commit("drivers/three.c", GOOD)
    clone.commit("drivers/one.c", GOOD.replace("return 1", "return 2"))
    clone.commit("drivers/two.c", BAD)
    done = kpt("review", "-", "--on", "HEAD~4", "--json", stdin=mailbox(), repo=clone.path)
    found = [[one["status"] for one in patch["findings"]] for patch in done.json["reviews"][0]["patches"]]
    assert done.code == 1
    assert "FAIL" not in found[0]
    assert found[1:] == [["FAIL"], ["ERROR"]]


def test_a_patch_is_not_blamed_for_one_that_is_not_here(kpt: Kpt, clone: Clone, mailbox: Callable[..., bytes]) -> None:
    for number in (2, 3, 4):
        clone.commit("drivers/one.c", GOOD.replace("return 1", f"return {number}"))
    first, _, third = re.split(rb"(?m)^(?=From [0-9a-f]{40})", mailbox())[1:]
    done = kpt("review", "-", "--on", "origin/main", "--json", stdin=first + third, repo=clone.path)
    (review,) = done.json["reviews"]
    assert done.code == 3
    assert review["missing"] == [2]
    assert [patch["status"] for patch in review["patches"]] == ["SKIP", "ERROR"]
    assert review["patches"][1]["findings"][0]["message"] == "not reviewed: patch 2 before it is not here"


def test_a_link_is_no_file_and_keeps_nothing_from_review(kpt: Kpt, clone: Clone, mailbox: Callable[..., bytes]) -> None:
    link = clone.path / "drivers" / "link.c"
    link.parent.mkdir()
    link.symlink_to("../arch/no-such/name.c")
    clone.commit("drivers/one.c", GOOD)
    link.unlink()
    clone.commit("drivers/link.c", GOOD)
    clone.commit("drivers/two.c", BAD)
    by_commit = kpt("review", "HEAD~3..HEAD", "--json", repo=clone.path, cwd=clone.path).json["reviews"][0]
    assert [patch["status"] for patch in by_commit["patches"]] == ["SKIP", "SKIP", "FAIL"]
    told = [one for one in by_commit["patches"][1]["findings"] if one["id"] == "patch-applies"]
    assert [(one["status"], one["file"]) for one in told] == [("SKIP", "drivers/link.c")]
    by_mail = kpt("review", "-", "--json", stdin=mailbox(), repo=clone.path).json["reviews"][0]
    assert [one["status"] for one in by_mail["findings"]] == ["ERROR", "ERROR"]


def test_known_findings_are_ignored_with_their_reason(kpt: Kpt, clone: Clone, tmp_path: Path) -> None:
    clone.commit("drivers/two.c", BAD)
    ignore = tmp_path / "ignore.toml"
    ignore.write_text('[[ignore]]\nid = "identifier-declared"\nfile = "drivers/*"\nreason = "made by a macro"\n')
    done = kpt("review", "HEAD", "--ignore", str(ignore), "--json", repo=clone.path, cwd=clone.path)
    assert done.code == 0
    assert "made by a macro" in {one["ignored"] for one in done.json["reviews"][0]["patches"][0]["findings"]}
    ignore.write_text('[[ignore]]\nid = "identifier-declared"\n')
    refused = kpt("review", "HEAD", "--ignore", str(ignore), "--json", repo=clone.path)
    assert (refused.code, refused.json["error"]["code"]) == (2, "malformed-ignore-file")


def test_checks_are_selected_and_documented(kpt: Kpt, clone: Clone) -> None:
    clone.commit("drivers/two.c", BAD)
    only = kpt("review", "HEAD", "--check", "parse-damage", "--json", repo=clone.path)
    assert {one["id"] for one in only.json["reviews"][0]["patches"][0]["findings"]} == {"parse-damage"}
    without = kpt("review", "HEAD", "--skip", "identifier-declared", repo=clone.path)
    assert without.code == 0
    assert kpt("review", "HEAD", "--check", "nonsense", repo=clone.path).code == 2
    listed = kpt("review", "--list-checks").out.decode()
    assert listed.count("  why: ") == listed.count("  source: ") == len(listed.split("\n  why: ")) - 1


def test_b4_drives_it(kpt: Kpt, clone: Clone, program: Path, mailbox: Callable[..., bytes]) -> None:
    """b4's own code runs kpt on each patch and reads what it says."""
    import email
    import email.policy
    import os

    checks = pytest.importorskip("b4.review.checks")
    clone.commit("drivers/one.c", GOOD)
    clone.commit("drivers/two.c", BAD)
    letters = mailbox().split(b"\nFrom ")
    messages = [
        email.message_from_bytes(b"\n".join(letter.split(b"\n")[1:]), policy=email.policy.EmailPolicy(utf8=True))
        for letter in letters
    ]
    patches = [(message["Message-ID"].strip("<>"), message) for message in messages]
    command = f"{program / 'kpt'} review - --format b4 --repo {clone.path}"
    results = checks.run_perpatch_checks(patches, [command], os.fspath(clone.path))
    assert [[one["status"] for one in results[msgid]] for msgid, _ in patches] == [["pass"], ["fail"]]
    details = json.loads(results[patches[1][0]][0]["details"])
    assert "undeclared_thing" in details[0]["description"]


def test_replies_are_a_mailbox_that_nobody_has_sent(
    kpt: Kpt, clone: Clone, mailbox: Callable[..., bytes], tmp_path: Path
) -> None:
    import contextlib
    import mailbox as mailboxes

    clone.commit("drivers/two.c", BAD)
    box = tmp_path / "replies.mbox"
    options = ("--mail-from", "K <k@x.example>", "--mail-to", "l@x.example", "-o", str(box))
    done = kpt("review", "-", "--format", "mail", *options, stdin=mailbox(), repo=clone.path)
    assert done.code == 1
    with contextlib.closing(mailboxes.mbox(box)) as opened:
        (letter,) = opened
    assert (letter["To"], letter["From"]) == ("l@x.example", "K <k@x.example>")
    assert "undeclared_thing" in letter.get_payload()
    nobody = kpt("review", "-", "--format", "mail", "--json", stdin=mailbox(), repo=clone.path)
    assert nobody.code == 1
    refused = kpt("review", "-", "--format", "mail", stdin=mailbox(), repo=clone.path)
    assert "no-recipients" in refused.err
