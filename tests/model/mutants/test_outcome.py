"""The fate of a mutant, from its boots."""

from collections.abc import Iterator

import pytest
from kpatch_tools.core.ids import RepoPath
from kpatch_tools.core.source import BlobSource, Overlay
from kpatch_tools.core.span import Span
from kpatch_tools.model import Layout, ModelRun, Verdict, parse_layout
from kpatch_tools.model.mutants import Fate, Mutant, MutationRule, by_fate, run_mutants
from kpatch_tools.model.mutants.outcome import judge_mutant
from kpatch_tools.tree import Folder

SMALL, LARGE = parse_layout("64M"), parse_layout("512M")
FILE = RepoPath("a.c")
MUTANT = Mutant(MutationRule.DROP, FILE, 1, None, Span(0, 1), "a", "b")


def run(layout: Layout, verdict: Verdict, **more: object) -> ModelRun:
    return ModelRun(layout=layout, verdict=verdict, **more)  # type: ignore[arg-type]


EXPECTED = {
    (one.machine, one.platform, one.layout.name): one for one in (run(SMALL, Verdict.OK), run(LARGE, Verdict.OK))
}


@pytest.mark.parametrize(
    ("verdicts", "fate", "decided", "boots"),
    [
        ((Verdict.OK, Verdict.OK), Fate.EQUIVALENT, None, 2),
        ((Verdict.CRASH, Verdict.OK), Fate.KILLED, "64M", 1),
        ((Verdict.RO_LEFT_OVER, Verdict.CRASH), Fate.KILLED, "512M", 2),
        ((Verdict.OK, Verdict.LEAK), Fate.LATENT, "512M", 2),
        ((Verdict.UNDETERMINED, Verdict.UNRESERVED), Fate.LATENT, "512M", 2),
        ((Verdict.UNDETERMINED, Verdict.OK), Fate.UNDETERMINED, "64M", 2),
    ],
)
def test_the_worst_that_is_known_decides(
    verdicts: tuple[Verdict, ...], fate: Fate, decided: str | None, boots: int
) -> None:
    runs = (run(layout, verdict) for layout, verdict in zip((SMALL, LARGE), verdicts, strict=True))
    outcome = judge_mutant(MUTANT, runs, EXPECTED)
    assert (outcome.fate, outcome.boots) == (fate, boots)
    assert (outcome.run.layout.name if outcome.run else None) == decided


def test_an_ok_boot_that_made_other_pages_writable_is_told_apart() -> None:
    outcome = judge_mutant(MUTANT, [run(SMALL, Verdict.OK), run(LARGE, Verdict.OK, rw_done=((1, 2),))], EXPECTED)
    assert (outcome.fate, outcome.differs) == (Fate.EQUIVALENT, "512M")


def test_a_boot_that_never_ends_kills() -> None:
    outcome = judge_mutant(MUTANT, [run(SMALL, Verdict.UNDETERMINED, trap="endless-loop")], EXPECTED)
    assert outcome.fate is Fate.KILLED


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_mutant_is_booted_and_reported(tmp_path: object, jobs: int) -> None:
    source = Overlay(Folder(tmp_path), {FILE: b"a0123"})  # type: ignore[arg-type]
    mutants = [Mutant(MutationRule.DROP, FILE, 1, None, Span(at, at + 1), "", "x") for at in range(1, 5)]

    def boots(changed: BlobSource) -> Iterator[ModelRun]:
        yield run(SMALL, Verdict.CRASH if changed.read(FILE) == b"a0x23" else Verdict.OK)

    heard: list[int] = []
    outcomes = run_mutants(source, mutants, boots, jobs=jobs, progress=lambda _outcome, done: heard.append(done))
    assert [one.mutant for one in outcomes] == mutants
    assert dict(by_fate(outcomes)) == {Fate.KILLED: 1, Fate.LATENT: 0, Fate.EQUIVALENT: 3, Fate.UNDETERMINED: 0}
    assert heard == [1, 2, 3, 4]


def test_a_tree_that_is_not_ok_itself_tells_nothing(tmp_path: object) -> None:
    with pytest.raises(ValueError, match="CRASH"):
        run_mutants(Folder(tmp_path), [MUTANT], lambda _source: [run(SMALL, Verdict.CRASH)])  # type: ignore[arg-type]
