"""upstream-reference and parse-damage: valid and invalid cases."""

from collections.abc import Callable

import pytest
from kpatch_tools.checks import parse_damage, upstream
from kpatch_tools.checks.catalogue import ALL_CHECKS, run_checks
from kpatch_tools.checks.check import Change, Check, UpstreamCommit
from kpatch_tools.core.finding import Finding, Status

Build = Callable[..., Change]
SHA = "1234567890123456789012345678901234567890"
MESSAGE = f"mm: fix the table\n\ncommit {SHA} upstream.\n\nBecause.\n"


def known(subject: str) -> Callable[[str], UpstreamCommit | None]:
    return lambda reference: UpstreamCommit(SHA, subject) if SHA.startswith(reference) else None


@pytest.mark.parametrize(
    ("message", "subject", "status"),
    [
        (MESSAGE, "mm: fix the table", Status.PASS),
        (MESSAGE, "mm: break the table", Status.FAIL),
        ("mm: fix the table\n\nNo reference.\n", "mm: fix the table", Status.SKIP),
        (MESSAGE.replace("123456", "654321"), "mm: fix the table", Status.SKIP),
    ],
)
def test_a_reference_is_resolved_and_its_subject_compared(
    change: Build, message: str, subject: str, status: Status
) -> None:
    (found,) = upstream.run(change({}, message=message, lookup=known(subject)))
    assert found.status is status


def test_an_unbalanced_brace_is_parse_damage(change: Build) -> None:
    tree = {"mm/a.c": "int f(void)\n{\n\treturn 1;\n}\nint g(void)\n{\n\treturn 2;\n}\n"}
    broken = tree["mm/a.c"].replace("\treturn 1;\n}\n", "\treturn 1;\n")
    (found,) = parse_damage.run(change({"mm/a.c": broken}, tree=tree))
    assert (found.status, found.file) == (Status.FAIL, "mm/a.c")


def test_damage_that_was_there_before_is_not_new(change: Build) -> None:
    tree = {"mm/a.c": "int f(void) { return 1;\n"}
    (found,) = parse_damage.run(change({"mm/a.c": tree["mm/a.c"] + "\n"}, tree=tree))
    assert found.status is Status.PASS


def test_every_check_reports_on_every_change(change: Build) -> None:
    reported = {finding.id for finding in run_checks(change({"README": "text\n"}))}
    assert reported == {check.id for check in ALL_CHECKS}


def test_a_silent_check_is_an_error(change: Build) -> None:
    silent = Check("silent", "says nothing", lambda _: iter(()))
    assert run_checks(change({}), checks=(silent,)) == (Finding("silent", Status.ERROR, "silent did not report"),)


def test_own_lines_of_a_file_that_never_parsed_prove_nothing(change: Build) -> None:
    base = "%% one\nint f(void)\n{\n\treturn 1;\n}\n"
    (found,) = parse_damage.run(
        change({"mm/t.h": base + "int g(void);\n%% two\nint h(void);\n"}, tree={"mm/t.h": base})
    )
    assert found.status is Status.SKIP


def test_inline_assembly_is_no_damage(change: Build) -> None:
    text = 'int f(void)\n{\n\tregister long r8 __asm ("r8") = 0;\n\treturn r8;\n}\n'
    tree = {"mm/a.c": text.replace(' __asm ("r8")', "")}
    (found,) = parse_damage.run(change({"mm/a.c": text}, tree=tree))
    assert found.status is not Status.FAIL
