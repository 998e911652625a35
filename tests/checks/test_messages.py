"""What checks say of a message: valid and invalid cases of each."""

from collections.abc import Callable

import pytest
from kpatch_tools.checks import conformity, direction, fixes, signed_off, stable_rules
from kpatch_tools.checks.check import Change, UpstreamCommit
from kpatch_tools.core.finding import Status
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.patch import FileDiff, diff_blobs

Build = Callable[..., Change]
SHA = "1234567890123456789012345678901234567890"
OLD = "".join(f"int line{number};\n" for number in range(1, 13))
NEW = OLD.replace("int line5;", "int line5 = 5;").replace("int line9;\n", "")
TREE = {"mm/a.c": OLD}


def known(reference: str) -> UpstreamCommit | None:
    return UpstreamCommit(SHA, "mm: fix the table") if SHA.startswith(reference) else None


def upstream_edit(commit: str) -> tuple[FileDiff, ...]:
    found = diff_blobs(RepoPath("mm/a.c"), OLD.encode(), NEW.encode())
    assert found is not None
    return (found,)


BACKPORT = f"mm: fix the table\n\ncommit {SHA} upstream.\n\nBecause.\n\n%sSigned-off-by: A <a@x.example>\n"


@pytest.mark.parametrize(
    ("text", "note", "status"),
    [
        (NEW, "", Status.PASS),
        ("int above;\n" + NEW, "", Status.WARN),
        (NEW.replace("line5 = 5", "line5 = 6"), "", Status.WARN),
        (OLD.replace("int line5;", "int line5 = 5;"), "", Status.WARN),
        (OLD.replace("int line5;", "int line5 = 5;"), "[bwh: line9 stays, it is used here]\n", Status.SKIP),
        (OLD.replace("int line5;", "int line5 = 5;"), "Backported to 3.1: line9 is used here.\n", Status.SKIP),
    ],
)
def test_a_backport_says_what_it_does_otherwise(change: Build, text: str, note: str, status: Status) -> None:
    made = change({"mm/a.c": text}, tree=TREE, message=BACKPORT % note, lookup=known, edit_of=upstream_edit)
    (found,) = conformity.run(made)
    assert found.status is status
    assert (found.file == "mm/a.c") is (status is Status.WARN)


def test_how_lines_are_spaced_is_no_difference_and_where_they_stand_is(change: Build) -> None:
    def upstream(old: str, new: str) -> Callable[[str], tuple[FileDiff, ...]]:
        found = diff_blobs(RepoPath("mm/a.c"), (OLD + old).encode(), (NEW + new).encode())
        assert found is not None
        return lambda _: (found,)

    respaced, moved = upstream("f (x);\n", "f(x);\n"), upstream("f(x);\ng(x);\n", "g(x);\nf(x);\n")
    for edit_of, status in ((respaced, Status.PASS), (moved, Status.WARN)):
        made = change({"mm/a.c": NEW}, tree=TREE, message=BACKPORT % "", lookup=known, edit_of=edit_of)
        (found,) = conformity.run(made)
        assert found.status is status


def test_what_cannot_be_compared_is_not_judged(change: Build) -> None:
    (without_reference,) = conformity.run(change({"mm/a.c": NEW}, tree=TREE, message="mm: x\n"))
    (not_here,) = conformity.run(change({"mm/a.c": NEW}, tree=TREE, message=BACKPORT % ""))
    assert without_reference.status is not_here.status is Status.SKIP


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (f'Fixes: {SHA[:12]} ("mm: fix the table")', Status.PASS),
        (f"Fixes: {SHA[:12]}", Status.PASS),
        (f'Fixes: {SHA[:12]} ("mm: something else")', Status.WARN),
        (f'Fixes: {SHA[:8]} ("mm: fix the table")', Status.WARN),
        ('Fixes: 999999999999 ("mm: fix the table")', Status.SKIP),
        ("Fixes: bug 12", Status.SKIP),
    ],
)
def test_fixes_lines(change: Build, line: str, status: Status) -> None:
    (found,) = fixes.run(change({}, message=f"mm: x\n\nWhy.\n\n{line}\nSigned-off-by: A <a@x>\n", lookup=known))
    assert found.status is status


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("mm: x\n\nWhy.\n\nSigned-off-by: A <a@x.example>\n", Status.PASS),
        ("mm: x\n\nWhy.\n", Status.WARN),
        ("", Status.SKIP),
    ],
)
def test_sign_off(change: Build, message: str, status: Status) -> None:
    (found,) = signed_off.run(change({}, message=message))
    assert found.status is status


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200b", "\ufeff"])
def test_marks_that_nobody_sees_are_found_where_they_are_new(change: Build, mark: str) -> None:
    old = f"int a; /* {mark} */\n"
    (found,) = direction.run(
        change({"Documentation/x.txt": old + f"int b{mark};\n"}, tree={"Documentation/x.txt": old})
    )
    assert (found.status, found.line) == (Status.FAIL, 2)


def test_other_letters_are_welcome(change: Build) -> None:
    (found,) = direction.run(change({"mm/a.c": "/* Jörg Müller, 日本 */\n"}, tree={"mm/a.c": ""}))
    assert found.status is Status.PASS


@pytest.mark.parametrize(
    ("text", "message", "status"),
    [
        (NEW, BACKPORT % "", Status.PASS),
        (NEW, "mm: x\n\nWhy.\n", Status.SKIP),
        ("".join(f"int new{number};\n" for number in range(120)), BACKPORT % "", Status.WARN),
        (OLD.replace("int line5", "int  line5"), BACKPORT % "", Status.WARN),
        (OLD.replace("int line5;\nint line6;\n", "int line6;\nint line5;\n"), BACKPORT % "", Status.PASS),
    ],
)
def test_stable_trees_take_small_fixes(change: Build, text: str, message: str, status: Status) -> None:
    found = list(stable_rules.run(change({"mm/a.c": text}, tree=TREE, message=message)))
    assert [one.status for one in found] == [status]
