"""The model against kernels that really booted, or really died, under a real Xen: one test per record.

Needs KPT_LINUX_GIT and KPT_XEN_TRUTH, the path of a JSON list of boots, as `kpt model --truth` reads it.
KPT_XEN_TRUTH_ALL=1 runs every record of the file, else every fifth.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from kpatch_tools.app.truth import TruthReport, check_truth
from kpatch_tools.model.truth import Agreement, Comparison, RealBoot, parse_boots
from kpatch_tools.tree import KernelTree

pytestmark = pytest.mark.real


def _boots() -> tuple[RealBoot, ...]:
    path = os.environ.get("KPT_XEN_TRUTH")
    if not path:
        return ()
    found = parse_boots(Path(path).read_bytes(), name=path)
    return found if os.environ.get("KPT_XEN_TRUTH_ALL") else found[::5]


BOOTS = _boots()
ABSENT = "KPT_XEN_TRUTH is not set: no recorded boots at hand"


@pytest.fixture(scope="module")
def report(linux_git: Path) -> TruthReport:
    return check_truth(KernelTree.open(linux_git), BOOTS)


@pytest.fixture(scope="module")
def comparison_of(report: TruthReport) -> Callable[[str], Comparison]:
    by_id = {comparison.boot.id: comparison for comparison in report.comparisons}
    return lambda name: by_id[name]


@pytest.mark.skipif(not os.environ.get("KPT_XEN_TRUTH"), reason=ABSENT)
def test_there_are_records() -> None:
    assert BOOTS


@pytest.mark.parametrize("name", [boot.id for boot in BOOTS])
def test_the_model_agrees_with_the_recorded_boot(name: str, comparison_of: Callable[[str], Comparison]) -> None:
    comparison = comparison_of(name)
    assert (comparison.state, comparison.why) == (Agreement.AGREE, ())
