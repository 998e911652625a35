"""The sum of findings and of hunk classes."""

from kpatch_tools.core.finding import Finding, Status, worst
from kpatch_tools.core.hunkclass import HunkClass, worst_class


def test_silence_is_an_error() -> None:
    assert worst(()) is Status.ERROR


def test_the_worst_status_wins() -> None:
    assert (
        worst([Finding("a", Status.PASS, ""), Finding("b", Status.ERROR, ""), Finding("c", Status.SKIP, "")])
        is Status.ERROR
    )


def test_hunk_classes_stand_in_the_contracts_order() -> None:
    labels = ["EXACT", "MOVED", "MERGED", "GENERATED", "DROPPED", "ADAPTED", "NEEDS-HUMAN"]
    assert [one.label for one in sorted(HunkClass)] == labels
    assert worst_class([HunkClass.MOVED, HunkClass.EXACT]) is HunkClass.MOVED
